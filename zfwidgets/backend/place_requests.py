"""The question which units look at a place of a picture; frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zfwidgets.backend.requests import Cancelled, Partial, RecordRequest
from zfwidgets.errors import RefusedError

# Who asks needs no torch: it is loaded where a request runs.
if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.methods import Recording, UnitsAt

__all__ = ["UnitsAtRequest", "UnitsShown"]

SIDE = 96
"""Pixels that the longer side of a small projection comes close to."""
COUNT = 6
"""Two rows of three beside the other controls."""
_IN_PROPORTION = 0.98
"""Share of a projection's values that are drawn in proportion, as in the tiles of Fig. 2."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class UnitsShown:
    """Units at a place, and what each looks like.

    Attributes
    ----------
    units : UnitsAt
    pictures : tuple of bytes
        Their projections, small, as JPEG; none yet in a partial answer, none at all where an operation has no rule.
    """

    units: UnitsAt
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class UnitsAtRequest:
    """The six strongest units of a layer that look straight at a pixel. Answered by `UnitsShown`."""

    image: str
    layer: str
    pixel: tuple[int, int]
    quick: ClassVar[bool] = True

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> UnitsShown:
        from zfwidgets.methods import units_at

        recording = backend.compute(RecordRequest(self.image, (self.layer,)))
        units = units_at(backend.network, recording, self.layer, self.pixel, COUNT)
        if on_partial is not None:
            on_partial(UnitsShown(units))
        try:
            return UnitsShown(units, _drawn(backend, recording, units, cancelled or (lambda: False)))
        except RefusedError:
            return UnitsShown(units)


def _drawn(backend: Backend, recording: Recording, units: UnitsAt, cancelled: Callable[[], bool]) -> tuple[bytes, ...]:
    from zfwidgets.backend.top_drawing import enhanced, window
    from zfwidgets.imaging import square, to_jpeg
    from zfwidgets.methods import Unit, project_units

    wanted = [Unit(0, units.layer, int(channel), *units.position) for channel in units.channels]
    pictures = []
    for unit in project_units(backend.network, recording, wanted, cancelled=cancelled) if wanted else []:
        rows, columns = window(unit.box, unit.input_size)
        seen = enhanced(unit.pixels[:, rows, columns], _IN_PROPORTION)
        pictures.append(to_jpeg(square([seen], 1, SIDE).pixels))
    return tuple(pictures)
