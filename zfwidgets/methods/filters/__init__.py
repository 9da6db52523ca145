"""First-layer filters: what is wrong with them, and what is not (Fig. 6). Names load when they are first used."""

from typing import TYPE_CHECKING

from zfwidgets.lazy import lazy_names

if TYPE_CHECKING:
    from zfwidgets.methods.filters.measure import filter_report, second_convolution
    from zfwidgets.methods.filters.report import RADIUS, FilterReport, Patterns, Responses

__all__ = ["RADIUS", "FilterReport", "Patterns", "Responses", "filter_report", "second_convolution"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "measure": ("filter_report", "second_convolution"),
        "report": ("RADIUS", "FilterReport", "Patterns", "Responses"),
    },
)
