"""The options of the viewer of Fig. 4, each with the values it takes."""

from __future__ import annotations

import os
from typing import Any

import traitlets as T

from zfwidgets.backend.evolution_requests import SeriesSource
from zfwidgets.errors import ParameterError
from zfwidgets.widgets.evolution.epochs import snapped
from zfwidgets.widgets.parts.growth import MOST_LAYERS
from zfwidgets.widgets.parts.values import Switch, Whole, as_name, as_whole
from zfwidgets.widgets.viewer.unit_options import TracedViewer

__all__ = ["EvolutionOptions"]

_MOST_MAPS = 36


class EvolutionOptions(TracedViewer):
    """Traits and their validation, with one message per cause."""

    series = T.Any(None, allow_none=True)
    """A `CheckpointSeries`, its folder, or the name of an embedded one; None: that of the backend's network."""
    other_series = T.Any(None, allow_none=True)
    """The same of the second network."""
    epoch = T.Any(None, allow_none=True)
    """Which checkpoint is shown; one that is missing becomes the next that is there. None: the last one. Of a second
    network the nearest that it has is shown."""
    layers = T.Any(None, allow_none=True)
    """Which layers, at most five; None: those with filters and places, evenly chosen where there are more."""
    layer = T.Any(None, allow_none=True)
    """The layer whose chosen map is followed below; None: the last one."""
    channel = T.Any(None, allow_none=True)
    """The map that is followed; None: the first of the block that is not dead."""
    maps = Whole(16, 1, "number of maps")
    """Maps of each block, drawn at random as in the paper."""
    seed = Whole(0, 0, "seed")
    """Of that chance."""
    enhance = Switch(True)
    """Whether each cell's contrast is enhanced, as in the paper: its strongest hundredth of pixels in full colour."""
    own = Switch(False)
    """True: mine the backend's own pictures, also where an evolution over others ships."""
    folder = T.Any(None, allow_none=True)
    """Where to keep what was mined, one file for each checkpoint."""
    awake = Switch(True)
    """False: nothing is asked until it is True, for a viewer that nobody sees yet."""

    @T.validate("series")
    def _check_series(self, proposal: Any) -> Any:
        if proposal["value"] is not None:
            SeriesSource.of(proposal["value"])
        return proposal["value"]

    @T.validate("other_series")
    def _check_other_series(self, proposal: Any) -> Any:
        if proposal["value"] is not None and self._other is None:
            raise ParameterError("other_series is of a second network: pass that one as other=Backend(name).")
        return self._check_series(proposal)

    @T.validate("epoch")
    def _check_epoch(self, proposal: Any) -> int | None:
        if proposal["value"] is None:
            return None
        asked = as_whole("epoch", proposal["value"], 0)
        known = self._epochs()
        return snapped(asked, known, self.epoch or 0) if known else asked

    @T.validate("layers")
    def _check_layers(self, proposal: Any) -> tuple[str, ...] | None:
        names = proposal["value"]
        if names is None:
            return None
        if not isinstance(names, str | list | tuple):
            raise ParameterError(f"layers is a list of names of layers, or None; found {names!r}.")
        found = (names,) if isinstance(names, str) else tuple(names)
        if not 0 < len(found) <= MOST_LAYERS:
            raise ParameterError(f"One to {MOST_LAYERS} layers are shown at once; found {len(found)}.")
        return tuple(self._backend.network.layers[name].name for name in found)

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str | None:
        if proposal["value"] is None:
            return None
        return as_name("layer on show", proposal["value"], self._layers() or self._backend.network.layers)

    @T.validate("channel")
    def _check_channel(self, proposal: Any) -> int | None:
        return None if proposal["value"] is None else as_whole("channel", proposal["value"], 0)

    @T.validate("maps")
    def _check_maps(self, proposal: Any) -> int:
        return as_whole("number of maps", proposal["value"], 1, _MOST_MAPS)

    @T.validate("folder")
    def _check_folder(self, proposal: Any) -> str | None:
        value = proposal["value"]
        if value is not None and not isinstance(value, str | os.PathLike):
            raise ParameterError(f"A folder for what was mined is a path or None; found {value!r}.")
        return None if value is None else os.fspath(value)

    def offer_images(self) -> None:
        """There is no list of pictures here: a map finds its own."""

    def _epochs(self) -> tuple[int, ...]:
        """Checkpoints that are known by now."""
        raise NotImplementedError

    def _layers(self) -> tuple[str, ...]:
        """Layers that are shown."""
        raise NotImplementedError
