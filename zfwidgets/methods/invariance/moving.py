"""Pictures moved and run through the network, a few at a time, side by side on the cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.errors import NetworkError
from zfwidgets.imaging import transformed
from zfwidgets.methods.invariance.border import Border, border_of
from zfwidgets.network import Network
from zfwidgets.network.device import fast_arithmetic
from zfwidgets.network.side_by_side import side_by_side

__all__ = ["Measured", "Mover"]

Item = TypeVar("Item")
Result = TypeVar("Result")

Floats = NDArray[np.float32]
Features = Mapping[str, Tensor]
_PIECE_MULTIPLY_ADDS = {"cpu": 1.2e10}
"""Work of one piece on one core: a fifth of a second, so that a run can be cancelled soon; smaller pieces would read
the matrices of linear layers too often."""
_ELSEWHERE = 4e11
_MOST = 64


class Measured(NamedTuple):
    """One piece: n pictures, each moved by its amount."""

    pictures: NDArray[np.int64]
    places: NDArray[np.int64]
    """(n,) each: which picture, and which of the amounts."""
    distances: Mapping[str, Floats]
    relative: Mapping[str, Floats]
    logits: Floats


class Mover:
    """Asks the network about moved pictures.

    Parameters
    ----------
    net : Network
    batch : Tensor
        (N, 3, H, W), model inputs.
    transform, border
        As in `invariance_curves`, checked.
    layers : iterable of str
        Whose features are wanted.
    most : int or None
        The most pictures of one piece.
    fast : bool
        Wanted in 16-bit numbers; afterwards, whether that can be.
    """

    def __init__(
        self,
        net: Network,
        batch: Tensor,
        transform: str,
        border: Border,
        layers: Iterable[str],
        most: int | None,
        fast: bool = False,
    ) -> None:
        self.net, self.batch, self.transform = net, batch, transform
        self.border = border_of(net, batch[0], border)
        self.indices = {name: net.layers[name].index for name in layers}
        if net.graph is not None:
            net.graph.refresh()
        self.fast = fast and net.graph is not None and net.graph.tabled and fast_arithmetic(net.device)
        work = (net.multiply_adds or 1e9) * batch[0, 0].numel() / (net.input_size[0] * net.input_size[1])
        own = int(np.clip(_PIECE_MULTIPLY_ADDS.get(net.device.type, _ELSEWHERE) / max(work, 1), 1, _MOST))
        self.piece = own if most is None else min(most, own)

    def unmoved(self, pictures: NDArray[np.int64]) -> tuple[Features, Floats]:
        """Features and logits (n, K) of some of the pictures as they are."""
        batch = self.batch[torch.from_numpy(pictures).to(self.batch.device)]
        found = list(self._each(self._features, torch.split(batch, self.piece)))
        features = {name: torch.cat([part[name] for part, _ in found]) for name in self.indices}
        return features, np.concatenate([self._sound(logits) for _, logits in found])

    def measured(
        self, pictures: NDArray[np.int64], amounts: NDArray[np.float64], places: NDArray[np.int64], clean: Features
    ) -> Iterator[Measured]:
        """Each picture moved by each of the amounts at these places, a piece after the other.

        ``clean`` holds the features of the pictures, in their order.
        """
        pairs = np.stack(np.meshgrid(np.arange(len(pictures)), places, indexing="xy"), -1).reshape(-1, 2)

        def measure(piece: NDArray[np.int64]) -> Measured:
            slots, columns = piece.T
            # Device tensors: which pictures of the batch, and which of the clean features.
            chosen, beside = (torch.from_numpy(some).to(self.batch.device) for some in (pictures[slots], slots.copy()))
            moved = transformed(self.batch[chosen], self.transform, amounts[columns], self.border)
            features, logits = self._features(moved)
            distances, relative = {}, {}
            for name, now in features.items():
                before = clean[name][beside]
                distance, lengths = _length(now - before), _length(now) + _length(before)
                distances[name] = _numpy(distance)
                relative[name] = _numpy(torch.where(lengths == 0, 0, distance / lengths))
                self._check(np.isfinite(relative[name]), f"the features of {name!r}")
            return Measured(pictures[slots], columns, distances, relative, self._sound(logits))

        return self._each(measure, (pairs[start : start + self.piece] for start in range(0, len(pairs), self.piece)))

    def _sound(self, logits: Tensor) -> Floats:
        """(n, K); a class alone may be impossible, which is a logit of minus infinity."""
        found = _numpy(logits)
        self._check(np.isfinite(found.max(-1)), "the answers")
        return found

    def _check(self, sound: NDArray[np.bool_], what: str) -> None:
        if not sound.all():
            raise NetworkError(
                f"{self.net.name} overflows: {what} are not finite, so how far they go cannot be said; check its "
                "weights and its preprocessing."
            )

    def _each(self, function: Callable[[Item], Result], pieces: Iterable[Item]) -> Iterator[Result]:
        if self.net.graph is not None and self.net.graph.tabled:
            yield from side_by_side(function, pieces)
            return
        for piece in pieces:  # foreign code is not made for two threads
            with self.net.lock, self.net.without_gradients(), self.net.evaluation():
                found = function(piece)
            yield found

    def _features(self, inputs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """(n, ...) of each layer, and logits (n, K)."""
        graph = self.net.graph
        if graph is None:
            return {}, self.net(inputs)
        if graph.tabled:
            numbers = torch.bfloat16 if self.fast else inputs.dtype
            inputs = inputs.to(numbers, memory_format=torch.channels_last)
        outputs = graph.run(inputs, {*self.indices.values(), graph.output}, repeated=True).outputs
        features = {name: outputs[index].float() for name, index in self.indices.items()}
        return features, self.net.as_logits(outputs[graph.output].float())


def _length(features: Tensor) -> Tensor:
    """(n,) of (n, ...); flattening would copy a map whose channels lie innermost."""
    length: Tensor = torch.linalg.vector_norm(features, dim=tuple(range(1, features.dim())))
    return length


def _numpy(values: Tensor) -> Floats:
    return values.to("cpu", torch.float32).numpy()
