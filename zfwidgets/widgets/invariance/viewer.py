"""`InvarianceViewer`: Fig. 5, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np

from zfwidgets.backend import (
    Backend,
    InvarianceRequest,
    Moved,
    MovedRequest,
    Request,
    Scores,
    ScoresRequest,
    UnreadableRequest,
)
from zfwidgets.errors import ImageError
from zfwidgets.imaging import default_amounts, mosaic
from zfwidgets.imaging.mosaic import Mosaic
from zfwidgets.methods import BORDERS, shallow_and_deep
from zfwidgets.widgets.invariance import words
from zfwidgets.widgets.invariance.maps import InvarianceMaps, Seen
from zfwidgets.widgets.invariance.options import (
    MOST,
    PRECISIONS,
    UNITS,
    InvarianceOptions,
    first_amount,
    first_pictures,
    slider_range,
)
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.curves import COLOURS
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.score_bars import score_bars
from zfwidgets.widgets.parts.strip import left_out
from zfwidgets.widgets.parts.style import printed
from zfwidgets.widgets.viewer.pair import FIRST, SECOND

if TYPE_CHECKING:
    from zfwidgets.methods import InvarianceCurves

__all__ = ["InvarianceViewer"]

_NONE = "none"
_SHEET = 194
"""Screen pixels of two rows of three small pictures."""
_NAMES = (("shift up and down", "translate"), ("enlarge", "scale"), ("turn", "rotate"))


class InvarianceViewer(InvarianceOptions):
    """Move pictures, and watch their features go: at once in a shallow layer, slowly in a deep one (Fig. 5).

    The slider moves the pictures themselves and a cursor on the curves; it never starts the curves anew, nor does the
    class. A click on one of the small pictures makes it the one that stands out.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    other : Backend, optional
        A second network: its curves of the same pictures are dashed, in the same panels. Its layers are its first one
        and its last one below the class scores.
    **options
        Traits: ``image``, ``pictures``, ``transform``, ``amount``, ``border``, ``shallow``, ``deep``, ``target``,
        ``precision``, ``euclidean``; and those of `ipywidgets.VBox`.

    Examples
    --------
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = InvarianceViewer(backend, transform="scale", pictures=backend.images[:2])
    ...     done = viewer.wait()
    >>> viewer.result.probability.shape, viewer.result.layers
    ((2, 33), ('conv1', 'fc7'))
    """

    MAIN = "curves"
    ALSO = ("moved", "clean", "unreadable")
    SENTENCE = (
        "Flat is invariant: a shallow layer leaves at once, a deep one slowly (Zeiler and Fergus, section 4, Fig. 5)."
    )

    def _defaults(self) -> dict[str, Any]:
        pictures = first_pictures(self._backend)
        shallow, deep = _two_layers(self._backend)
        # The transform comes first in any case, because the amount is checked against it.
        first = {"transform": "rotate", "amount": None, "image": pictures[0], "pictures": pictures}
        return first | {"shallow": shallow, "deep": deep}

    def _build(self) -> W.Widget:
        self._curves: InvarianceCurves | None = None
        self._others: InvarianceCurves | None = None
        self._moved: Moved | None = None
        self._clean: Scores | None = None
        self._gone: dict[str, str] = {}
        self._sheet: Mosaic | None = None
        if self.amount is None:
            self._start()
        if "image" not in self._given and self.pictures:
            self.image = self.pictures[0]
        self._picture = PictureFigure("Picture")
        self._small = PictureFigure("Pictures", height=_SHEET)
        self._small.on_click(self._by_hand(self._choose))
        self._maps = InvarianceMaps()
        self._bars, self._symmetry = W.HTML(), W.HTML()
        self._next = W.Button(description="Next dip", tooltip="Turn to where the deep layer's features come back")
        self._next.on_click(self._by_hand(lambda _: self.next_dip()))
        self.observe(lambda _: self._start(), "transform")
        self.observe(lambda _: self._redraw(), ["target", "amount", "euclidean", "image"])
        left = W.VBox([self._picture, self._controls()])
        left.add_class("zf-side")
        dips = W.Box([self._symmetry, self._next])
        dips.add_class("zf-save")
        notes = W.VBox([self._small, self._bars, dips, self._view_controls()])
        notes.add_class("zf-notes")
        body = W.Box([left, self._maps, notes])
        body.add_class("zf-row")
        return body

    def _controls(self) -> W.VBox:
        net = self._backend.network
        low, high, step = slider_range(self.transform, min(net.input_size))
        self._amount_control = W.FloatSlider(
            low,
            min=low,
            max=high,
            step=step,
            description="Amount",
            style={"description_width": "initial"},
            continuous_update=True,
            readout_format=_readout(step),
            tooltip="Amount",
        )
        self._image_control = controls.image_choice(self._backend, self.image)
        layers = list(net.menu) or [_NONE]
        return controls.group(
            self._bind(controls.choice("Transform", _NAMES, self.transform), "transform"),
            self._bind(self._amount_control, "amount"),
            self._bind(self._image_control, "image"),
            self._bind(controls.choice("Shallow layer", layers, layers[0]), "shallow", none=_NONE),
            self._bind(controls.choice("Deep layer", layers, layers[0]), "deep", none=_NONE),
            self._bind(controls.target_choice(net.classes), "target"),
            self._bind(controls.choice("Border", BORDERS, "edge"), "border"),
            self._bind(
                controls.choice("Precision", controls.precision_options(PRECISIONS, False), "exact"), "precision"
            ),
        )

    def _view_controls(self) -> W.VBox:
        self._pictures_control = W.SelectMultiple(
            options=self._image_control.options,
            description="Pictures",
            rows=5,
            tooltip=f"Whose curves are shown, at most {MOST}",
        )
        euclidean = W.ToggleButton(description="Euclidean", tooltip="Distances as in the paper, each on its own scale")
        return controls.group(self._bind(self._pictures_control, "pictures"), self._bind(euclidean, "euclidean"))

    # Questions -----------------------------------------------------------------------------------------------

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake:
            return {}
        look: dict[str, Request] = {"unreadable": UnreadableRequest(self._wanted)}
        if not self._looked:
            return look if which == FIRST else {}
        shown, transform = self._on_page, self.transform
        if not shown:
            raise ImageError(self._gone[self.image])
        amounts = default_amounts(transform, min(self._backend.network.input_size))
        if which == SECOND:
            theirs = tuple((amounts * self._factor).tolist())
            layers = shallow_and_deep(self._backends[which].network)
            return {"curves": InvarianceRequest(shown, transform, theirs, layers, self.border, self.precision)}
        moved = (self._chosen, *(key for key in shown if key != self._chosen))
        layers = tuple(dict.fromkeys(layer for layer in (self.shallow, self.deep) if layer is not None))
        return look | {
            "moved": MovedRequest(moved, transform, self.amount, self.border),
            "clean": ScoresRequest(self._chosen),
            "curves": InvarianceRequest(shown, transform, tuple(amounts.tolist()), layers, self.border, self.precision),
        }

    def _of_both(self) -> tuple[str, ...]:
        return self._on_page

    @property
    def _wanted(self) -> tuple[str, ...]:
        """The pictures that were asked for."""
        if self.image in self.pictures:
            return tuple(self.pictures)
        return (self.image, *self.pictures[: MOST - 1])

    @property
    def _looked(self) -> bool:
        """Whether it is known which of them can be read."""
        return self._answered.get("unreadable") == UnreadableRequest(self._wanted)

    @property
    def _on_page(self) -> tuple[str, ...]:
        """The pictures on the page, in the order of their colours: those that can be read."""
        return tuple(key for key in self._wanted if not self._looked or key not in self._gone)

    @property
    def _chosen(self) -> str:
        """The picture that stands out: the one asked for, or the first one that can be read."""
        return self.image if self.image in self._on_page or not self._on_page else self._on_page[0]

    @property
    def _factor(self) -> float:
        """What one pixel of a shift is in the second network's input."""
        if self._other is None or self.transform != "translate":
            return 1.0
        return self._other.network.preprocess.short_side / self._backend.network.preprocess.short_side

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "curves":
            self._tell_share(which, float(value.known.mean()))
            if which == FIRST:
                self._curves = value
            else:
                self._others = value
            self._redraw()
        elif slot == "unreadable":
            self._gone = value
        elif slot == "clean":
            self._clean = value
            self._redraw_bars()
        elif slot == "moved":
            self._moved = value
            self._show_pictures()
            self._redraw_bars()

    def _show_pictures(self) -> None:
        request = self._answered["moved"]
        assert self._moved is not None
        self._picture.show(self._moved.seen[0])
        where = f"{printed(request.amount, 'g')}{UNITS[request.transform]}"
        self._picture.title("Picture", f"{self._name(request.images[0])}, {where}")
        self._picture.foot("what the network sees; Amount moves it")
        order = [key for key in self._on_page if key in request.images]
        tiles = [self._moved.seen[request.images.index(key)] for key in order]
        self._sheet = mosaic(
            np.stack([_framed(tile, COLOURS[place]) for place, tile in enumerate(tiles)]), columns=min(3, len(tiles))
        )
        self._small.show(self._sheet.clear)
        self._small.boxes([self._sheet.box(order.index(request.images[0]))])
        self._small.title("Pictures", "framed in the colours of their curves")
        self._small.foot("click one to let its curves stand out")

    def _redraw(self) -> None:
        """The curves again, from what is known."""
        mine = self._answered.get("curves")
        if self._curves is None or mine is None or mine.transform != self.transform or self._chosen not in mine.images:
            return
        chosen, classes = mine.images.index(self._chosen), self._classes(self._curves, mine.images)
        seen = [self._seen(self._curves, self._backend, (self.shallow, self.deep), classes)]
        theirs = self._answered_by(SECOND, "curves")
        same = theirs is not None and (theirs.images, theirs.transform) == (mine.images, mine.transform)
        if self._others is not None and self._other is not None and same:
            seen.append(self._seen(self._others, self._other, _two_layers(self._other), classes, 1 / self._factor))
        names = [self._name(key) for key in mine.images]
        self._maps.draw(seen, names, chosen, self.amount, self.euclidean, classes)
        dips = self._maps.dips(seen[0], chosen)
        self._symmetry.value = words.dips(dips, names[chosen], self.transform, self.deep)
        self._next.disabled = not dips

    def _seen(
        self,
        curves: InvarianceCurves,
        backend: Backend,
        layers: tuple[str | None, str | None],
        classes: list[str],
        factor: float = 1.0,
    ) -> Seen:
        """One network's curves towards these classes; a class that it does not have gives way to its own answer."""
        known = backend.network.classes
        targets = [
            known.index(name) if name in known else own for name, own in zip(classes, curves.targets, strict=True)
        ]
        asked = tuple(layer if layer in curves.layers else None for layer in layers)
        return Seen(curves.towards(tuple(targets)), backend.network.name, (asked[0], asked[1]), factor)

    def _classes(self, curves: InvarianceCurves, keys: tuple[str, ...]) -> list[str]:
        """Of which class the probability is shown, for each picture."""
        net = self._backend.network
        predicted = [net.classes[target] for target in curves.targets]
        if self.target == "true":
            return [self._backend.label(key) or own for key, own in zip(keys, predicted, strict=True)]
        return predicted if self.target == "predicted" else [self.target] * len(keys)

    def _redraw_bars(self) -> None:
        if self._moved is not None and self._clean is not None:
            self._bars.value = score_bars("The moved picture", self._moved.scores, self._clean)

    def _name(self, key: str) -> str:
        return self._backend.label(key) or key

    # Hands ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """An amount that shows something; the slider's range is that of the transform."""
        side = min(self._backend.network.input_size)
        if hasattr(self, "_amount_control"):
            low, high, step = slider_range(self.transform, side)
            control = self._amount_control
            # A page moves a value that does not lie on the steps it knows, and takes that for a hand: on the way there
            # the slider stands at 1, which lies on those of every transform.
            with self._offering:
                control.value = 1.0
                control.min, control.max = min(low, control.min), max(high, control.max)
                control.min, control.max, control.step, control.readout_format = low, high, step, _readout(step)
            self.amount = first_amount(self.transform, side)
        else:
            self.amount = first_amount(self.transform, side)

    def _choose(self, x: float, y: float) -> None:
        place = None if self._sheet is None else self._sheet.at(x, y)
        if place is not None and place < len(self._on_page):
            self.image = self._on_page[place]

    def next_dip(self) -> None:
        """Turn on to the next angle at which the deep layer's features come back, see `InvarianceCurves.dips`."""
        if self._curves is None or self._chosen not in self._answered["curves"].images:
            return
        chosen = self._answered["curves"].images.index(self._chosen)
        seen = Seen(self._curves, "", (self.shallow, self.deep))
        dips = self._maps.dips(seen, chosen)
        if dips:
            self.amount = next((dip for dip in dips if dip > self.amount), dips[0])

    def offer_images(self) -> None:
        """Offer pictures that came to the backend since; those that are shown stay."""
        super().offer_images()
        self._offering.renew(self._pictures_control, self._image_control.options, self.pictures)

    def _facts(self) -> str:
        if self._curves is None:
            return ""
        unknown = self.target == "true" and any(self._backend.label(key) is None for key in self._on_page)
        note = " &middot; where the true class is not known, the predicted one is shown" if unknown else ""
        both = [self._curves, *([] if self._others is None else [self._others])]
        return words.facts(both, self._names) + note + left_out(self._gone if self._looked else {})

    @property
    def result(self) -> InvarianceCurves | None:
        """The curves that are shown, for the predicted classes; they may be partial, see `complete`."""
        return self._curves


def _two_layers(backend: Backend) -> tuple[str | None, str | None]:
    """The shallow layer and the deep one; None for a network that cannot be looked into."""
    layers = shallow_and_deep(backend.network)
    return (layers[0], layers[-1]) if layers else (None, None)


def _readout(step: float) -> str:
    return ".0f" if step >= 1 else ".2f"


def _framed(tile: Any, colour: str) -> Any:
    """A picture with a frame in a colour, uint8 (h, w, 3)."""
    width = max(tile.shape[0] // 24, 2)
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    framed = np.full((tile.shape[0] + 2 * width, tile.shape[1] + 2 * width, 3), (red, green, blue), np.uint8)
    framed[width:-width, width:-width] = tile
    return framed
