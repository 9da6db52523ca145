"""Fig. 6: what is wrong with a first layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from zfwidgets.figures.canvas import stacked, table_picture
from zfwidgets.figures.common import some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels, Table
from zfwidgets.imaging import enlarge, filter_mosaic, titled_sheet

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods.filters import FilterReport
    from zfwidgets.network import Network

__all__ = ["fig6"]

_KEYS = ("dominance", "over", "low", "mid", "high", "aliasing", "pattern aliasing", "duplicates", "dead")
_SIDE = 204
_DOMINATES = 2.0
_GEOMETRY = "Part of it is geometry: untrained filters alias too."


def fig6(backend: Backend, effort: float = 1.0, networks: Mapping[str, Network] | None = None) -> PaperFigure:
    """First layers of four small networks: 7x7 in steps of 2 and 11x11 in steps of 4, with and without clipping.

    Parameters
    ----------
    backend : Backend
        Not asked: the four networks ship, ``zfwidgets study fig6`` trains them again.
    effort : float
        1 shows them 128 scenes, less a share of these.
    networks : mapping of str to Network, optional
        Of ``zfwidgets study fig6``; those that ship by default.
    """
    from zfwidgets.data import scenes
    from zfwidgets.methods.filters import filter_report
    from zfwidgets.training.studies import ChoiceRecipe, stored_choices

    unseen, radius = scenes(some(128, effort, 16), seed=13), ChoiceRecipe().radius
    reports = {name: filter_report(net, unseen, radius=radius) for name, net in (networks or stored_choices()).items()}
    pairs: list[tuple[str, Pixels | None]] = []
    for name, report in reports.items():
        largest = report.filters[(-report.rms).argsort()]
        pairs.append((name.replace(", stride", " /"), enlarge(filter_mosaic(largest, shared=True).pixels, _SIDE)))
    for report in reports.values():
        seen = report.patterns
        pairs.append(("its layer 2", None if seen is None else enlarge(filter_mosaic(seen.pixels[:16]).pixels, _SIDE)))
    note = "Above: layer 1, the largest filter first, one scale each. Below: layer 2, drawn through layer 1."
    numbers = {name: report.figures() for name, report in reports.items()}
    table = Table(
        ("", *(name.replace(", stride ", "/").replace(", ", " ") for name in reports)),
        tuple((key, *(f"{numbers[name][key]:.3g}" for name in reports)) for key in _KEYS),
    )
    return PaperFigure(
        "Fig. 6: the choice of the first layer",
        "Without clipping one filter dominates the first layer (a). Krizhevsky's 11x11 filters in steps of 4 are "
        "partly dead and lack middle frequencies (b), and the second layer shows aliasing (d); 7x7 in steps of 2 does "
        "neither (c, e). Shown as pictures, without numbers (section 4.1).",
        "Four small networks that learnt the same 3,000 scenes; a few hundred steps on drawn scenes of 64 pixels are "
        "not ImageNet.",
        _claims(reports),
        stacked(titled_sheet("First and second layers", note, pairs, columns=4), table_picture(table)),
        table,
    )


def _claims(reports: Mapping[str, FilterReport]) -> tuple[Claim, ...]:
    numbers = {name: report.figures() for name, report in reports.items()}

    def apart(key: str, first: Callable[[str], bool], smaller: bool, says: str, note: str = "") -> Claim:
        """Whether all of one kind have a smaller, or larger, number than all of the other; None where they overlap."""
        one = [found[key] for name, found in numbers.items() if first(name)]
        two = [found[key] for name, found in numbers.items() if not first(name)]
        low, high = (one, two) if smaller else (two, one)
        told_apart = max(low) < min(high) or max(high) < min(low)
        end = "" if told_apart else ", not told apart"
        verdict = max(low) < min(high) if told_apart else None
        return Claim(says, f"{key} {_range(one)} against {_range(two)}{end}", verdict, note=note)

    def clipped(name: str) -> bool:
        return not name.endswith("not clipped")

    def ours(name: str) -> bool:
        return name.startswith("7x7")

    free = [found["dominance"] for name, found in numbers.items() if not clipped(name)]
    few = "After so few steps no filter is dead in any of them."
    return (
        apart("dominance", clipped, True, "with clipping the largest filter outgrows the others less (6a)"),
        Claim(
            "without clipping one filter dominates (6a)",
            f"the largest is {_range(free)} times the median one",
            min(free) > _DOMINATES,
            note=f"At least {_DOMINATES:g} times is to dominate. A few hundred steps are not the paper's 70 epochs.",
        ),
        apart("over", clipped, True, "clipping keeps filters within the radius"),
        apart("pattern aliasing", ours, True, "layer 2 aliases less behind 7x7 in steps of 2 (6d, 6e)", _GEOMETRY),
        apart("mid", ours, False, "7x7 in steps of 2 has more middle frequencies (6b, 6c)"),
        apart("dead", ours, True, "7x7 in steps of 2 has fewer dead filters (6b, 6c)", few),
    )


def _range(values: list[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"
