"""Drawing Fig. 2: the projections of a map's strongest activations beside the patches that they look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend.top_classes import commonest, label_of
from zfwidgets.errors import RefusedError, ZfwidgetsError
from zfwidgets.imaging import Mosaic, beside, enlarge, signed_picture, square, titled_sheet, to_jpeg, to_png

if TYPE_CHECKING:
    import torch

    from zfwidgets.backend.backend import Backend
    from zfwidgets.backend.top_requests import Peak
    from zfwidgets.data import ImageSet
    from zfwidgets.methods import Projection
    from zfwidgets.network import Network

__all__ = ["Looks", "TopTile", "crossed", "drawn", "enhanced", "sheet", "window"]

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]

SIDE = 64
"""Pixels of one picture in a tile; the page shows about 45 of its own, or twice as many on a fine screen."""
_SHEET_WIDTH = 400
"""Pixels that a tile comes close to on a sheet, if it is not wider by itself."""
_GREY, _CROSS = 208, 150
_ENHANCED = (0.995, 0.98)
"""Share of a projection's values that are drawn in proportion, large and small; stronger ones get full colour."""
_RELATIVE, _ABSOLUTE = 1e-2, 1e-4
"""How far an activation may be from the one in the index: rounding, on whatever device. Another picture is further."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class TopTile:
    """A map's strongest activations as a picture.

    Attributes
    ----------
    channel : int
    peaks : tuple of Peak
        The strongest first.
    labels : tuple of str or None
        Classes of their pictures, where they are known.
    boxes : tuple of (top, left, height, width)
        What each unit sees, in pixels of the model input; it may stick out.
    projections, patches : Mosaic or None
        In a square; None for a map without activations, projections also where an operation has no rule.
    picture : bytes
        Both beside each other, small, as JPEG, or PNG where places are left over; empty for a map without activations.
    problems : tuple of str
        What cannot be shown, and why; a cross stands in its place.
    """

    channel: int
    peaks: tuple[Peak, ...]
    labels: tuple[str | None, ...] = ()
    boxes: tuple[Box, ...] = ()
    projections: Mosaic | None = None
    patches: Mosaic | None = None
    picture: bytes = b""
    problems: tuple[str, ...] = ()

    @property
    def dead(self) -> bool:
        """Whether no picture excites the map."""
        return not self.peaks or not self.peaks[0].value > 0

    @property
    def caption(self) -> str:
        """Number, largest activation, and the class that most of its pictures have."""
        if self.dead:
            return f"#{self.channel}  dead: never above 0"
        found = commonest(self.labels)
        common = "" if found.name is None else f"  {found.name} {found.times}/{found.of}"
        value = self.peaks[0].value
        digits = f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:.0f}"
        return f"#{self.channel}  {digits}{common}"


def drawn(
    backend: Backend,
    layer: str,
    k: int,
    maps: Sequence[tuple[int, tuple[Peak, ...]]],
    pictures: ImageSet | None,
    cancelled: Callable[[], bool],
) -> tuple[TopTile, ...]:
    """Tiles of some maps of one layer, all projections together.

    Parameters
    ----------
    backend : Backend
        Whose network.
    layer : str
        Whose maps.
    k : int
        Places of a tile.
    maps : sequence of (int, tuple of Peak)
        Channels with their activations; a dead map is not drawn.
    pictures : ImageSet or None
        Where the pictures are; None: the backend's own.
    cancelled : callable
        True raises `Cancelled`.
    """
    lit = [(channel, peaks if peaks and peaks[0].value > 0 else ()) for channel, peaks in maps]
    looks = Looks(backend, layer, pictures)
    looks.look([(channel, peak) for channel, peaks in lit for peak in peaks], cancelled)
    tiles = []
    for (channel, peaks), (_, shown) in zip(maps, lit, strict=True):
        if not shown:
            tiles.append(TopTile(channel, peaks))
            continue
        labels = tuple(label_of(backend, pictures, peak.image) for peak in shown)
        tiles.append(looks.tile(channel, shown, labels, k))
    return tuple(tiles)


def sheet(tiles: Sequence[TopTile], title: str, note: str, columns: int) -> bytes:
    """Tiles as a figure, as PNG."""
    pairs: list[tuple[str, Pixels | None]] = []
    for tile in tiles:
        halves = [half.pixels for half in (tile.projections, tile.patches) if half is not None]
        both = None if not halves else halves[0] if len(halves) == 1 else beside(halves[0], halves[1])
        pairs.append((tile.caption, None if both is None else enlarge(both, _SHEET_WIDTH)))
    return to_png(titled_sheet(title, note, pairs, columns))


class Looks:
    """What each activation looks like, by channel and peak; problems are kept, the others are shown all the same.

    Parameters
    ----------
    backend, layer, pictures
        As in `drawn`.
    net : Network, optional
        The backend's own by default.

    Attributes
    ----------
    signals : dict
        Projections, (3, h, w), as far as they are shown.
    patches : dict
        What the units see, uint8 (h, w, 3).
    boxes, problems : dict
        Where they see it; why something cannot be shown.
    refused : str or None
        Why there can be no projection at all.
    """

    def __init__(self, backend: Backend, layer: str, pictures: ImageSet | None, net: Network | None = None) -> None:
        self.backend, self.layer, self.pictures = backend, layer, pictures
        self.net = net or backend.network
        self.signals: dict[tuple[int, Peak], NDArray[np.float32]] = {}
        self.patches: dict[tuple[int, Peak], Pixels] = {}
        self.boxes: dict[tuple[int, Peak], Box] = {}
        self.problems: dict[tuple[int, Peak], str] = {}
        self.refused: str | None = None

    def look(self, wanted: Sequence[tuple[int, Peak]], cancelled: Callable[[], bool]) -> None:
        """Find out what these look like."""
        from zfwidgets.backend.batching import fitting

        inputs: dict[str, torch.Tensor] = {}
        gone: dict[str, str] = {}
        for key in dict.fromkeys(peak.image for _, peak in wanted):
            try:
                inputs[key] = self._input(key)
            except ZfwidgetsError as error:
                gone[key] = str(error)
        self.problems = {look: gone[look[1].image] for look in wanted if look[1].image in gone}
        keys = list(inputs)

        def run(batch: int) -> None:
            # Switches take about as much memory again as the maps.
            step = max(batch // 2, 1)
            for start in range(0, len(keys), step):
                part = {key: inputs[key] for key in keys[start : start + step]}
                self._project([look for look in wanted if look[1].image in part], part, cancelled)

        if keys:
            fitting(self.net, run)

    def _input(self, key: str) -> torch.Tensor:
        if self.pictures is None and self.net is self.backend.network:
            return self.backend.input(key)
        return self.net.input(self.backend.picture(key) if self.pictures is None else self.pictures[key])

    def _project(
        self, wanted: Sequence[tuple[int, Peak]], inputs: Mapping[str, torch.Tensor], cancelled: Callable[[], bool]
    ) -> None:
        from zfwidgets.methods import Unit, project_units, record

        place = {key: number for number, key in enumerate(inputs)}
        units = [Unit(place[peak.image], self.layer, channel, peak.row, peak.column) for channel, peak in wanted]
        found: list[Projection | None]
        try:
            found = list(project_units(self.net, list(inputs.values()), units, cancelled=cancelled))
            values = [projection.value for projection in found if projection is not None]
        except RefusedError as error:
            self.refused = str(error)
            found = [None] * len(units)
            maps = record(self.net, list(inputs.values()), [self.layer]).activations[self.layer]
            values = [float(maps[(unit.image, unit.channel, *_place(maps, unit))]) for unit in units]
        largest = max(abs(peak.value) for _, peak in wanted)
        for look, projection, value in zip(wanted, found, values, strict=True):
            expected = look[1].value
            if not abs(value - expected) <= _RELATIVE * abs(expected) + _ABSOLUTE * largest:
                self.problems[look] = (
                    f"{look[1].image!r} gives {value:.3g} at the place where the index says {expected:.3g}: the "
                    "picture has changed since; mine again."
                )
                continue
            self._keep(look, projection, inputs[look[1].image])

    def _keep(self, look: tuple[int, Peak], projection: Projection | None, seen: torch.Tensor) -> None:
        from zfwidgets.methods.top_activations import TopEntry, patch
        from zfwidgets.methods.top_activations.parts import Field

        _, peak = look
        size = (int(seen.shape[1]), int(seen.shape[2]))
        position = (peak.row, peak.column)
        box = Field.of(self.net.layers[self.layer], size).box(position) if projection is None else projection.box
        rows, columns = window(box, size)
        entry = TopEntry(peak.value, peak.image, position, box)
        self.patches[look] = patch(self.net, seen, entry)[rows, columns]
        self.boxes[look] = box
        if projection is not None:
            self.signals[look] = projection.pixels[:, rows, columns]

    def tile(self, channel: int, peaks: tuple[Peak, ...], labels: tuple[str | None, ...], k: int) -> TopTile:
        looks = [(channel, peak) for peak in peaks]
        sentences = dict.fromkeys(self.problems[look] for look in looks if look in self.problems)
        if self.refused is not None:
            sentences[self.refused] = None
        patches = self._all(self.patches, looks)
        large, small = (
            self._all({look: enhanced(self.signals[look], share) for look in looks if look in self.signals}, looks)
            for share in _ENHANCED
        )
        height, width = self._shape()
        none = (0, 0, height, width)
        return TopTile(
            channel,
            peaks,
            labels,
            tuple(self.boxes.get(look, none) for look in looks),
            None if self.refused is not None else square(large, k),
            square(patches, k),
            _small(None if self.refused is not None else small, patches, k),
            tuple(sentences),
        )

    def _all(self, found: Mapping[tuple[int, Peak], Pixels], looks: Sequence[tuple[int, Peak]]) -> list[Pixels]:
        return [found[look] if look in found else crossed(*self._shape()) for look in looks]

    def _shape(self) -> tuple[int, int]:
        """Height and width of a patch."""
        size = self.net.input_size
        known = next(iter(self.patches.values()), None)
        if known is not None:
            return known.shape[0], known.shape[1]
        field = self.net.layers[self.layer].receptive_field
        return min(field[0], size[0]), min(field[1], size[1])


def window(box: Box, size: tuple[int, int]) -> tuple[slice, slice]:
    """The part of a receptive field that is shown, as rows and columns of it.

    All of it, even where it sticks out of the picture; but of a field larger than the picture only as much as the
    picture has, with as much of the picture in it as there can be, or there would be more border than picture.

    Examples
    --------
    >>> window((-2, 90, 7, 7), (96, 96)), window((-10, 3, 120, 7), (96, 96))
    ((slice(0, 7, None), slice(0, 7, None)), (slice(10, 106, None), slice(0, 7, None)))
    """
    rows, columns = (
        _shown(start, length, extent) for start, length, extent in zip(box[:2], box[2:], size, strict=True)
    )
    return rows, columns


def _shown(start: int, length: int, extent: int) -> slice:
    shown = min(length, extent)
    first = min(max(-start, 0), length - shown) if length > extent else 0
    return slice(first, first + shown)


def _small(projections: Sequence[Pixels] | None, patches: Sequence[Pixels], k: int) -> bytes:
    right = square(patches, k, SIDE).clear
    both = right if projections is None else beside(square(projections, k, SIDE).clear, right)
    return to_png(both) if both.shape[2] == 4 else to_jpeg(both)


def enhanced(pixels: NDArray[np.float32], share: float) -> Pixels:
    """A projection in which this share of the values is drawn in proportion, and the stronger ones in full colour.

    A few pixels are far stronger than all others: with their contrast the rest would not be seen.
    """
    limit, larger = np.quantile(np.abs(pixels), (share, _ENHANCED[0]))
    return signed_picture(pixels, float(limit) or float(larger) or None)


def crossed(height: int, width: int) -> Pixels:
    """What stands in the place of a picture that cannot be shown."""
    pixels = np.full((height, width, 3), _GREY, np.uint8)
    steps = np.arange(2 * max(height, width))
    rows, columns = steps * height // len(steps), steps * width // len(steps)
    pixels[rows, columns] = pixels[rows, width - 1 - columns] = _CROSS
    return pixels


def _place(maps: NDArray[Any], unit: Any) -> tuple[int, ...]:
    return (unit.row, unit.column) if maps.ndim == 4 else ()
