"""The index of Fig. 2 that is looked at - of a file, in memory, or while it grows - and the pass that makes one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from zfwidgets.backend.top_classes import label_of
from zfwidgets.errors import ParameterError, StaleIndexError

if TYPE_CHECKING:
    from zfwidgets.backend.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.top_activations import Progress, TopActivations

__all__ = ["IndexFacts", "Mined", "OpenIndex", "TopIndexRequest", "TopMineRequest"]

Partial = Callable[[Any], None] | None
Cancelled = Callable[[], bool] | None
_COMPARED = 16
"""Pictures that are decoded at most to see whether an index is of them."""


@dataclass(frozen=True)
class IndexFacts:
    """What is known of an index.

    Attributes
    ----------
    layers : tuple of str
        Whose maps it holds.
    k : int
        Entries of each map.
    count, skipped : int
        Pictures seen, and how many of them could not be used.
    pictures : ImageSet or None
        Where its pictures are; None: they are the backend's own.
    """

    layers: tuple[str, ...]
    k: int
    count: int
    skipped: int
    pictures: ImageSet | None = None


@dataclass(frozen=True, eq=False)
class OpenIndex:
    """An index that belongs to the backend's network; `top` is None where there is none."""

    top: TopActivations | None
    pictures: ImageSet | None = None

    def facts(self) -> IndexFacts | None:
        """What is known of it."""
        if self.top is None:
            return None
        return IndexFacts(self.top.layers, self.top.k, self.top.count, len(self.top.skipped), self.pictures)

    def label(self, backend: Backend, key: str) -> str | None:
        """The class of one of its pictures, if it is known and the network has it."""
        return label_of(backend, self.pictures, key)


@dataclass(frozen=True)
class TopIndexRequest:
    """The index to look at, checked against the network. Answered by `OpenIndex`.

    A path is one of the machine on which the network lives, and only there it is known whether the file is what it was:
    a question about a path is asked there anew each time, and turns into one about a file of a certain size and time,
    whose answer is kept.

    Attributes
    ----------
    index : str, TopActivations or None
        A file, a result in memory, or the one that ships with the network.
    stamp : tuple of int or None
        Size and time of the file; () where there is none, None before anybody has looked.
    growing : (str, int) or None
        Instead of an index: what a `TopMineRequest` of this name knows by now, and the number of its partial answer.
    """

    index: Any = None
    stamp: tuple[int, ...] | None = None
    growing: tuple[str, int] | None = None
    quick: ClassVar[bool] = True

    @classmethod
    def of(cls, index: Any) -> TopIndexRequest:
        """The question about a file, a result, or None."""
        return cls(os.fspath(index) if isinstance(index, str | os.PathLike) else index)

    @property
    def kept(self) -> bool:
        """Whether the answer is the same next time."""
        return self.growing is None and not (isinstance(self.index, str) and self.stamp is None)

    def looked_at(self) -> TopIndexRequest:
        """The question about a file as it is now; to be asked where the network lives."""
        if not isinstance(self.index, str) or self.stamp is not None:
            return self
        try:
            facts = os.stat(self.index)
        except OSError:
            return replace(self, stamp=())
        return replace(self, stamp=(facts.st_size, facts.st_mtime_ns, facts.st_ino))

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> OpenIndex:
        from zfwidgets.methods.top_activations import TopActivations

        if self.growing is not None:
            name, top = backend.growing
            return OpenIndex(top if name == self.growing[0] else None)
        if self.index is None:
            return _shipped(backend)
        if isinstance(self.index, str):
            seen = self.looked_at()
            if seen != self:
                opened: OpenIndex = backend.compute(seen)
                return opened
            return OpenIndex(None) if not self.stamp else _opened(self.index, backend)
        if not isinstance(self.index, TopActivations):
            raise ParameterError(
                f"An index is a path, a TopActivations or None, not {type(self.index).__name__}; "
                "top_activations(net, images) makes one."
            )
        # A result may be of a part of the pictures; its own must all be there.
        self.index.check(backend.network)
        _check_keys(self.index, backend)
        return OpenIndex(self.index)


def _shipped(backend: Backend) -> OpenIndex:
    from zfwidgets.methods.top_activations.embedded import embedded_index, embedded_pictures

    top = embedded_index(backend.network)
    return OpenIndex(top, None if top is None else embedded_pictures())


def _opened(path: str, backend: Backend) -> OpenIndex:
    from zfwidgets.methods.top_activations import TopActivations

    top = TopActivations.open(path)
    # A hand is waiting, and all files of a folder that was copied would have to be decoded. What slips through is
    # noticed when it is drawn.
    top.check(backend.network, backend.image_set, most=_COMPARED)
    return OpenIndex(top)


def _check_keys(top: TopActivations, backend: Backend) -> None:
    gone = [key for key in top.numbered()[1] if not backend.has_image(key)]
    if gone:
        raise StaleIndexError(
            f"The index was mined over other pictures: {min(gone)!r} is not among this backend's; make the "
            "Backend with the pictures that were mined, or mine again."
        )


class Mined(NamedTuple):
    """A pass over the pictures on its way, or its end.

    Attributes
    ----------
    source : TopIndexRequest or None
        The question about what is known by now, or about the whole; None before anything is known.
    progress : Progress or None
        How far it is.
    """

    source: TopIndexRequest | None
    progress: Progress | None


@dataclass(frozen=True)
class TopMineRequest:
    """One pass over the backend's pictures for all layers. Answered by `Mined`, with partial answers meanwhile.

    It writes a file on the machine where the network lives; what is done stays beside it, so that the same question,
    asked again after it was cancelled, goes on there.

    Attributes
    ----------
    name : str
        What the pass is called among all of a backend.
    path : str or None
        The file. One that is there is never overwritten: then, and for None, it is a temporary one of the backend's.
    k : int
        Entries of each map.
    """

    name: str
    path: str | None = None
    k: int = 9
    quick: ClassVar[bool] = False
    kept: ClassVar[bool] = False
    """The file may be gone by the next time."""

    def run(self, backend: Backend, on_partial: Partial = None, cancelled: Cancelled = None) -> Mined:
        from zfwidgets.methods.top_activations import top_activations

        far: Progress | None = None
        known: TopIndexRequest | None = None

        def tell(progress: Progress) -> None:
            nonlocal far
            far = progress
            if on_partial is not None:
                on_partial(Mined(known, far))

        def grow(top: TopActivations) -> None:
            nonlocal known
            # Here, once: neither in each answer nor in a cache, because it may be large.
            backend.growing = (self.name, top)
            known = TopIndexRequest(growing=(self.name, known.growing[1] + 1 if known and known.growing else 0))
            if on_partial is not None:
                on_partial(Mined(known, far))

        path = self.path if self.path is not None and not os.path.exists(self.path) else backend.scratch(self.name)
        top_activations(
            backend.network,
            backend.image_set,
            k=self.k,
            index=path,
            on_progress=tell,
            on_partial=None if on_partial is None else grow,
            cancelled=cancelled,
        )
        return Mined(TopIndexRequest.of(path), far)
