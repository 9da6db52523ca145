"""`Backend`: a network, its pictures, a worker and a cache behind one question: compute or submit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from PIL import Image

from zfwidgets.backend.answers import Answer
from zfwidgets.backend.cache import Cache
from zfwidgets.backend.requests import OcclusionRequest, RefinedRequest, Request, SpeedRequest
from zfwidgets.backend.worker import Ticket, Worker
from zfwidgets.data import ImageSet, samples, scenes
from zfwidgets.data.image_set import Entry
from zfwidgets.errors import Cancelled, DataError, unknown_name
from zfwidgets.imaging import as_image

if TYPE_CHECKING:
    import torch
    from distributed import Client

    from zfwidgets.backend.local import Local
    from zfwidgets.backend.remote import Remote
    from zfwidgets.backend.source import Source
    from zfwidgets.network import Network

__all__ = ["Backend"]

CACHE_BYTES = 256 * 2**20
SCENES_SEED = 7
SCENES = 16
_NAME_LENGTH = 60


class Backend:
    """All that viewers need of one network.

    Parameters
    ----------
    network : str, Network or NetworkSource
        A name of `list_networks`, your own, or a name with a file of weights.
    images : mapping or path, optional
        Keys to pictures, for example an `ImageSet`, or a folder of pictures; unless given some scenes and the shipped
        photographs.
    device : str or torch.device
        ``"auto"``: an accelerator when there is one. A `Network` stays where it is.
    client : distributed.Client, optional
        Of a Dask cluster: the network and the pictures live on one of its workers, and this process needs no torch.
        Paths are those of that worker.

    Attributes
    ----------
    network : Network
        On a cluster a `DistantNetwork`, which knows the same facts.
    images : tuple of str
        Keys of the pictures, uploads last; `picture` gives one.
    built_in : bool
        Whether they are the scenes and photographs that ship.
    speed : Speed
        How fast the network has been so far.
    work : Work
        Multiply-adds of its sweeps.
    growing : (str, object)
        What a run that is told about piece by piece knows by now, and its name; on a cluster, there.

    Raises
    ------
    UnknownNameError, WeightsError, ParameterError, DataError
        For a network, a device or pictures that cannot be used.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.backend.requests import ScoresRequest
    >>> from zfwidgets.imaging import Preprocess
    >>> from zfwidgets.network import Network
    >>> net = Network(nn.Sequential(nn.Conv2d(3, 2, 16), nn.Flatten()), preprocess=Preprocess(size=16), device="cpu")
    >>> with Backend(net) as backend:
    ...     scores = backend.compute(ScoresRequest(backend.images[0]))
    >>> scores.probabilities.shape
    (2,)
    """

    def __init__(
        self,
        network: str | Network | Source,
        images: Mapping[str, Any] | ImageSet | str | os.PathLike[str] | None = None,
        device: str | torch.device = "auto",
        client: Client | None = None,
    ) -> None:
        self.built_in = images is None
        self._engine: Local | Remote
        self._images: Any
        if client is None:
            from zfwidgets.backend.local import Local  # here, because a client's process does without torch

            self._engine = Local(network, device)
            self._images = _pictures(images)
        else:
            from zfwidgets.backend.remote import Remote

            self._engine = Remote(client, network, images, str(device))
            self._images = self._engine.pictures
        # A DistantNetwork answers what viewers ask of a Network.
        self.network = cast("Network", self._engine.network)
        self._uploads: dict[str, Image.Image] = {}
        self._borrowed = ImageSet({})
        self._agreed: WeakKeyDictionary[Backend, set[str]] = WeakKeyDictionary()
        self._cache = Cache(CACHE_BYTES)
        self.growing: tuple[str, Any] = ("", None)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self.speed, self.work = self._engine.speed, self._engine.work
        self._worker = Worker(f"zfwidgets {self.network.name}")
        self._engine.begin(self, self._worker)

    def __repr__(self) -> str:
        return f"Backend({self.network.name}, {len(self.images)} pictures, {self.device})"

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return self._engine.device

    @property
    def images(self) -> tuple[str, ...]:
        """Keys of all pictures."""
        return (*self._images.keys(), *self._borrowed.keys(), *self._uploads)

    @property
    def image_set(self) -> ImageSet:
        """The pictures that it was made with, without uploads."""
        if isinstance(self._images, ImageSet):
            return self._images
        read = self._images.__getitem__
        return ImageSet({key: Entry(partial(read, key), _unlabelled) for key in self._images})

    def has_image(self, key: object) -> bool:
        """Whether there is a picture of this key; takes no longer where there are many."""
        return isinstance(key, Hashable) and any(key in some for some in (self._uploads, self._borrowed, self._images))

    def picture(self, key: str) -> Image.Image:
        """The picture behind a key."""
        if key in self._uploads:
            return self._uploads[key]
        if key in self._borrowed:
            return self._borrowed[key]
        if not self.has_image(key):
            raise unknown_name("picture", key, self.images)
        return as_image(self._images[key])

    def label(self, key: str) -> str | None:
        """The true class of a picture, if it is known and the network has it."""
        images = self._borrowed if key in self._borrowed else self._images
        if key in self._uploads or not hasattr(images, "label"):
            return None
        label: str | None = images.label(key)
        return label if label in self.network.classes else None

    def borrow(self, key: str, images: ImageSet) -> None:
        """Offer one picture of another set beside its own; nothing happens to a key that it has already."""
        if not self.has_image(key):
            self._borrowed = self._borrowed | images.only([key])
            self._engine.borrow(key, self._borrowed)

    def lend(self, key: str, other: Backend) -> None:
        """Offer one picture to another backend under its key, unless that one holds it already.

        Raises
        ------
        DataError
            If the other one holds another picture under this key: its answers would be about something else.
        """
        agreed = self._agreed.setdefault(other, set())
        if other is self or key in agreed:
            return
        picture = self.picture(key)
        if not other.has_image(key):
            other.borrow(key, ImageSet.from_list([picture], [self.label(key)], [key]))
        elif not _same_pixels(picture, other.picture(key)):
            raise DataError(f"It holds another picture as {key!r}; make both backends with the same images.")
        agreed.add(key)

    def add_image(self, name: str, data: bytes) -> str:
        """Take a picture from a visitor.

        Parameters
        ----------
        name : str
            What the visitor calls it; never used as a path.
        data : bytes
            The content of the file.

        Returns
        -------
        str
            Its key.

        Raises
        ------
        ImageError
            If it is no picture.
        """
        # Only the last part, whichever system it comes from: a name that looks like a path would frighten.
        plain = PureWindowsPath(PurePosixPath(name).name).name
        plain = "".join(c for c in plain if c.isprintable())[:_NAME_LENGTH].strip() or "picture"
        picture = as_image(data, name=plain)
        key, number = f"yours/{plain}", 2
        while self.has_image(key):
            key, number = f"yours/{plain} ({number})", number + 1
        self._engine.add(key, data)
        self.put_image(key, picture)
        return key

    def put_image(self, key: str, picture: Image.Image) -> None:
        """Keep a visitor's picture under a key."""
        self._uploads[key] = picture

    def input(self, key: str) -> torch.Tensor:
        """(3, H, W): what the network sees of a picture."""
        kept: torch.Tensor | None = self._cache.get(("input", key))
        if kept is None:
            kept = self.network.input(self.picture(key))
            self._cache.put(("input", key), kept)
        return kept

    def seen(self, key: str) -> Image.Image:
        """The picture as the network sees it: cropped and resized, before normalisation."""
        return self.network.preprocess.crop(self.picture(key))

    def cached(self, request: Request) -> Any:
        """The answer if it is known already, else None."""
        return self._cache.get(self._key(request)) if _is_kept(request) else None

    def _key(self, request: Request) -> tuple[Request, int]:
        """A trained network gives new answers to old questions; two questions with one answer share it."""
        return request.exact if isinstance(request, RefinedRequest) else request, self.network.version

    def seconds(self, request: Request) -> float | None:
        """How long an answer will take: 0 if it is known already, None where nobody can say.

        Takes tens of milliseconds itself; `seconds_at_most` is for those who only want to know that it is not long.
        """
        expected = self._seconds(request, self.work.exact)
        return 0.0 if expected and self.cached(request) is not None else expected

    def seconds_at_most(self, request: Request) -> float | None:
        """An upper bound of `seconds`, at once; None where nobody can say."""
        return self._seconds(request, self.work.at_most)

    def seconds_foreseen(self, request: Request) -> float | None:
        """`seconds` as far as it is known by now, at once; else None."""
        return self._seconds(request, self.work.counted)

    def _seconds(self, request: Request, work: Callable[[int, int], int | None]) -> float | None:
        if not isinstance(request, OcclusionRequest | RefinedRequest):
            return 0.0 if request.quick else None
        if not self.speed.known:
            self.compute(SpeedRequest())
        return request.seconds(self, work)

    def compute(
        self,
        request: Request,
        on_partial: Callable[[Any], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Any:
        """Answer on the calling thread.

        Raises
        ------
        ZfwidgetsError
            Whatever the method raises.
        """
        value = self.cached(request)
        if value is None:
            key = self._key(request)
            value = self._engine.run(self, request, on_partial, cancelled)
            if _is_kept(request):
                self._cache.put(key, value)
        return value

    def submit(self, request: Request, deliver: Callable[[Answer], None], owner: Hashable = None) -> Ticket | None:
        """Answer on the worker's thread; a known answer is delivered at once, on the calling thread.

        Parameters
        ----------
        request : Request
            The question.
        deliver : callable
            Is given an `Answer` once or, with partial answers, more often.
        owner : hashable, optional
            Who asks: a newer question of the same owner supersedes an older one.

        Returns
        -------
        Ticket or None
            To cancel the run; None if the answer was known.
        """
        owner = owner if owner is not None else object()
        value = self.cached(request)
        if value is not None:
            self._worker.supersede(owner)
            deliver(Answer(request, "final", value))
            return None

        def run(on_partial: Callable[[Any], None], cancelled: Callable[[], bool]) -> Any:
            if cancelled():
                raise Cancelled("Superseded before it began.")
            self._engine.follow()
            return self.compute(request, on_partial, cancelled)

        return self._worker.submit(request, run, deliver, owner)

    def scratch(self, name: str) -> str:
        """A path in a folder of its own, which is removed when it is closed."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="zfwidgets-", ignore_cleanup_errors=True)
        return os.path.join(self._scratch.name, name)

    def close(self) -> None:
        """End the worker's thread and forget all answers."""
        self._worker.close()
        self._engine.close()
        self._cache.clear()
        self.growing = ("", None)
        if self._scratch is not None:
            self._scratch.cleanup()


def _is_kept(request: Request) -> bool:
    return bool(getattr(request, "kept", True))


def _same_pixels(one: Image.Image, other: Image.Image) -> bool:
    return (one.size, one.mode) == (other.size, other.mode) and one.tobytes() == other.tobytes()


def _unlabelled() -> None:
    return None


def _pictures(images: Mapping[str, Any] | ImageSet | str | os.PathLike[str] | None) -> Any:
    if not isinstance(images, Mapping | ImageSet | str | os.PathLike | None):
        raise DataError(
            f"Pictures are a folder, an ImageSet or a mapping of keys to pictures, not a {type(images).__name__}; of a "
            "list ImageSet.from_list makes one."
        )
    if isinstance(images, str | os.PathLike):
        images = ImageSet.from_folder(os.fspath(images))
    found = scenes(SCENES, seed=SCENES_SEED) | samples() if images is None else images
    if not len(found):
        raise DataError("There are no pictures: pass a mapping with at least one, or None for the built-in ones.")
    return found
