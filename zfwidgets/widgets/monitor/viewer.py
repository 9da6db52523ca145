"""`TrainingMonitor`: a training while it runs, in a thread or in another process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import traitlets as T

from zfwidgets.backend import Request
from zfwidgets.backend.errand import Errand
from zfwidgets.backend.evolution_requests import Evolved, SeriesSource, SnapshotRequest
from zfwidgets.backend.watch_requests import FirstFiltersRequest, SeriesFactsRequest
from zfwidgets.errors import ParameterError, unknown_name
from zfwidgets.imaging import filter_mosaic
from zfwidgets.models.stopping import ask_to_stop, asked_to_stop
from zfwidgets.widgets.monitor import words
from zfwidgets.widgets.parts import controls
from zfwidgets.widgets.parts.figures import Panel, PictureFigure
from zfwidgets.widgets.parts.growth import Growth
from zfwidgets.widgets.parts.life import LifeRows
from zfwidgets.widgets.parts.loop import call_later, call_soon
from zfwidgets.widgets.parts.values import Switch, Whole, as_whole
from zfwidgets.widgets.viewer.base import Viewer

if TYPE_CHECKING:
    from zfwidgets.methods.evolution import FeatureEvolution, SeriesFacts, Snapshot

__all__ = ["TrainingMonitor"]

_LOOK = 0.5
"""Seconds between two looks at the folder."""
_LAST = ("the last", "last")
_MOST_MAPS = 12


class TrainingMonitor(Viewer):
    """Watch a training: its curves, its first filters, and its features growing as checkpoints arrive (Fig. 4, live).

    It looks at the folder that `record_training` writes, so the training may be a thread of this process or a process
    of its own. *Stop* ends it after its epoch; *Resume* calls `train` again.

    Parameters
    ----------
    backend : Backend
        Its pictures are those whose strongest activations are shown; best some of the training's.
    series : CheckpointSeries or path
        The folder; it may be empty, or not be there yet.
    train : callable, optional
        Trains from where the folder is, until it is done or asked to stop; *Start* and *Resume* run it on a thread.
        Without it, somebody else trains.
    **options
        Traits: ``layer``, ``maps``, ``seed``, ``enhance``; and those of `ipywidgets.VBox`.

    Examples
    --------
    >>> import tempfile
    >>> from torch import nn
    >>> from zfwidgets.backend import Backend
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.models import CheckpointSeries
    >>> from zfwidgets.network import Network
    >>> from zfwidgets.training import record_training
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> folder, size = tempfile.mkdtemp(), Preprocess(size=16)
    >>> def train():
    ...     for epoch in (recording := record_training(module, folder, epochs=(1, 2))):
    ...         recording.log(loss=1 / epoch)
    >>> with Backend(Network(module, preprocess=size, device="cpu")) as backend:
    ...     monitor = TrainingMonitor(backend, CheckpointSeries(folder, module=module, preprocess=size), train=train)
    ...     monitor.start_training()
    ...     done = monitor.follow(60)
    >>> monitor.facts.epochs, monitor.result["conv1"].values.shape
    ((1, 2), (2, 4))
    """

    layer = T.Any(None, allow_none=True)
    """The layer whose maps are shown growing; None: the last one."""
    maps = Whole(6, 1, "number of maps")
    """How many of them, drawn at random."""
    seed = Whole(0, 0, "seed")
    """Of that chance."""
    enhance = Switch(True)
    """Whether contrast is enhanced, as in the paper."""

    _growth: Growth | None = None
    _facts_now: SeriesFacts | None = None
    _snapshots: dict[int, Snapshot]
    _heard = 0.0

    MAIN = "facts"
    SENTENCE = "Features of low layers settle first, those of high layers late (Zeiler and Fergus, section 4, Fig. 4)."

    def __init__(self, backend: Any, series: Any, *, train: Callable[[], Any] | None = None, **options: Any) -> None:
        if train is not None and not callable(train):
            raise ParameterError(f"train is a function without arguments that trains, or None; found {train!r}.")
        SeriesSource.of(series)
        self._series = series
        self._folder = Path(series) if isinstance(series, str | os.PathLike) else series.folder
        self._errand = None if train is None else Errand(train, lambda: ask_to_stop(self._folder))
        self._snapshots = {}
        super().__init__(backend, **options)
        self._poll()

    def _build(self) -> W.Widget:
        self._filters = PictureFigure("First-layer filters")
        self._loss, self._error, self._notice, self._rows = W.HTML(), W.HTML(), W.HTML(), LifeRows()
        loss, error = Panel("Loss", self._loss), Panel("Error", self._error)
        loss.title("Loss", "cross entropy, by epoch")
        error.title("Error", "share named wrongly, by epoch")
        self._state_line = W.HTML()
        self._stop = W.Button(description="Stop", tooltip="End the training after its epoch; what is recorded stays")
        self._resume = W.Button(description="Start", tooltip="Train, from the last checkpoint on")
        self._stop.on_click(self._by_hand(lambda _: self.stop_training()))
        self._resume.on_click(self._by_hand(lambda _: self.start_training()))
        bar = W.Box([self._resume, self._stop, self._state_line])
        self._layer_control = controls.choice("Layer", [_LAST], "last")
        self._layer_control.observe(self._by_hand(lambda change: self._picked(change["new"])), "value")
        contrast = W.Checkbox(description="Enhance contrast", indent=False, tooltip="As in the paper's figure")
        panels = W.Box([self._notice, loss, error, self._filters])
        choice = W.Box([self._layer_control, self._bind(contrast, "enhance")])
        for box, name in ((bar, "zf-watch"), (panels, "zf-maps"), (panels, "zf-watching"), (choice, "zf-choice")):
            box.add_class(name)
        self.observe(lambda _: self._grow(), ["layer", "maps", "seed"])
        self.observe(lambda _: self._show_rows(), "enhance")
        return W.VBox([bar, panels, choice, self._rows])

    # Questions -----------------------------------------------------------------------------------------------

    def _questions(self) -> dict[str, Request]:
        if not self._folder.is_dir():  # nobody has begun yet
            return {}
        source = SeriesSource.of(self._series)
        questions: dict[str, Request] = {"facts": SeriesFactsRequest(source)}
        facts, growth = self._facts_now, self._growth
        if facts is None or not facts.epochs:
            return questions
        questions["filters"] = FirstFiltersRequest(source, facts.epochs[-1], facts.digests[-1])
        for epoch, digest in zip(facts.epochs, facts.digests, strict=True):
            # One slot each: a checkpoint that comes while another is mined does not supersede it.
            questions[f"mine {epoch}"] = SnapshotRequest(source, epoch, digest)
        for epoch in () if growth is None else growth.epochs:
            for _, block in growth.requests(source, epoch) if growth is not None else ():
                questions[f"row {epoch}"] = block
        return questions

    # Answers -------------------------------------------------------------------------------------------------

    def _show(self, slot: str, value: Any) -> None:
        if slot == "facts":
            self._progress = 1.0
            self._take(value)
        elif slot == "filters":
            self._show_filters(value, self._answered[slot].epoch)
        elif slot.startswith("mine "):
            if hasattr(value, "peaks"):  # and no progress
                self._snapshots[value.epoch] = value
                self._grow()
        elif self._growth is not None and self._growth.keep(value):
            self._show_rows()

    def _take(self, facts: SeriesFacts) -> None:
        """More is recorded, or something is gone."""
        if self._facts_now is None or facts.done != self._facts_now.done:
            self._heard = time.monotonic()
        self._facts_now = facts
        known = dict(zip(facts.epochs, facts.digests, strict=True))
        self._snapshots = {epoch: one for epoch, one in self._snapshots.items() if known.get(epoch) == one.digest}
        self._loss.value, self._error.value = words.loss_chart(facts), words.error_chart(facts)
        self._grow()

    def _show_filters(self, filters: Any, epoch: int) -> None:
        self._filters.title("First-layer filters", f"epoch {epoch}")
        if len(filters):
            self._filters.show(filter_mosaic(filters).clear)
            self._filters.foot(f"{len(filters)} filters, grey is zero, each with its own contrast")
        else:
            self._filters.blank()
            self._filters.foot("no filter of this network looks at the picture itself")

    def _grow(self) -> None:
        """Put together what was mined by now."""
        facts = self._facts_now
        if facts is None or not self._snapshots:
            return
        from zfwidgets.methods.evolution import assembled

        evolution = assembled(facts, list(self._snapshots.values()))
        names = list(evolution.layers)
        if not names:
            return
        layer = self.layer if self.layer in names else names[-1]
        growth = Growth(Evolved(evolution, ""), (layer,), self.maps, self.seed)
        for block in [] if self._growth is None else self._growth.blocks.values():
            if block.epoch in growth.epochs:
                growth.keep(block)
        self._growth = growth
        self._offering.renew(self._layer_control, [_LAST, *((name, name) for name in names)], self.layer or "last")
        self._show_rows()

    def _show_rows(self) -> None:
        growth, facts = self._growth, self._facts_now
        if growth is None or facts is None:
            return
        (layer,) = growth.layers
        columns = sorted({*facts.planned, *facts.epochs})
        rows = []
        for channel in growth.followed(layer):
            cells = [growth.cell(epoch, layer, channel) for epoch in columns]
            rows.append([None if cell is None else cell.enhanced if self.enhance else cell.plain for cell in cells])
        names = ", ".join(f"#{channel}" for channel in growth.followed(layer))
        self._rows.show(
            (f"{layer} growing", f"strongest activation of {len(rows)} of its maps, projected"),
            columns,
            facts.missing,
            facts.epochs[-1] if facts.epochs else None,
            rows,
            f"maps {names}, from above &middot; strongest over {len(self._backend.image_set):,} pictures",
        )

    def _picked(self, value: Any) -> None:
        if not self._offering.under_way and value is not None:
            self.layer = None if value == "last" else value

    # The training --------------------------------------------------------------------------------------------

    @property
    def training(self) -> str:
        """``"waiting"``, ``"running"``, ``"stopping"``, ``"stopped"``, ``"finished"``, ``"failed"`` or ``"gone"``.

        Of a training elsewhere nobody knows whether it runs: it counts as running until its last epoch is there, or
        its folder no longer.
        """
        own, facts = self._errand, self._facts_now
        asked = asked_to_stop(self._folder)
        if own is not None and own.running:
            return "stopping" if asked else "running"
        if own is not None and own.error is not None:
            return "failed"
        if self._is_gone():
            return "gone"
        if facts is not None and facts.finished:
            return "finished"
        if asked:
            return "stopped" if own is not None else "stopping"
        begun = facts is not None and facts.done > 0
        return "waiting" if not begun else "running" if own is None else "stopped"

    def start_training(self) -> None:
        """Train, or go on, on a thread of its own; nothing happens while it runs.

        Raises
        ------
        ParameterError
            If the monitor was not told how.
        """
        if self._errand is None:
            raise ParameterError("Somebody else trains here; go on there, or give the monitor train=... .")
        self._errors.pop("training", None)
        self._errand.start()
        self.look()

    def stop_training(self) -> None:
        """Ask the training to end after its epoch, also one in another process."""
        ask_to_stop(self._folder)
        self.look()

    def look(self) -> None:
        """Look at the folder now; in a notebook or on a page it happens twice a second by itself."""
        with self._inbox.lock:
            if self._errand is not None and self._errand.error is not None:
                self._errors["training"] = self._errand.error
            self._ask()
            self._drain()

    def follow(self, timeout: float | None = None) -> bool:
        """Until the training has ended and all of it is shown; `wait` is until what is recorded by now is shown.

        Parameters
        ----------
        timeout : float, optional
            In seconds.

        Returns
        -------
        bool
            False if the time is over.

        Raises
        ------
        Exception
            What the training raised, or the error that the strip shows.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            over = self.training not in ("running", "stopping")
            self.look()
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if not self.wait(left):
                return False
            if over and self.training not in ("running", "stopping"):
                self._tell()
                return True
            if left == 0.0:
                return False
            self._inbox.wait(min(_LOOK, left or _LOOK))

    def _poll(self) -> None:
        if self._alive:
            self._try("look", self.look)
            # Timers are the main loop's, and this may be another thread.
            call_soon(lambda: _ignore(call_later(_LOOK, self._poll)))

    def _tell(self) -> None:
        super()._tell()
        state, facts = self.training, self._facts_now
        self._state_line.value = (
            f'<div class="zf-progress-line"><i style="width:{100 * words.progress(facts):.0f}%"></i></div>'
            f'<div class="zf-num">{words.status(facts, state, self._seconds_each(), self._silence())}</div>'
        )
        self._tell_notices()
        begun = facts is not None and facts.done > 0 and state != "gone"
        self._stop.disabled = state not in ("running", "waiting") or (state == "waiting" and self._errand is not None)
        self._resume.description = "Resume" if begun else "Start"
        self._resume.disabled = self._errand is None or state in ("running", "stopping", "finished")

    def _tell_notices(self) -> None:
        facts = self._facts_now
        sentences = [] if facts is None else [*facts.problems.values(), *facts.notes]
        if self._is_gone():
            sentences = [f"The folder {self._folder} is gone; what is shown is what it held last."]
        self._notice.value = f'<div class="zf-error" role="alert">{escape(" ".join(sentences))}</div>'
        self._notice.layout.display = "" if sentences else "none"

    def _is_gone(self) -> bool:
        """Whether something was recorded, in a folder that is no longer there."""
        return self._facts_now is not None and self._facts_now.done > 0 and not self._folder.is_dir()

    def _silence(self) -> float:
        """Seconds since an epoch ended; a training of its own is known to run."""
        return 0.0 if self._errand is not None else time.monotonic() - self._heard

    def _seconds_each(self) -> float | None:
        known = [] if self._facts_now is None else self._facts_now.figures["seconds"].tolist()
        return known[-1] if known and known[-1] == known[-1] else None  # nan, where nobody measured

    # Words ---------------------------------------------------------------------------------------------------

    def _facts(self) -> str:
        facts = self._facts_now
        waiting = sum(slot.startswith("mine ") and ticket is not None for slot, ticket in self._tickets.items())
        count = 0 if facts is None else len(facts.epochs)
        known = f"{count} checkpoint{'' if count == 1 else 's'}"
        return known + (f" &middot; looking through the pictures, {waiting} to go" if waiting else "")

    def _times(self, busy: bool) -> str:
        """How long a look at the folder took is of no interest."""
        return ""

    @property
    def facts(self) -> SeriesFacts | None:
        """What is recorded by now; None before anything is."""
        return self._facts_now

    @property
    def result(self) -> FeatureEvolution | None:
        """The features as far as they were mined; None before the first checkpoint."""
        return None if self._growth is None else self._growth.evolution

    @T.validate("layer")
    def _check_layer(self, proposal: Any) -> str | None:
        name = proposal["value"]
        known = () if self._growth is None else tuple(self._growth.evolution.layers)
        if name is not None and known and name not in known:
            raise unknown_name("layer", name, known)
        return None if name is None else str(name)

    @T.validate("maps")
    def _check_maps(self, proposal: Any) -> int:
        return as_whole("number of maps", proposal["value"], 1, _MOST_MAPS)


def _ignore(_: bool) -> None:
    """A script has no loop; there somebody calls `look`, or `follow`."""
