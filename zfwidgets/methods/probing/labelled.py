"""Pictures with a class each: what a probe is trained and tested on."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from zfwidgets.errors import DataError, ParameterError
from zfwidgets.methods.activations import stacked
from zfwidgets.network import Network

__all__ = ["Labelled", "check_apart", "check_other", "labelled"]

_ALL = (
    "All test pictures are among the training pictures, so that the test says nothing of new ones; give others, or "
    "leave test out: each fold is then tested on what it was not trained on."
)


class Labelled(NamedTuple):
    """N pictures, read when they are asked for, and the name of each one's class."""

    pictures: Any
    keys: Sequence[Any]
    labels: tuple[str, ...]
    seen: dict[Any, bytes] | None = None
    """Key to a digest of the model input, filled while the pictures are read; None: nobody asks."""

    def __len__(self) -> int:  # of pictures, not of fields
        return len(self.labels)

    def batches(self, net: Network, size: int) -> Iterator[Tensor]:
        """(n, 3, H, W) model inputs on the network's device, in order.

        Raises
        ------
        ParameterError
            If they have several sizes.
        """
        shape = None
        for start in range(0, len(self.keys), size):
            if isinstance(self.pictures, Tensor):
                batch = _checked(net, self.pictures[start : start + size])
            else:
                batch = stacked([net.input(self.pictures[key]) for key in self.keys[start : start + size]])
            shape = batch.shape[1:] if shape is None else shape
            if batch.shape[1:] != shape:
                raise ParameterError(
                    f"Model inputs of one probe must have one size: found {tuple(shape)}, and {tuple(batch.shape[1:])} "
                    f"at {self.keys[start]!r}."
                )
            self._note(batch, self.keys[start : start + size])
            yield batch

    def _note(self, batch: Tensor, keys: Sequence[Any]) -> None:
        if self.seen is not None and keys[0] not in self.seen:
            pixels = batch.cpu().contiguous().numpy()
            self.seen.update((key, hashlib.sha256(one).digest()) for key, one in zip(keys, pixels, strict=True))

    def shape(self, net: Network) -> tuple[int, ...]:
        """(3, H, W) of the first model input."""
        return tuple(net.input(self.pictures[self.keys[0]]).shape)


def _checked(net: Network, batch: Tensor) -> Tensor:
    """What `Network.input` makes of each, at once where nothing is to be said about any."""
    first = net.input(batch[0])
    if not bool(torch.isfinite(batch.sum())):
        return torch.stack([net.input(one) for one in batch])
    return batch.detach().to(first.device, first.dtype)


def labelled(pictures: Any, what: str, noted: bool = False) -> Labelled:
    """Pictures and classes, checked.

    Parameters
    ----------
    pictures : ImageSet, or (pictures, labels)
        A set that knows labels, or a pair: a list, a mapping or a tensor (N, 3, H, W), and one label for each.
    what : str
        How they are called in messages, for example "training".
    noted : bool
        Whether `check_apart` will be asked about them.

    Raises
    ------
    DataError
        If there are none, or one has no label.

    Examples
    --------
    >>> labelled((["a.png", "b.png"], ["cat", 3]), "training").labels
    ('cat', '3')
    """
    if isinstance(pictures, tuple) and len(pictures) == 2:
        found, labels = pictures
        keys: Sequence[Any] = list(found.keys()) if hasattr(found, "keys") else range(len(found))
        labels = [labels[key] for key in keys] if hasattr(labels, "keys") else list(labels)
    elif hasattr(pictures, "keys") and hasattr(pictures, "label"):
        found, keys = pictures, list(pictures.keys())
        labels = [pictures.label(key) for key in keys]
    else:
        raise DataError(
            f"The {what} pictures are an ImageSet with labels, or (pictures, labels); found {type(pictures).__name__}; "
            "try ImageSet.from_folder of a folder that holds one for each class."
        )
    if len(labels) != len(keys):
        raise DataError(f"Every {what} picture needs one label: found {len(keys)} pictures and {len(labels)} labels.")
    if not len(keys):
        raise DataError(f"There are no {what} pictures; give some of at least two classes.")
    missing = [key for key, label in zip(keys, labels, strict=True) if _unknown(label)]
    if missing:
        raise DataError(
            f"The {what} picture {missing[0]!r} has no label ({len(missing)} in all have none); put pictures into a "
            "folder for each class, or give (pictures, labels)."
        )
    return Labelled(found, keys, tuple(str(label) for label in labels), {} if noted else None)


def check_other(learnt: Labelled, asked: Labelled) -> None:
    """Refuse test pictures that are the very training pictures, before any is read."""
    if asked.pictures is learnt.pictures:
        raise DataError(_ALL)


def check_apart(learnt: Labelled, asked: Labelled) -> None:
    """Whether the classifier was trained on what it is tested on, known when both were read; warns of some pictures.

    Raises
    ------
    DataError
        If that is so of all test pictures.
    """
    known = set((learnt.seen or {}).values())
    twice = [key for key, digest in (asked.seen or {}).items() if digest in known]
    if len(twice) == len(asked):
        raise DataError(_ALL)
    if twice:
        warnings.warn(
            f"{len(twice)} of {len(asked)} test pictures are among the training pictures ({twice[0]!r}, for example): "
            "the accuracy is too high; leave them out of one of the two.",
            RuntimeWarning,
            stacklevel=3,
        )


def _unknown(label: Any) -> bool:
    return label is None or label == "" or (isinstance(label, float | np.floating) and bool(np.isnan(label)))
