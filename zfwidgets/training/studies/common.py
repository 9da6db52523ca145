"""What both studies share: scenes made small, and a file that is whole after every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from ...errors import DataError
from ..checkpoint import write_atomically
from ..pictures import LabelledPictures, draw_scenes

__all__ = ["RESULTS", "read_results", "small_scenes", "write_results"]

RESULTS = Path(__file__).parent
"""Where the results lie that ship with the package."""

_AT_ONCE = 500


def small_scenes(count: int, seed: int, size: int, processes: int, progress: bool) -> LabelledPictures:
    """The first scenes of a seed, antialiased to ``size`` pixels: a small network learns them in a minute.

    Returns
    -------
    LabelledPictures
        (count, size, size, 3) and (count,).
    """
    pictures = draw_scenes(count, seed, processes=processes, progress=progress)
    small = []
    for some in torch.split(pictures.pixels, _AT_ONCE):
        levels = some.permute(0, 3, 1, 2).to(torch.float32)
        levels = F.interpolate(levels, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        small.append(levels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1))
    return LabelledPictures(torch.cat(small).contiguous(), pictures.labels)


def write_results(path: Path, kind: str, recipe: dict[str, Any], rest: dict[str, Any]) -> None:
    """Write a study's results; the same study gives the same bytes."""
    content = {"format": f"zfwidgets {kind} 1", "recipe": recipe, **rest}
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def read_results(path: Path, kind: str) -> dict[str, Any]:
    """What `write_results` wrote.

    Raises
    ------
    DataError
        If the file is missing, damaged or of another kind.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise DataError(f"The results {path} cannot be read ({cause}); make them with zfwidgets study.") from cause
    if not isinstance(content, dict) or content.get("format") != f"zfwidgets {kind} 1":
        raise DataError(f"{path} holds no results of the {kind} study; make them with zfwidgets study {kind}.")
    return content
