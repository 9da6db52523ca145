"""`ProbeViewer`: Tables 4 to 7 and Fig. 9, live."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import traitlets as T

from zfwidgets.backend import Backend, Request
from zfwidgets.backend.probe_requests import Examples, ExamplesRequest, ProbeRequest
from zfwidgets.data import ImageSet, unseen_scenes
from zfwidgets.errors import ParameterError
from zfwidgets.imaging import mosaic
from zfwidgets.methods.probing.classifiers import CLASSIFIERS
from zfwidgets.methods.probing.layers import default_layers
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.curves import chip
from zfwidgets.widgets.parts.figures import Panel, PictureFigure
from zfwidgets.widgets.parts.style import bars
from zfwidgets.widgets.parts.values import Switch, as_name
from zfwidgets.widgets.probe import charts
from zfwidgets.widgets.probe.beside import ProbeBeside
from zfwidgets.widgets.viewer.pair import FIRST, SECOND, PairViewer

if TYPE_CHECKING:
    from zfwidgets.methods.probing import Probe

__all__ = ["ProbeViewer"]

_SCENES = 200
_MOST_LAYERS = 8
_MOST_BARS = 16
_ALL = "all there are"
_OWN = "own"
_SHEET = 216
"""Screen pixels of three rows of four pictures."""
_POOLS = (("every cell", 0), ("4 x 4 places", 4), ("mean of each map", 1))
_NAMES = (("linear SVM", "svm"), ("softmax", "softmax"))


class ProbeViewer(PairViewer):
    """How well does a plain classifier tell classes apart by each layer's features? (Section 5, Tables 4-7, Fig. 9.)

    Accuracy by layer and against the number of training pictures, of the network and of the same one with random
    weights; which classes are taken for which. Layers appear as they are done.

    Parameters
    ----------
    backend : Backend
        The network.
    pictures : ImageSet or "own", optional
        Pictures with labels, at least five of each class; by default 200 scenes of ten kinds of things that the
        embedded networks were never taught. ``"own"``: those of the backend, and of the other one, that have a label
        and can be read, at most 500.
    other : Backend, optional
        A second network: its curves at layers of the same name or depth, what it takes each class for, and whether its
        accuracy is another, fold by fold on the same pictures.
    **options
        Traits: ``layer``, ``classifier``, ``pool``, ``per_class``, ``awake``; and those of `ipywidgets.VBox`.

    Examples
    --------
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = ProbeViewer(backend, unseen_scenes(50), pool=1)
    ...     done = viewer.wait()
    >>> viewer.result.layers[:2], viewer.result.per_class
    (('pool1', 'pool2'), (1, 2, 4))
    """

    layer: Any = T.TraitType("")
    """The layer whose curve and confusions are shown."""
    classifier: Any = T.TraitType("svm")
    """``"svm"`` or ``"softmax"``."""
    pool: Any = T.TraitType(0)
    """Maps averaged over a grid of so many places along each side; 0: every cell is a feature, as in the paper."""
    per_class: Any = T.TraitType(None, allow_none=True)
    """Training pictures of each class in the chart by layer; None: the most there are."""

    awake = Switch(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    MAIN = "learnt"
    ALSO = ("untaught",)
    SENTENCE = "Higher is better: the deeper the layer, the more it says about classes (Zeiler and Fergus, Table 7)."

    def __init__(
        self, backend: Backend, pictures: ImageSet | str | None = None, other: Backend | None = None, **options: Any
    ) -> None:
        if not isinstance(pictures, ImageSet | None) and pictures != _OWN:
            raise ParameterError(
                f"The pictures of a probe are an ImageSet with labels, not {type(pictures).__name__}; try "
                "ImageSet.from_folder, or 'own' for those of the backend."
            )
        self._set: ImageSet | None = None if isinstance(pictures, str) else pictures
        self._drawn = pictures is None
        if self._drawn:
            self._set = unseen_scenes(_SCENES)
        super().__init__(backend, other, **options)

    def _defaults(self) -> dict[str, Any]:
        net = self._backend.network
        if net.trace_problem is not None:
            raise ParameterError(f"This network has no features to probe: {net.trace_problem}")
        names = default_layers(net)
        step = -(-len(names) // _MOST_LAYERS)
        self._layers = names[step - 1 :: step]
        return {"image": self._backend.images[0], "layer": _telling(self._layers)}

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str:
        return as_name("layer", proposal["value"], self._layers)

    @T.validate("classifier")
    def _check_classifier(self, proposal: Any) -> str:
        return as_name("classifier", proposal["value"], CLASSIFIERS)

    @T.validate("pool")
    def _check_pool(self, proposal: Any) -> int:
        value = proposal["value"]
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ParameterError(f"pool is a whole number of places, or 0 for every cell; found {value!r}.")
        return value

    @T.validate("per_class")
    def _check_per_class(self, proposal: Any) -> int | None:
        value: int | None = proposal["value"]
        if self._learnt is not None:
            self._learnt.place(value)  # or it says which numbers there are
        return value

    _examples: Examples | None = None
    _learnt: Probe | None = None
    _untaught: Probe | None = None

    def _build(self) -> W.Widget:
        self._sheet = PictureFigure("Classes", height=_SHEET)
        self._by_layer, self._by_size = W.HTML(charts.empty_chart(self._layers)), W.HTML(charts.empty_chart())
        self._by_class = W.HTML()
        self._panels = [
            Panel("Accuracy by layer", self._by_layer),
            Panel("Training pictures of each class", self._by_size),
            Panel("Taken for", self._by_class),
        ]
        self._bars, self._table = W.HTML(), W.HTML()
        self._beside: ProbeBeside | None = None
        if self._other is not None:
            networks = self._backend.network, self._other.network
            self._beside = ProbeBeside(*networks, self._names, self._layers)
        self._sizes = controls.choice("Training pictures", [_ALL], _ALL)
        self.observe(lambda _: self._redraw(), ["layer", "per_class"])
        left = W.VBox(
            [
                self._sheet,
                controls.group(
                    self._bind(controls.choice("Layer", self._layers, self.layer), "layer"),
                    self._bind(controls.choice("Classifier", _NAMES, "svm"), "classifier"),
                    self._bind(controls.choice("Features", _POOLS, 0), "pool"),
                    self._bind(self._sizes, "per_class", none=_ALL),
                ),
            ]
        )
        left.add_class("zf-side")
        strong = W.VBox([W.HTML('<div class="zf-title">Each class</div>'), self._bars])
        strong.add_class("zf-panel")
        theirs = [] if self._beside is None else self._beside.panels
        self._maps = W.Box([*self._panels, *theirs, strong])
        self._maps.add_class("zf-maps")
        about = [] if self._beside is None else [self._beside.about]
        self._left_out = W.HTML()
        self._notes = W.VBox([*about, self._table, self._left_out, W.HTML(f'<div class="zf-soft">{_NOTE}</div>')])
        self._notes.add_class("zf-notes")
        body = W.Box([left, self._maps, self._notes])
        body.add_class("zf-row")
        return body

    def _questions_to(self, which: int) -> dict[str, Request]:
        if not self.awake:
            return {}
        pool = self.pool or None
        if which == SECOND and self._beside is not None:
            return self._beside.questions(self._set, self.classifier, pool)
        asked = {
            name: ProbeRequest(self._set, self._layers, self.classifier, pool, untaught=name == "untaught")
            for name in ("learnt", "untaught")
        }
        return {"classes": ExamplesRequest(self._set), **asked}

    def _of_both(self) -> tuple[str, ...]:
        """None: the pictures come with the question."""
        return ()

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if slot == "classes":
            self._show_classes(value)
            return
        if slot == "learnt":
            self._tell_share(which, len(value.known) / len(value.layers))
        if which == SECOND and self._beside is not None:
            self._beside.probe = value
        elif slot == "learnt":
            self._learnt = value
            self._offer_sizes(value.per_class)
        else:
            self._untaught = value
        self._redraw()

    def _show_classes(self, examples: Examples) -> None:
        self._examples = examples
        self._sheet.show(mosaic(examples.pixels, columns=4).clear)
        taught = len({*examples.classes} & {*self._backend.network.classes})
        known = f"{taught} of {len(examples.classes)} were taught" if taught else ""
        self._sheet.title("Classes", "never taught" if self._drawn else known)
        named, more = examples.classes[: len(examples.pixels)], len(examples.classes) - len(examples.pixels)
        self._sheet.foot(escape(", ".join(named)) + (f" and {more} more" if more > 0 else ""))
        if self._learnt is None:
            self._by_class.value = charts.empty_matrix(examples.classes)
        self._left_out.value = f'<div class="zf-soft">{escape(examples.left_out)}</div>' if examples.left_out else ""

    def _offer_sizes(self, sizes: tuple[int, ...]) -> None:
        options = ((_ALL, _ALL), *((f"{n} of each class", n) for n in sizes[:-1]))
        self._offering.renew(self._sizes, options, self.per_class if self.per_class in sizes[:-1] else _ALL)

    def _redraw(self) -> None:
        """The charts again, from what is known."""
        learnt = self._learnt
        if learnt is None:
            return
        untaught = self._untaught if self._same(FIRST, "untaught") else None
        second = None if self._beside is None else self._beside.second(self._same(SECOND, "learnt"))
        size = self.per_class if self.per_class in learnt.per_class else learnt.per_class[-1]
        self._redraw_curves(learnt, untaught, second, size)
        if second is None:
            self._table.value = charts.layer_table(learnt, untaught, size)
        else:
            self._table.value = charts.table_of_two(learnt, second, size)
        if self.layer in learnt.known:
            self._redraw_classes(learnt, untaught, second, learnt.place(size))
        if self._beside is not None:
            self._beside.draw(learnt, second, self.layer, size)

    def _same(self, which: int, slot: str) -> bool:
        """Whether an answer is there, and to the question that the first network has answered."""
        asked, mine = self._answered_by(which, slot), self._answered_by(FIRST, "learnt")
        return asked is not None and (asked.classifier, asked.pool) == (mine.classifier, mine.pool)

    def _redraw_curves(self, learnt: Probe, untaught: Probe | None, second: charts.Second | None, size: int) -> None:
        spots = [(charts.LEARNT, "trained"), (charts.UNTAUGHT, "random weights")]
        if self._beside is not None:
            first, other = self._names
            spots = [(charts.LEARNT, first), (charts.SECOND, other), (charts.UNTAUGHT, f"{first}, random weights")]
        keys = [_key(colour, name) for colour, name in spots]
        by_layer, by_size, _ = self._panels
        self._by_layer.value = charts.layer_chart(learnt, untaught, self.layer, size, second)
        by_layer.title("Accuracy by layer", f"%, {size} of each class")
        by_layer.foot(_keys([*keys, _key(charts.PAPERS, "paper, Caltech-101")]))
        self._by_size.value = charts.size_chart(learnt, untaught, self.layer, second)
        by_size.title("Training pictures of each class", f"%, {self.layer}")
        by_size.foot(_keys([*keys, "<span>thin: the other layers</span>"]))

    def _redraw_classes(self, learnt: Probe, untaught: Probe | None, second: charts.Second | None, place: int) -> None:
        tables = learnt.confusion[self.layer][place].sum(0)
        self._by_class.value = charts.confusion_chart(tables, learnt.classes)
        of = "a row is a class" if self._beside is None else f"of {self._names[FIRST]}"
        self._panels[2].title("Taken for", f"%, {self.layer}; {of}")
        ticked, tick = (untaught, "random weights") if second is None else (second.probe, second.names[SECOND])
        at = self.layer if second is None else second.layer(self.layer)
        mine = learnt.recall(self.layer)[place].mean(0)
        there = ticked is not None and at in ticked.known and ticked.per_class == learnt.per_class
        theirs = ticked.recall(at)[place].mean(0) if ticked is not None and at is not None and there else mine * 0
        order = sorted(range(len(mine)), key=lambda number: -mine[number])
        rows = [(learnt.classes[n], float(mine[n]), float(theirs[n])) for n in order[:_MOST_BARS]]
        left_out = f", the best {_MOST_BARS} of {len(mine)}" if len(mine) > _MOST_BARS else ""
        small = f'<div class="zf-soft">share recognised; tick: {escape(tick)}{left_out}</div>'
        self._bars.value = bars(rows) + small

    def offer_images(self) -> None:
        """Its pictures are those that it was made with, whatever comes later."""

    def _facts(self) -> str:
        if self._learnt is None or not self._learnt.known:
            return ""
        known = len(self._learnt.known)
        layers = f"{known} layers" if self._learnt.complete else f"{known} of {len(self._layers)} layers"
        tested = int(self._learnt.confusion[self._learnt.known[0]][0].sum())  # each picture in one fold
        unread = self._examples.count - tested if self._examples is not None else 0
        some = f"{tested} pictures" + (f", {unread} more cannot be read" if unread else "")
        return f"{some} &middot; {len(self._learnt.classes)} classes &middot; {layers}"

    def _tell(self) -> None:
        super()._tell()
        # What has nothing to show but an error shows that alone.
        gone = self.state == "error" and self._learnt is None
        for box, empty in ((self._maps, gone), (self._notes, gone), (self._sheet, gone and self._examples is None)):
            (box.add_class if empty else box.remove_class)("zf-gone")

    @property
    def result(self) -> Probe | None:
        """The trained network's probe; it may be partial, see its `complete`."""
        return self._learnt

    @property
    def untaught(self) -> Probe | None:
        """The probe of the same network with random weights."""
        return self._untaught


_NOTE = (
    "Five folds: four parts train the classifier, the fifth is tested; the network itself learns nothing. "
    "&plusmn; is the standard deviation over folds. The paper's pictures and classes are others: compare the order, "
    "not the height."
)


def _key(colour: str, name: str) -> str:
    """A spot of a colour and what it stands for."""
    return f"<span>{chip(colour)}{escape(name)}</span>"


def _keys(keys: Sequence[str]) -> str:
    return f'<div class="zf-legend">{"".join(keys)}</div>'


def _telling(layers: tuple[str, ...]) -> str:
    """The paper's layer 5, or a layer beyond the middle."""
    return "pool5" if "pool5" in layers else layers[3 * len(layers) // 5]
