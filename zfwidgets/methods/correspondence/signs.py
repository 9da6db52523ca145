"""The variants of all pictures through the network, a few at a time, and the signs of what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zfwidgets.errors import Cancelled, NetworkError
from zfwidgets.methods.fill import Fill, fill_picture
from zfwidgets.network import Network
from zfwidgets.network.side_by_side import side_by_side

__all__ = ["Comparison", "Piece", "Variants", "chunks_of", "most_together", "sign_chunks"]

_ROUNDING = 1e-5
"""Changes up to this share of a layer's largest activation are rounding: their sign is 0."""
_CHUNK_MULTIPLY_ADDS = 8e9
"""Work of one chunk on a CPU: the weights of linear layers are read seldom, and a run can be cancelled soon."""
_LEAST, _MOST = 5, 32
_ELSEWHERE = 256
"""Pictures of a chunk; the clean one is always among them, so very few would mean to compute it again and again."""
_BITS = np.array([number.bit_count() for number in range(256)])
"""Bits that are 1 in each byte."""

Words = NDArray[np.uint64]


class Signs(NamedTuple):
    """Signs of some variants at one layer.

    Attributes
    ----------
    planes : ndarray
        (variants, 2, W) uint64, a bit for each cell: whether its sign is 1, and whether it is -1.
    cells : int
        How many there are; the bits beyond are 0.
    """

    planes: Words
    cells: int

    @classmethod
    def of(cls, changes: Tensor) -> Signs:
        """Of changes (variants, cells)."""
        both = torch.stack([changes > 0, changes < 0], 1).cpu().numpy()
        packed = np.packbits(both, axis=2)
        whole = np.zeros((*packed.shape[:2], -(-packed.shape[2] // 8) * 8), np.uint8)
        whole[..., : packed.shape[2]] = packed
        return cls(whole.view(np.uint64), changes.shape[1])


@dataclass(frozen=True)
class Piece:
    """Some variants of one picture: rows of the result."""

    picture: int
    rows: tuple[int, ...]

    @property
    def size(self) -> int:
        """Pictures that go through the network: these, and the clean one."""
        return 1 + len(self.rows)


Chunk = list[Piece]


@dataclass(frozen=True, eq=False)
class Variants:
    """Pictures (3, H, W), and the squares (N, R, 2) that hide them one at a time; -1: there is none."""

    net: Network
    clean: tuple[Tensor, ...]
    squares: NDArray[np.int64]
    size: int
    fill: Fill

    def batch(self, chunk: Chunk) -> Tensor:
        """(B, 3, H, W): of each piece the clean picture, then its variants."""
        return torch.cat([self._piece(piece) for piece in chunk])

    def _piece(self, piece: Piece) -> Tensor:
        clean = self.clean[piece.picture]
        cover = fill_picture(self.net, clean, self.fill)
        batch = clean.expand(piece.size, -1, -1, -1).clone()
        corners = self.squares[piece.picture, list(piece.rows)].tolist()
        for variant, (top, left) in zip(batch[1:], corners, strict=True):
            square = (slice(None), slice(top, top + self.size), slice(left, left + self.size))
            variant[square] = cover[square]
        return batch


def most_together(net: Network, pixels: int) -> int:
    """Pictures of one chunk on the network's device, for pictures of so many pixels."""
    if net.device.type != "cpu":
        return _ELSEWHERE
    work = (net.multiply_adds or _CHUNK_MULTIPLY_ADDS) * pixels / (net.input_size[0] * net.input_size[1])
    return int(np.clip(_CHUNK_MULTIPLY_ADDS / max(work, 1), _LEAST, _MOST))


def chunks_of(squares: NDArray[np.int64], most: int) -> list[Chunk]:
    """What goes through the network together, at most so many pictures (but two); in the order of the pictures.

    Examples
    --------
    >>> [[(piece.picture, piece.rows) for piece in chunk] for chunk in chunks_of(np.zeros((3, 3, 2), int), most=8)]
    [[(0, (0, 1, 2)), (1, (0, 1, 2))], [(2, (0, 1, 2))]]
    """
    chunks: list[Chunk] = []
    room = 0
    for picture, corners in enumerate(squares):
        rows = np.flatnonzero(corners[:, 0] >= 0)
        for some in np.array_split(rows, -(-len(rows) // max(most - 1, 1))):
            piece = Piece(picture, tuple(some.tolist()))
            if room < piece.size:
                chunks.append([])
                room = most
            chunks[-1].append(piece)
            room -= piece.size
    return chunks


def sign_chunks(
    variants: Variants, chunks: Sequence[Chunk], names: Sequence[str], pool: int | None, cancelled: Callable[[], bool]
) -> Iterator[tuple[Chunk, Mapping[str, Signs]]]:
    """Each chunk with its signs, some at once on the processor's cores.

    Raises
    ------
    Cancelled
    NetworkError
        For a layer whose values are not finite.
    """
    net = variants.net
    signs = partial(_signs, variants, names, pool)
    some = 2 * torch.get_num_threads()
    for first in range(0, len(chunks), some):
        # The lock is let go between: another viewer of this network may have a quick question.
        with net.lock, net.evaluation():
            found = list(side_by_side(signs, _unless(cancelled, chunks[first : first + some])))
        yield from zip(chunks[first : first + some], found, strict=True)


def _unless(cancelled: Callable[[], bool], chunks: Sequence[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        if cancelled():
            raise Cancelled("The comparison was cancelled.")
        yield chunk


def _signs(variants: Variants, names: Sequence[str], pool: int | None, chunk: Chunk) -> dict[str, Signs]:
    """By layer the signs of a chunk's variants, one piece after the other."""
    net = variants.net
    graph, indices = net.traced(), [net.layers[name].index for name in names]
    found = {}
    with net.without_gradients():
        batch = variants.batch(chunk)
        if graph.tabled:  # foreign code may call .view, which wants planes
            batch = batch.contiguous(memory_format=torch.channels_last)
        outputs = graph.run(batch, set(indices)).outputs
        for name, index in zip(names, indices, strict=True):
            features = _pooled(outputs[index], pool)
            if not bool(torch.isfinite(features.sum())):
                raise NetworkError(f"The layer {name!r} gives NaN or infinite values; ask for a lower one.")
            parts = torch.split(features, [piece.size for piece in chunk])
            found[name] = Signs.of(torch.cat([_change(part) for part in parts]))
    return found


def _pooled(features: Tensor, pool: int | None) -> Tensor:
    """Averaged over a grid of places, unless there are fewer."""
    if pool is None or features.dim() != 4 or min(features.shape[2:]) <= pool:
        return features
    return F.adaptive_avg_pool2d(features, pool)


def _change(features: Tensor) -> Tensor:
    """(variants, cells): clean minus hidden, 0 where that is rounding; the clean picture is the first."""
    clean = features[:1]
    change = (clean - features[1:]).flatten(1)
    change[change.abs() <= _ROUNDING * clean.abs().max()] = 0
    return change


class Comparison:
    """Collects signs, and compares each picture with those before it as soon as all of its own are there.

    Attributes
    ----------
    distances : dict
        Layer to (R, N, N) float32, see `Correspondence`.
    count : int
        Pictures compared.
    """

    def __init__(self, names: Sequence[str], squares: NDArray[np.int64]) -> None:
        pictures, rows = squares.shape[:2]
        self._there = squares[:, :, 0] >= 0
        self._missing = self._there.sum(1)
        self._planes: dict[str, Words] = {}
        self.distances = {name: np.full((rows, pictures, pictures), np.nan, np.float32) for name in names}
        self.count = 0

    def take(self, chunk: Chunk, found: Mapping[str, Signs]) -> None:
        """The signs of the next chunk."""
        start = 0
        for piece in chunk:
            rows, here = list(piece.rows), slice(start, start + len(piece.rows))
            for name, signs in found.items():
                if name not in self._planes:
                    self._planes[name] = np.zeros((*self._there.shape, *signs.planes.shape[1:]), np.uint64)
                self._planes[name][piece.picture, rows] = signs.planes[here]
            start = here.stop
            self._missing[piece.picture] -= len(rows)
            if self._missing[piece.picture] == 0:
                self._compare(piece.picture, {name: signs.cells for name, signs in found.items()})

    def _compare(self, picture: int, cells: Mapping[str, int]) -> None:
        for name, planes in self._planes.items():
            for other in range(picture):
                both = self._there[picture] & self._there[other]
                differ = np.bitwise_or.reduce(planes[picture] ^ planes[other], axis=1)
                share = _BITS[differ.view(np.uint8)].sum(1) / cells[name]
                self.distances[name][:, picture, other] = np.where(both, share, np.nan)
                self.distances[name][:, other, picture] = self.distances[name][:, picture, other]
        self.count = picture + 1
