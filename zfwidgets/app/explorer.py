"""`Explorer`: the page with all viewers of one backend."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.app.chain import Chain
from zfwidgets.app.following import Following
from zfwidgets.backend import Backend, RecordRequest
from zfwidgets.backend.evolution_requests import EmbeddedSeriesRequest
from zfwidgets.backend.requests import strongest_channel
from zfwidgets.errors import ImageError, ParameterError, ZfwidgetsError, unknown_name
from zfwidgets.widgets import (
    ArchitectureViewer,
    CorrespondenceViewer,
    EvolutionViewer,
    FeatureViewer,
    FilterViewer,
    InvarianceViewer,
    OcclusionViewer,
    ProbeViewer,
    RuleViewer,
    TopActivationsViewer,
)
from zfwidgets.widgets.parts.thumbnails import Thumbnails
from zfwidgets.widgets.parts.tree import close_tree
from zfwidgets.widgets.parts.values import as_target, check_assignment

__all__ = ["Explorer"]

_TABS = {
    "occlusion": "Occlusion",
    "features": "Features",
    "top": "Top 9",
    "evolution": "Evolution",
    "invariance": "Invariance",
    "correspondence": "Correspondence",
    "filters": "Filters",
    "architecture": "Architecture",
    "rules": "Rules",
    "probe": "Probe",
}
"""Attributes with the titles of their tabs, in order."""
_PARTS = (*_TABS, "trail")


class Explorer(W.VBox):
    """One picture, one network, a tab for each way to look.

    Clicks lead from tab to tab: from a place of the picture to the units that look at it, their projections, the nine
    pictures that excite their map most, and what hiding places of these does to it. The trail leads back.

    Parameters
    ----------
    backend : Backend
        The network and its pictures.
    other : Backend, optional
        A second network, which the tabs show beside the first.

    Attributes
    ----------
    occlusion, features, top, evolution, invariance, correspondence, filters, architecture, rules, probe : Viewer
        The tabs; all but `occlusion` and `invariance` are None for a network that cannot be looked into, `evolution`
        also for one whose series of checkpoints does not ship.
    tab : str
        Which of them is in front.
    trail : Trail
        The way that clicks have taken: ``trail.back()``, ``trail.forward()``, ``trail.sights``.

    Examples
    --------
    >>> with Backend("zfnet-scenes", device="cpu") as backend:
    ...     explorer = Explorer(backend)
    ...     done = explorer.wait()
    ...     explorer.image = backend.images[1]
    >>> explorer.features.image == explorer.occlusion.image == backend.images[1]
    True
    """

    image: Any = T.TraitType("")
    """Key of the picture that all tabs show."""
    target: Any = T.TraitType("predicted")
    """The class that is asked about: ``"predicted"``, ``"true"``, or a name or index."""

    _alive = False
    _made: tuple[Backend, ...] = ()
    """Backends that nobody else has: they end with the page."""

    @classmethod
    def owning(cls, *backends: Backend) -> Explorer:
        """A page whose backends were made for it alone, and are closed with it."""
        explorer = cls(*backends)
        explorer._made = backends
        return explorer

    def __init__(self, backend: Backend, other: Backend | None = None) -> None:
        if not isinstance(backend, Backend):
            raise ParameterError(
                f"An Explorer needs a Backend, not {type(backend).__name__}; try Backend('zfnet-scenes')."
            )
        self._backend, self._other = backend, other
        super().__init__()
        net = backend.network
        traced = any(net.layers[name].spatial for name in net.menu)
        first = _striking(backend)
        # A third of the side: large enough to hide an eye or a wheel.
        self.occlusion = OcclusionViewer(backend, other, image=first, size=min(net.input_size) // 3)
        channel = _strongest(backend, first) if traced else 0
        self.features = FeatureViewer(backend, other, image=first, channel=channel) if traced else None
        self.top = TopActivationsViewer(backend, other=other, image=first, awake=False) if traced else None
        grown = traced and backend.compute(EmbeddedSeriesRequest(net.name))
        self.evolution = EvolutionViewer(backend, other=other, image=first, awake=False) if grown else None
        self.invariance = InvarianceViewer(backend, other, image=first, awake=False)
        self.correspondence = CorrespondenceViewer(backend, other=other, image=first, awake=False) if traced else None
        self.filters = FilterViewer(backend, other, image=first, awake=False) if traced else None
        self.architecture = ArchitectureViewer(backend, other, image=first, awake=False) if traced else None
        self.rules = RuleViewer(backend, other, image=first, awake=False) if traced else None
        pictures = None if backend.built_in else "own"
        self.probe = ProbeViewer(backend, pictures, other, image=first, awake=False) if traced else None
        self._names = [name for name in _TABS if getattr(self, name) is not None]
        self._viewers = [getattr(self, name) for name in self._names]
        self.image = first
        for viewer in self._viewers:
            T.link((self, "image"), (viewer, "image"))
        for viewer in (self.occlusion, self.invariance):
            T.link((self, "target"), (viewer, "target"))
        if self.features is not None and self.top is not None:
            T.link((self.top, "layer"), (self.features, "layer"))
            T.dlink((self.top, "channel"), (self.features, "channel"), self._channel)
            T.dlink((self.top, "index"), (self.features, "index"))
        units = [viewer for viewer in (self.architecture, self.rules) if viewer is not None]
        followers = [Following(self.features, viewer) for viewer in units if self.features is not None]
        self._thumbnails = Thumbnails(backend, self._choose)
        self._chain = Chain(self, _TABS, followers)
        self.trail = self._chain.trail
        self.observe(lambda change: self._thumbnails.mark(change["new"]), "image")
        self._thumbnails.mark(first)
        self._alert = W.HTML()
        self.say(_left_out(self._thumbnails))
        self.observe(lambda _: self.say(""), "image")
        self._tabs = self._tabbed()
        self.children = [self._head(), self._alert, self._chain.bar, self._tabs]
        self._chain.refresh()
        self.add_class("zf")
        self._alive = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _PARTS:
            check_assignment(self, name, lambda: ["image", "target", "tab", *_PARTS], self._alive)
        super().__setattr__(name, value)

    @T.validate("image")
    def _check_image(self, proposal: Any) -> str:
        key: str = proposal["value"]
        if not self._backend.has_image(key):
            raise unknown_name("picture", key, self._backend.images)
        self._backend.picture(key)  # a file that is no picture says so here
        return key

    @T.validate("target")
    def _check_target(self, proposal: Any) -> str:
        return as_target(self._backend.network, proposal["value"])

    def _head(self) -> W.Box:
        net = self._backend.network
        beside = "" if self._other is None else f" beside <b>{escape(self._other.network.name)}</b>"
        name = W.HTML(
            f'<span class="zf-brand">zfwidgets</span> &nbsp; <b>{escape(net.name)}</b>{beside} '
            f'<span class="zf-soft">{escape(self._backend.device)}</span>'
        )
        upload = W.FileUpload(accept="image/*", description="Your picture", tooltip="Look at a picture of your own")
        upload.add_class("zf-upload")
        upload.observe(self._take, "value")
        head = W.Box([name, self._thumbnails, upload])
        head.add_class("zf-head")
        return head

    def _tabbed(self) -> W.Tab:
        tabs = W.Tab(self._viewers, titles=[_TABS[name] for name in self._names])
        tabs.observe(lambda change: self._turned(change["new"]), "selected_index")
        return tabs

    def _turned(self, place: int | None) -> None:
        """What takes long (eighteen tiles, hundreds of moved pictures) is done only for those who look at it."""
        for index, viewer in enumerate(self._viewers):
            if viewer.has_trait("awake"):
                viewer.awake = place == index
        self._chain.refresh()

    @property
    def tab(self) -> str:
        """Which tab is in front, by its attribute; to set it turns the page."""
        return self._names[self._tabs.selected_index or 0]

    @tab.setter
    def tab(self, name: str) -> None:
        if name not in self._names:
            raise unknown_name("tab", name, self._names)
        self._tabs.selected_index = self._names.index(name)

    def look_at(self, pixel: tuple[int, int]) -> None:
        """List the strongest units at a place of the picture, in the tab *Features*.

        Parameters
        ----------
        pixel : (row, column)
            In what the network sees of the picture.

        Raises
        ------
        ParameterError
            If it lies outside, or the network cannot be looked into.

        Examples
        --------
        >>> with Backend("zfnet-scenes", device="cpu") as backend:
        ...     explorer = Explorer(backend)
        ...     explorer.look_at((40, 52))
        ...     done = explorer.wait()
        ...     went_back = explorer.trail.back()
        >>> explorer.trail.labels[1], explorer.tab
        ('row 40, column 52', 'occlusion')
        """
        self._chain.look(pixel)

    def _channel(self, channel: int | None) -> int:
        """None is the first map of a page, which the other tab knows nothing of: its map stays."""
        assert self.features is not None
        return int(self.features.channel) if channel is None else channel

    def say(self, sentence: str) -> None:
        """A sentence below the head, or none."""
        self._alert.value = f'<div class="zf-error" role="alert">{escape(sentence)}</div>' if sentence else ""

    def _choose(self, key: str) -> None:
        self.image = key

    def _take(self, change: Any) -> None:
        """An upload: shown at once, or a sentence that says why not."""
        for file in change["new"]:
            try:
                key = self._backend.add_image(file["name"], bytes(file["content"]))
            except ZfwidgetsError as error:
                self.say(str(error))
                return
            self._thumbnails.add(key)
            for viewer in self._viewers:
                viewer.offer_images()
            self.image = key

    def wait(self, timeout: float | None = None) -> bool:
        """Until every tab is ready; False if the time is over."""
        return all(viewer.wait(timeout) for viewer in self._viewers)

    def close(self) -> None:
        """Take the page down. Backends that were given stay open: close them, or leave their ``with``."""
        if self._alive:
            self._alive = False
            for viewer in self._viewers:
                viewer.close()
            close_tree(self)
            for backend in self._made:
                backend.close()


def _left_out(thumbnails: Thumbnails) -> str:
    """A sentence about files that are no pictures, "" if there are none."""
    errors = list(thumbnails.unreadable.values())
    if not errors:
        return ""
    more = f" ({len(errors) - 1} more like it)" if len(errors) > 1 else ""
    return f"Left out: {errors[0]}{more}"


def _strongest(backend: Backend, key: str) -> int:
    """The map of the default layer that this picture excites most."""
    layer = backend.network.default_layer
    return strongest_channel(backend.compute(RecordRequest(key, (layer,))).activations[layer][0])


_PREFERRED = ("face", "owl", "butterfly")
_PHOTOGRAPH = "photo/chelsea"


def _striking(backend: Backend) -> str:
    """A picture on which hiding a place changes the answer; the first one if none is known to."""
    labels = {backend.label(key): key for key in backend.images if key.startswith("scene")}
    known = [labels[name] for name in _PREFERRED if name in labels]
    # A network that was never shown a drawn scene is asked about a photograph.
    known += [_PHOTOGRAPH] if _PHOTOGRAPH in backend.images else []
    return known[0] if known else _readable(backend)


def _readable(backend: Backend) -> str:
    """The first picture that is one; the first error if none is."""
    error: ImageError | None = None
    for key in backend.images:
        try:
            backend.picture(key)
        except ImageError as problem:
            error = error or problem
        else:
            return key
    assert error is not None
    raise error
