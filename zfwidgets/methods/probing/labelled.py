"""Pictures with a class each: what a probe is trained and tested on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from zfwidgets.errors import DataError, ParameterError
from zfwidgets.methods.activations import stacked
from zfwidgets.network import Network

__all__ = ["Labelled", "labelled"]


class Labelled(NamedTuple):
    """N pictures, read when they are asked for, and the name of each one's class."""

    pictures: Any
    keys: Sequence[Any]
    labels: tuple[str, ...]

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
            yield batch

    def shape(self, net: Network) -> tuple[int, ...]:
        """(3, H, W) of the first model input."""
        return tuple(net.input(self.pictures[self.keys[0]]).shape)


def _checked(net: Network, batch: Tensor) -> Tensor:
    """What `Network.input` makes of each, at once where nothing is to be said about any."""
    first = net.input(batch[0])
    if not bool(torch.isfinite(batch.sum())):
        return torch.stack([net.input(one) for one in batch])
    return batch.detach().to(first.device, first.dtype)


def labelled(pictures: Any, what: str) -> Labelled:
    """Pictures and classes, checked.

    Parameters
    ----------
    pictures : ImageSet, or (pictures, labels)
        A set that knows labels, or a pair: a list, a mapping or a tensor (N, 3, H, W), and one label for each.
    what : str
        How they are called in messages, for example "training".

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
    return Labelled(found, keys, tuple(str(label) for label in labels))


def _unknown(label: Any) -> bool:
    return label is None or label == "" or (isinstance(label, float | np.floating) and bool(np.isnan(label)))
