"""`TopActivationsViewer`: Fig. 2, the nine strongest activations of every feature map."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ipywidgets as W
import numpy as np
from numpy.typing import NDArray

from zfwidgets.backend import Request, ScoresRequest
from zfwidgets.backend.top_index import TopIndexRequest, TopMineRequest
from zfwidgets.backend.top_requests import TopOrder, TopOrderRequest, TopSheetRequest
from zfwidgets.errors import StaleIndexError
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import PictureFigure
from zfwidgets.widgets.parts.top_nine import TopNine
from zfwidgets.widgets.top_activations import words
from zfwidgets.widgets.top_activations.beside import TopBeside
from zfwidgets.widgets.top_activations.options import MOST_TILES, SORT_NAMES, TopOptions
from zfwidgets.widgets.top_activations.pages import drawing_of, on_page, pages, sheet_of
from zfwidgets.widgets.top_activations.pauses import Pauses
from zfwidgets.widgets.top_activations.tiles import GROUP, TopTiles
from zfwidgets.widgets.viewer.pair import FIRST, SECOND
from zfwidgets.widgets.viewer.trail import Steps
from zfwidgets.widgets.viewer.unit import inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from zfwidgets.backend.top_drawing import TopTile
    from zfwidgets.methods.top_activations import Progress

__all__ = ["TopActivationsViewer"]


class TopActivationsViewer(Steps, TopOptions):
    """For every map of a layer its strongest activations, projected, beside the patches they look at (Fig. 2).

    A click on a tile shows the map large; a click on one of its pictures opens that picture: it becomes ``image``,
    which other viewers can be linked to, like ``layer`` and ``channel``. Where there is no index of the network's
    maps yet, *Mine these pictures* makes one in a single pass, and the page fills meanwhile.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    layer : str, optional
        Whose maps are shown; the network's `default_layer` by default.
    index : path or TopActivations, optional
        What was mined: a result of `top_activations` over the backend's pictures, or its file; a file that does not
        exist yet is written by *Mine these pictures*. By default the index that ships with the network, if any. Where
        the network lives on a cluster, the file is one of that machine.
    other : Backend, optional
        A second network: the nine of the map of the same number stand beside, and pictures that are among both are
        framed; ``other_index`` is what was mined of it.
    **options
        Traits: ``image``, ``channel``, ``sort``, ``page``, ``tiles``, ``other_index``; and those of `ipywidgets.VBox`.

    Examples
    --------
    >>> from zfwidgets.backend import Backend
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     viewer = TopActivationsViewer(backend, layer="conv5", tiles=3)
    ...     done = viewer.wait()
    >>> viewer.result.layer, len(viewer.result.channels), viewer.as_png()[:4]
    ('conv5', 64, b'\\x89PNG')
    """

    MAIN = "mine"
    ALSO = ("order", "nine", "sheet", *(f"tiles {group}" for group in range(-(-MOST_TILES // GROUP))))
    SENTENCE = "What a map answers to is what its nine pictures share (Zeiler and Fergus, section 4, Fig. 2)."

    def __init__(self, backend: Any, layer: Any = None, index: Any = None, other: Any = None, **options: Any) -> None:
        given = {"layer": layer, "index": index}
        options |= {name: value for name, value in given.items() if value is not None}
        super().__init__(backend, other, **options)

    def _build(self) -> W.Widget:
        self._order: TopOrder | None = None
        self._known: dict[int, TopTile] = {}
        self._known_of = ""
        self._base: NDArray[np.uint8] | None = None
        self._live: TopIndexRequest | None = None
        self._mining: TopMineRequest | None = None
        self._exporting = False
        self._tell_found: Callable[[], Any] = lambda: None
        self._pauses = Pauses()
        self._latest: TopIndexRequest | None = None
        self._far: Progress | None = None
        self._picture = PictureFigure("Picture")
        self._grid = TopTiles(self._by_hand(self._choose))
        name = "" if self._other is None else self._names[FIRST]
        self._nine = TopNine(self._by_hand(self._open), listed=False, name=name)
        self._nine.add_class("zf-wide")
        self._beside: TopBeside | None = None
        if self._other is not None:
            hand = self._by_hand(self._go_to)
            self._beside = TopBeside(self._backend, self._other, self._names[SECOND], hand)
        self._notice, self._heading = W.HTML(), W.HTML()
        self.observe(lambda change: self._turned(change["name"]), ["layer", "sort", "tiles", "index"])
        self.observe(lambda _: self._show_nine(), "channel")
        self.observe(lambda _: self._forget_sheet(), ["layer", "sort", "tiles", "index", "page"])
        self.observe(lambda _: self._turn_page(), "page")
        parts, notes = [self._heading, self._notice, self._grid], [self._nine]
        if self._beside is not None:
            parts, notes = [self._beside.pair(self._nine), *parts], [self._beside.about]
        body = W.Box([W.VBox([self._picture, self._controls()]), W.VBox(parts), W.VBox(notes)])
        for box, name in zip([*body.children, body], ("zf-side", "zf-maps", "zf-notes", "zf-row"), strict=True):
            box.add_class(name)
        return body

    def _controls(self) -> W.VBox:
        net = self._backend.network
        names = [name for name in net.menu if net.layers[name].spatial] or list(net.menu)
        self._layer_control = controls.choice("Layer", names, names[0])
        self._image_control = controls.image_choice(self._backend, self.image)
        self._page_control = controls.slider("Page", 1, 1)
        count = len(self._backend.images)
        self._mine = W.Button(
            description="Mine these pictures",
            tooltip=f"One pass over all {count:,} pictures finds the nine strongest activations of every map",
        )
        self._mine.add_class("zf-mine")
        self._mine.on_click(self._by_hand(lambda _: self.mine()))
        self._save = W.Button(description="Export PNG", tooltip="The page as one picture")
        self._save.on_click(self._by_hand(lambda _: self._export()))
        self._link, self._mined_note = W.HTML(), W.HTML()
        save = W.Box([self._save, self._link])
        save.add_class("zf-save")
        self._say_link("")
        return controls.group(
            self._bind(self._image_control, "image"),
            self._bind(self._layer_control, "layer"),
            self._bind(controls.choice("Sort by", SORT_NAMES, "strength"), "sort"),
            self._bind(self._page_control, "page"),
            self._nine.list,
            save,
            self._mine,
            self._mined_note,
        )

    # Questions -----------------------------------------------------------------------------------------------

    def _questions_to(self, which: int) -> dict[str, Request]:
        if which == SECOND and self._beside is not None:
            return self._beside.questions(self, self._chosen_channel()) if self.awake else {}
        questions: dict[str, Request] = {}
        if self._mining is not None:
            questions["mine"] = self._mining
        if not self.awake:
            return questions
        questions["picture"] = ScoresRequest(self.image)
        source = TopIndexRequest.of(self.index) if self._live is None else self._live
        order = TopOrderRequest(source, self.layer, "channel" if self._growing else self.sort)
        questions["order"] = order
        if self._order is None or self._order.index is None or self._order.layer != self.layer:
            return questions
        page = self._on_page()
        for group in range(-(-len(page) // GROUP)):
            questions[f"tiles {group}"] = drawing_of(self._order, page[group * GROUP :][:GROUP])
        chosen = self._chosen_channel()
        if chosen is not None and chosen not in page:
            questions["nine"] = drawing_of(self._order, [chosen])
        if self._exporting:
            questions["sheet"] = self._sheet()
        return questions

    @property
    def _growing(self) -> bool:
        """Whether pictures are being mined: sorted by strength, tiles would change their places all the time."""
        return self._live is not None and "mine" not in self._stopped

    @property
    def _drawing(self) -> bool:
        """Whether a part of the page is on its way."""
        return any(self._tickets.get(slot) is not None for slot in self.ALSO)

    def _sheet(self) -> TopSheetRequest:
        return sheet_of(self._backend.network.name, self._order, self._on_page())

    def _on_page(self) -> list[int]:
        """Channels of the page, in order."""
        return on_page(self._order, self.page, self.tiles)

    def _pages(self) -> int:
        return pages(self._order, self.tiles)

    def _chosen_channel(self) -> int | None:
        """The map asked for, or the first of the page."""
        if self.channel is not None:
            return int(self.channel)
        return next(iter(self._on_page()), None)

    # Answers -------------------------------------------------------------------------------------------------

    def _show_of(self, which: int, slot: str, value: Any) -> None:
        if which == SECOND and self._beside is not None:
            self._beside.take(value, self._answered_by(SECOND, slot))
            self._show_nine()
        elif slot == "picture":
            self._base = value.seen
            self._picture.show(value.seen)
            self._show_place()
        elif slot == "order":
            self._take_order(value)
        elif slot == "mine":
            self._take_mined(value)
        elif slot == "sheet":
            self._offer_sheet(value)
        else:
            self._take_tiles(slot, value)

    def _take_order(self, order: TopOrder) -> None:
        self._order = order
        self._page_control.max = self._pages()
        self._page_control.disabled = self._pages() == 1
        self._grid.expect(len(self._on_page()))
        self._tell_page()

    def _take_tiles(self, slot: str, tiles: tuple[TopTile, ...]) -> None:
        layer = self._answered[slot].layer
        if layer != self._known_of:
            self._known, self._known_of = {}, layer
        self._known.update({tile.channel: tile for tile in tiles})
        if not self._drawing:
            self._pauses.drawn()
        if slot != "nine":
            self._grid.show(int(slot.removeprefix("tiles ")), tiles)
        problem = next((problem for tile in tiles for problem in tile.problems), None)
        self._show_nine()
        if problem is not None:
            raise StaleIndexError(problem)

    def _take_mined(self, mined: Any) -> None:
        if mined.progress is not None:
            self._far = mined.progress
            self._progress = self._far.done / max(self._far.total, 1)
        over = self._tickets.get("mine") is None
        if over:
            self._mining = self._live = self._latest = None
            self._asked.pop("order", None)  # the file is new, if its name is not
            self.index = mined.source.index
            return
        self._latest = mined.source
        if mined.source is not None and not self._drawing and self._pauses.due:
            self._live = mined.source
            self._pauses.begin()

    def _show_nine(self) -> None:
        chosen = self._chosen_channel()
        if chosen in self._known and self._known_of == self.layer:
            self._nine.show(self._known_of, self._known[chosen])
            self._show_place()
        self._grid.mark(chosen if self._known_of == self.layer else None)
        self._tell_found()

    def on_found(self, callback: Callable[[], Any]) -> None:
        """Be told when a map is shown large."""
        self._tell_found = callback

    def found_channel(self) -> int | None:
        """The map that was asked for or is the first of the page; None while it is sought."""
        return self._chosen_channel() if self._order is not None and self._order.layer == self.layer else None

    def _show_place(self) -> None:
        """What the chosen map sees of the picture, where that is one of its nine."""
        self._nine.mark(self.image)
        if self._beside is not None:
            self._beside.compare(self._nine, self, self._chosen_channel())
        tile = self._nine.tile
        if self._base is None or tile is None:
            return
        places = [place for place, peak in enumerate(tile.peaks) if peak.image == self.image and tile.boxes]
        self._picture.boxes([inside(tile.boxes[place], self._base.shape) for place in places])
        seen = f"the frame is what {self._known_of} #{tile.channel} sees of it"
        self._picture.title("Picture", self.image)
        self._picture.foot(escape(seen if places else "click one of the nine to open its picture, here and elsewhere"))

    # Hands ---------------------------------------------------------------------------------------------------

    def _choose(self, channel: int) -> None:
        with self._stepping():
            self.channel = channel

    def _open(self, place: int) -> None:
        tile, order = self._nine.tile, self._order
        if tile is None or order is None or order.index is None:
            return
        key = tile.peaks[place].image
        if order.index.pictures is not None:
            self._backend.borrow(key, order.index.pictures)
        with self._stepping(), self._inbox.lock, self.hold_trait_notifications():
            self.channel = tile.channel
            self.image = key

    def _go_to(self, key: str) -> None:
        with self._stepping():
            self.image = key

    def _turned(self, name: str) -> None:
        """A page and a map belong to one order of one layer."""
        if name == "index":
            self._live = self._latest = self._mining = None
        with self._inbox.lock, self.hold_trait_notifications():
            self.page = 1
            if name != "tiles":
                self.channel = None

    def _turn_page(self) -> None:
        """The map that is shown large is one of the page, until another is chosen."""
        self.channel = None
        if self._order is not None:
            self._take_order(self._order)

    def mine(self) -> None:
        """Go through the backend's pictures once, and show the result while it grows.

        The file given as ``index`` is written, if it is not there yet; a file that is there is never overwritten.
        `cancel` keeps what is done; `go_on`, like a second call of this, goes on there.
        """
        with self._inbox.lock:
            if self._mining is None:
                self._live = self._latest = self._far = None
                self._mining = TopMineRequest(uuid4().hex, self.index if isinstance(self.index, str) else None)
                self._pauses = Pauses()
            elif self._tickets.get("mine") is None:  # stopped, or failed
                self._asked.pop("mine", None)
            self._changed(None)

    def cancel(self) -> None:
        """Stop computing; what is shown stays, and of pictures being mined all that was found is shown."""
        with self._inbox.lock:
            super().cancel()
            if self._latest is not None and self._latest is not self._live:
                self._live = self._latest
                self._changed(None)

    def as_png(self) -> bytes:
        """The page as one figure, in PNG, with what it shows written above.

        Raises
        ------
        ParameterError
            If there is no index yet.
        """
        png: bytes = self._backend.compute(self._sheet())
        return png

    def _export(self) -> None:
        self._exporting = True
        self._say_link('<span class="zf-soft">drawing ...</span>')
        self._asked.pop("sheet", None)
        self._changed(None)

    def _offer_sheet(self, png: bytes) -> None:
        self._exporting = False
        name = f"{self._backend.network.name}-{self._known_of}-strongest.png"
        self._say_link(words.save_link(name, png))

    def _forget_sheet(self) -> None:
        """What can be saved is what is shown."""
        self._exporting = False
        self._say_link("")

    def _say_link(self, html: str) -> None:
        self._link.value = html
        self._link.layout.display = "" if html else "none"

    # Words ---------------------------------------------------------------------------------------------------

    def _tell_page(self) -> None:
        """What the grid shows, or why there is none, and what mining would do."""
        order = self._order
        assert order is not None
        page, own = self._on_page(), len(self._backend.image_set)
        first = (min(self.page, self._pages()) - 1) * self.tiles
        self._heading.value = words.heading(order, first, len(page), self._growing)
        self._notice.value = words.notice(order, own)
        self._notice.layout.display = "" if self._notice.value else "none"
        self._mined_note.value = words.mining_note(order, own)
        (self._mine.add_class if order.index is None else self._mine.remove_class)("zf-wanted")
        self._save.disabled = not page

    def _facts(self) -> str:
        return "" if self._order is None else words.facts(self._order)

    def _times(self, busy: bool) -> str:
        if self._mining is not None:
            return words.progress(self._far, stopped="mine" in self._stopped)
        return "drawing" if busy else ""

    @property
    def result(self) -> TopOrder | None:
        """The maps of the layer in their order, with their strongest activations; None until there are any."""
        return self._order if self._order is not None and len(self._order.channels) else None
