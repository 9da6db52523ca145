"""A second network beside the occlusion viewer's own: the same square over its input, its maps, the differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend import Backend, OccludedRequest, ProjectionRequest, Request, Scores, ScoresRequest
from zfwidgets.imaging import Crossing, difference_picture
from zfwidgets.methods import map_difference
from zfwidgets.widgets.occlusion import words
from zfwidgets.widgets.occlusion.maps import OcclusionMaps
from zfwidgets.widgets.occlusion.options import OcclusionOptions, sweep_of
from zfwidgets.widgets.parts.figures import Box, PictureFigure
from zfwidgets.widgets.parts.score_bars import score_bars
from zfwidgets.widgets.parts.style import ACCENT, signed, signed_bar
from zfwidgets.widgets.viewer.counterpart import channel_beside, class_beside, layer_beside

if TYPE_CHECKING:
    from zfwidgets.methods import OcclusionMap

__all__ = ["OcclusionBeside"]

Touched = Callable[[float, float], None]
_LARGEST = "#111111"
"""The frame of the largest difference; on white, blue and red alike."""
_STEPS = (1, 1.5, 2, 3, 5)
"""A scale ends at these times a power of ten: it stays while a slider moves a little."""


class OcclusionBeside:
    """What the viewer shows of a second network.

    Parameters
    ----------
    mine, theirs : Backend
        The two networks.
    names : sequence of str
        What they are called.
    cross : callable
        From the key of a picture to the way from the first input to the second.
    touched, looked : callable
        Told (x, y), in input pixels of the first network, of a click and of the cell under the mouse.

    Attributes
    ----------
    maps : OcclusionMaps
        The second network's.
    differences : list of PictureFigure
        Of probabilities, labels and activations, in the places of the first network.
    bars, notes : ipywidgets.HTML
        Its most probable classes; what had to be chosen for it.
    """

    def __init__(
        self,
        mine: Backend,
        theirs: Backend,
        names: Sequence[str],
        cross: Callable[[str], Crossing],
        touched: Touched,
        looked: Touched,
    ) -> None:
        self._mine, self._theirs, self._names = mine, theirs, names
        self._cross_of = cross
        self._crossing: Crossing | None = None
        self.map: OcclusionMap | None = None
        self.clean: Scores | None = None
        self.square: Scores | None = None
        self.maps = OcclusionMaps(self._back(touched), self._back(looked), names[1])
        self._probability, self._label, self._activation = self.differences = [
            PictureFigure(title, hover=True)
            for title in ("Difference of probabilities", "Labels that differ", "Difference of activations")
        ]
        self._found: dict[PictureFigure, Box] = {}
        self._cursor: Box = (0, 0, 1, 1)
        for panel in self.differences:
            panel.on_click(touched)
            panel.on_hover(looked)
        self.bars, self.notes = W.HTML(), W.HTML()

    def beside(self, first: OcclusionMaps) -> list[PictureFigure]:
        """All panels, a row of the page after the other: first network, second network, difference."""
        rows = zip(first.panels, self.maps.panels, [*self.differences, None], strict=True)
        return [panel for row in rows for panel in row if panel is not None]

    # Questions -----------------------------------------------------------------------------------------------

    def questions(self, options: OcclusionOptions) -> dict[str, Request]:
        """The same of the second network; the square has the same place and side in the picture, not in pixels."""
        crossing = self._cross(options.image)
        size, stride = _in(crossing, options.size, options.stride)
        row, column, _, _ = self._place(options)
        layer = self._layer(options).layer
        questions: dict[str, Request] = {
            "clean": ScoresRequest(options.image),
            "square": OccludedRequest(options.image, int(row), int(column), size, options.fill),
            "sweep": sweep_of(options, size, stride, layer),
        }
        channel = self._channel(options)
        if layer is not None and channel is not None:
            questions["projection"] = ProjectionRequest(options.image, layer, channel)
        return questions

    def _cross(self, key: str) -> Crossing:
        self._crossing = self._cross_of(key)
        return self._crossing

    def _back(self, told: Touched) -> Touched:
        """A touch of its panels, in places of the first network."""

        def touched(x: float, y: float) -> None:
            if self._crossing is not None:
                told(*self._crossing.back(x, y))

        return touched

    def _place(self, options: OcclusionOptions) -> Box:
        """The square over its input, moved inside where its crop ends."""
        crossing = self._cross(options.image)
        size = crossing.length(options.size)
        x, y = crossing.there(float(options.column), float(options.row))
        height, width = self._theirs.network.input_size
        return (*(round(min(max(at, 0), end - size)) for at, end in ((y, height), (x, width))), size, size)  # type: ignore[return-value]

    def _layer(self, options: OcclusionOptions) -> Any:
        return layer_beside(self._mine.network, self._theirs.network, options.layer, self._names[1])

    def _channel(self, options: OcclusionOptions) -> int | None:
        """The map of the same number; without one its strongest, as soon as a sweep of this layer has told it."""
        layer = self._layer(options).layer
        if options.channel is not None:
            channel, _ = channel_beside(self._theirs.network, layer, options.channel, self._names[1])
            if channel is not None:
                return channel
        return self.map.channel if self.map is not None and self.map.layer == layer else None

    # Answers -------------------------------------------------------------------------------------------------

    def select(self, options: OcclusionOptions) -> None:
        """The cursor: one square in all panels."""
        self._cursor = (options.row, options.column, options.size, options.size)
        self.maps.select(self._place(options))
        for panel in self.differences:
            self._mark(panel)

    def _mark(self, panel: PictureFigure) -> None:
        found = [self._found[panel]] if panel in self._found else []
        panel.boxes([*found, self._cursor], [*([_LARGEST] if found else []), ACCENT])

    def draw(
        self, first: OcclusionMaps, answer: OcclusionMap, target: int, channel: int | None, options: OcclusionOptions
    ) -> None:
        """Its maps, and the differences at the squares of the first network."""
        theirs, clean = self.map, self.clean
        if theirs is None or clean is None:
            return
        known = class_beside(answer.net, theirs.net, target)
        their_target = int(clean.probabilities.argmax()) if known is None else known
        their_channel = self._channel(options)
        self.maps.draw(theirs, their_target, their_channel, options.opacity, options.rescaled, options.image)
        self.notes.value = self._notes(answer, target, their_target, known is not None, options)
        if not self._matches(answer):
            return  # what is shown, faded, stays until both have answered the same question
        half = answer.size / 2
        for panel in self.differences:
            panel.cells(answer.rows + half, answer.columns + half)
        drawing = _Drawing(first, answer, theirs, self._cross(options.image), options)
        self._subtract_probabilities(drawing, target, their_target, known is not None)
        self._compare_labels(drawing)
        self._subtract_activations(drawing, channel, their_channel)
        for panel in self.differences:
            self._mark(panel)

    def _matches(self, answer: OcclusionMap) -> bool:
        """Whether both maps are of one square and step; while a slider moves, one is there before the other."""
        assert self.map is not None and self._crossing is not None
        size, stride = _in(self._crossing, answer.size, answer.stride)
        return (self.map.size, self.map.stride) == (size, stride)

    def _subtract_probabilities(self, drawing: _Drawing, target: int, their_target: int, same: bool) -> None:
        mine, theirs = drawing.mine.probability(target), drawing.theirs.probability(their_target)
        if same:
            self._probability.title("Difference of probabilities", f"P({drawing.mine.net.classes[target]})")
            self._subtract(self._probability, drawing, (mine, theirs), "probability")
            return
        # What hiding takes from each network's own class can be compared, their probabilities cannot.
        mine = mine - drawing.mine.clean_probability(target)
        theirs = theirs - drawing.theirs.clean_probability(their_target)
        self._probability.title("Difference of changes", "own classes")
        self._subtract(self._probability, drawing, (mine, theirs), "change of probability")

    def _subtract_activations(self, drawing: _Drawing, channel: int | None, their_channel: int | None) -> None:
        mine, theirs = _shares(drawing.mine, channel), _shares(drawing.theirs, their_channel)
        if mine is None or theirs is None:
            self._found.pop(self._activation, None)
            self._activation.blank()
            self._activation.foot("No difference: one of the two has no such map, or it is dead on the whole picture.")
            return
        self._activation.title("Difference of activations", "as shares")
        self._subtract(self._activation, drawing, (mine, theirs), "share of the whole picture's activation")

    def _subtract(
        self, panel: PictureFigure, drawing: _Drawing, values: tuple[NDArray[Any], NDArray[Any]], unit: str
    ) -> None:
        difference = map_difference(drawing.mine, drawing.theirs, values, drawing.crossing)
        place = difference.largest
        self._found.pop(panel, None)
        if place is None:
            panel.blank()
            panel.foot("No difference: the two networks see no common place of this picture.")
            return
        largest = float(difference.values[place])
        limit = max(abs(largest), 1e-6) if drawing.options.rescaled else _scale_end(abs(largest))
        panel.show(drawing.over(difference.values, limit))
        row, column = int(drawing.mine.rows[place[0]]), int(drawing.mine.columns[place[1]])
        if largest:
            self._found[panel] = (row, column, drawing.mine.size, drawing.mine.size)
        apart = f"; squares up to {difference.apart:.1f} pixels apart" if difference.apart > 0 else ""
        bar = signed_bar(limit, f"{unit}: {self._names[1]} minus {self._names[0]}{apart}")
        said = f"Largest difference {signed(largest)}, at row {row}, column {column}." if largest else "No difference."
        panel.foot(f"{bar}<div>{said}</div>")

    def _compare_labels(self, drawing: _Drawing) -> None:
        names: dict[str, int] = {}
        both = tuple(
            np.array([names.setdefault(one.net.classes[label], len(names)) for label in one.top_label.flat]).reshape(
                one.top_label.shape
            )
            for one in (drawing.mine, drawing.theirs)
        )
        apart = map_difference(drawing.mine, drawing.theirs, (both[0], both[1]), drawing.crossing).values
        other = np.where(np.isnan(apart), np.nan, apart != 0)
        if np.isnan(other).all():
            self._label.blank()
            self._label.foot("")
            return
        self._label.show(drawing.over(other, 1.0))
        same = f"the same label at {100 * (1 - np.nanmean(other)):.0f} % of the places"
        self._label.foot(f"white: {same}; red: another")

    def show_bars(self) -> None:
        """Its most probable classes with the square hidden."""
        if self.square is not None and self.clean is not None:
            self.bars.value = score_bars(f"{self._names[1]}, square hidden", self.square, self.clean)

    def reading(self, x: float, y: float, target: str) -> str:
        """What it says while a place of the first network's input is hidden."""
        if self.map is None or self._crossing is None or self.clean is None:
            return f"{self._names[1]}: not known yet"
        x, y = self._crossing.there(x, y)
        half, reach = self.map.size / 2, self.map.stride / 2
        far = [np.abs(starts + half - at) for starts, at in ((self.map.rows, y), (self.map.columns, x))]
        if max(float(axis.min()) for axis in far) > reach + 1e-6:
            return f"{self._names[1]}: does not see this place"
        classes = self.map.net.classes
        index = classes.index(target) if target in classes else int(self.clean.probabilities.argmax())
        return f"{self._names[1]}: {words.cell(self.map, index, int(far[0].argmin()), int(far[1].argmin()))}"

    def _notes(
        self, answer: OcclusionMap, target: int, their_target: int, same: bool, options: OcclusionOptions
    ) -> str:
        """What had to be chosen for the second network."""
        assert self.map is not None
        crossing, name, said = self._cross(options.image), self._names[1], []
        if not same:
            classes = answer.net.classes[target], self.map.net.classes[their_target]
            said.append(f"{name} does not know {classes[0]!r}: shown is its own answer, {classes[1]!r}.")
        layer = self._layer(options)
        said.append(layer.words)
        if options.channel is not None:
            said.append(channel_beside(self._theirs.network, layer.layer, options.channel, name)[1])
        if not crossing.same:
            side = self._theirs.network.input_size[0]
            said.append(f"Its square has {self.map.size} of its {side} pixels, its step {self.map.stride}.")
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in said if sentence)
        return f'<div class="zf-h">Second network: {escape(name)}</div>{lines}'


class _Drawing:
    """Two maps on their way to a difference, at the squares of the first."""

    def __init__(
        self,
        maps: OcclusionMaps,
        mine: OcclusionMap,
        theirs: OcclusionMap,
        crossing: Crossing,
        options: OcclusionOptions,
    ) -> None:
        self._maps, self.mine, self.theirs, self.crossing, self.options = maps, mine, theirs, crossing, options

    def over(self, values: NDArray[Any], limit: float) -> NDArray[np.uint8]:
        """Differences over what the first network sees."""
        return self._maps.over(
            self.mine, values, lambda placed: difference_picture(placed, limit), self.options.opacity
        )


def _in(crossing: Crossing, size: int, stride: int) -> tuple[int, int]:
    """Square and step in pixels of the second input."""
    return crossing.length(size), max(round(stride * crossing.scale), 1)


def _shares(answer: OcclusionMap, channel: int | None) -> NDArray[Any] | None:
    """A map's activation as a share of the whole picture's: two networks have no common unit."""
    if answer.layer is None or channel is None or answer.clean_sums is None:
        return None
    whole = float(answer.clean_sums[channel])
    return answer.activation(channel) / whole if whole > 0 else None


def _scale_end(largest: float) -> float:
    """The next round number.

    Examples
    --------
    >>> [_scale_end(value) for value in (0.0, 0.012, 0.5, 0.74)]
    [0.01, 0.015, 0.5, 1.0]
    """
    if largest <= 0.01:
        return 0.01
    power = 10.0 ** np.floor(np.log10(largest))
    return float(next((round(step * power, 9) for step in _STEPS if step * power >= largest * (1 - 1e-9)), 10 * power))
