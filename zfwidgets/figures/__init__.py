"""The paper's figures and tables, made again from the embedded networks: a picture, the claim, our number.

One module for each; `make` calls it by its name. `result` says what comes back, `canvas` is the paper to draw on,
`writing` fills a folder and `page` shows it.
"""

from zfwidgets.figures.making import NAMES, make, names_asked
from zfwidgets.figures.result import Claim, PaperFigure, Table

__all__ = ["NAMES", "Claim", "PaperFigure", "Table", "make", "names_asked"]
