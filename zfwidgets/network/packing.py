"""Weights in the memory layout of oneDNN, torch's engine for convolutions on processors.

torch brings weights into that layout anew at each call, and multiplies matrices by another library. Done once and
kept, the rearranged weights ("a pack") make small windows up to twice as fast and matrices up to three times. A pack
serves one shape of input: with another shape it is right, but can be slower than none.

The operators behind it are torch's own business. They are tried once on small examples (`_probed`); where one is
missing or says something else than the plain operator, the plain operator does the work.
"""

from __future__ import annotations

import os
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from threading import RLock
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfwidgets.network.blocks import FEW, block_filters, convolve_back_in_blocks
from zfwidgets.network.call import pair
from zfwidgets.network.version import weights_version

__all__ = ["BUDGET", "Packed", "packs_held", "pinned"]


def _budget() -> int:
    """A sixteenth of the machine's memory, 128 MiB to 1 GiB."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        memory = 8 * 2**30
    return min(max(memory // 16, 2**27), 2**30)


BUDGET = _budget()
"""Bytes of packs in the whole process. The windows of a sweep have some dozens of shapes: AlexNet's filters and
matrices take 600 MiB for all of them."""

_USES_BEFORE = 1
"""Packing costs about as much as using the pack once saves, so a shape met once is not worth it."""

_CELLS_BACK = 2048
"""Cells of a batch up to which a pack helps a transposed convolution: measured 3 times as fast for 9 cells, 1.3 for
150, and no more than 1.05 for 2000, where the filters are much more work than their layout."""

_IDLE = 4096
"""A pack makes room for others when this many uses of any pack went by without it. Were it less than one round of
a sweep, packs would push one another out round after round."""

Pair = tuple[int, int]
Key = tuple[Any, ...]


class _Shelf:
    """All packs of the process, within a budget. Shapes whose layouts are the same share one pack."""

    def __init__(self, budget: int) -> None:
        self.budget, self.held = budget, 0
        self._packs: OrderedDict[Key, tuple[Tensor, int, int]] = OrderedDict()  # pack, bytes, when last used
        self._layout_of: dict[Key, Key] = {}
        self._uses: Counter[Key] = Counter()
        self._clock = 0
        # Reentrant, because `drop` may be called by the garbage collector, anywhere.
        self._lock = RLock()

    def get(self, key: Key) -> Tensor | None:
        with self._lock:
            self._clock += 1
            layout = self._layout_of.get(key, ())
            found = self._packs.get(layout)
            if found is None:
                return None
            self._packs[layout] = (*found[:2], self._clock)
            self._packs.move_to_end(layout)
            return found[0]

    def deserves(self, key: Key, size: int) -> bool:
        """Whether a pack of so many bytes should be made now; counts the question as a use."""
        with self._lock:
            if len(self._uses) > 4 * _IDLE:
                self._uses.clear()
                self._layout_of.clear()
            self._uses[key] += 1
            return self._uses[key] > _USES_BEFORE and size <= self.budget

    def put(self, key: Key, layout: Key, pack: Tensor, size: int) -> Tensor:
        """The pack itself, or one of the same layout that was there before."""
        with self._lock:
            known = self._packs.get(layout)
            if known is None and not self._room(size):
                self._uses[key] = -_IDLE  # not soon again
                return pack
            self._layout_of[key] = layout
            if known is not None:
                return known[0]
            self._packs[layout] = (pack, size, self._clock)
            self.held += size
            return pack

    def drop(self, owner: int) -> None:
        """Forget everything of one owner, the first part of a key."""
        with self._lock:
            for layout in [layout for layout in self._packs if layout[0] == owner]:
                self._remove(layout)
            for known in (self._uses, self._layout_of):
                for key in [key for key in known if key[0] == owner]:
                    known.pop(key, None)

    def _room(self, size: int) -> bool:
        while self.held + size > self.budget:
            oldest = next(iter(self._packs), ())
            if not oldest or self._clock - self._packs[oldest][2] < _IDLE:
                return False
            self._remove(oldest)
        return True

    def _remove(self, layout: Key) -> None:
        _, size, _ = self._packs.pop(layout, (None, 0, 0))
        self.held -= size

    def renew(self) -> None:
        """After a fork: whoever held the lock is not in the child."""
        self._lock = RLock()


_SHELF = _Shelf(BUDGET)
_SERIAL = count()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _SHELF.renew())


def packs_held() -> int:
    """Bytes of all packs of the process."""
    return _SHELF.held


class Packed:
    """The weights of one convolution or linear layer, and their packs.

    Called without gradients (`torch.inference_mode` or `torch.no_grad`) it uses packs, else the plain operators. May
    be called from several threads at once.

    Parameters
    ----------
    module : nn.Conv2d or nn.Linear
        Its weight is looked up at each call: another tensor in its place and torch's own writes into it are noticed
        at once, writes around torch (``.data``, numpy) when `refresh` is called.

    Examples
    --------
    >>> layer = nn.Conv2d(3, 8, 3)
    >>> packed = Packed(layer)
    >>> with torch.inference_mode():
    ...     packed.convolve(torch.ones(2, 3, 9, 9), layer.bias, (1, 1), (0, 0), (1, 1), 1).shape
    torch.Size([2, 8, 7, 7])
    """

    def __init__(self, module: nn.Conv2d | nn.Linear) -> None:
        self._module = module
        self._serial = next(_SERIAL)
        self._source: Tensor | None = None
        self._facts: tuple[int, int] | None = None
        self._sampled: int | None = None
        self._generation = 0
        weakref.finalize(self, _SHELF.drop, self._serial)

    def convolve(
        self, windows: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Tensor:
        """(B, C, h, w) to (B, O, h', w'); numbers of rows and columns as in `torch.nn.functional.conv2d`."""
        bias = None if bias is None else bias.to(windows.dtype)
        key = (tuple(windows.shape), stride, padding, dilation, groups)
        pack = self._pack(
            "convolve",
            windows,
            key,
            lambda: torch.ops.mkldnn._reorder_convolution_weight(
                self._weight(windows), list(padding), list(stride), list(dilation), groups, list(windows.shape)
            ),
        )
        if pack is None:
            return F.conv2d(windows, self._weight(windows), bias, stride, padding, dilation, groups)
        return _convolution(windows, pack, bias, stride, padding, dilation, groups)

    def convolve_back(self, signal: Tensor, stride: Pair, dilation: Pair, groups: int) -> Tensor:
        """(B, O, h, w) to (B, C, h', w'): the transposed convolution without padding."""
        if signal.device.type == "cpu" and self._module.weight.shape[1] <= FEW and groups == 1 and dilation == (1, 1):
            filters = self._pack("blocks", signal, (stride,), lambda: block_filters(self._weight(signal), stride))
            return convolve_back_in_blocks(signal, self._weight(signal), stride, filters)
        pack = None
        if len(signal) * signal.shape[2] * signal.shape[3] <= _CELLS_BACK:
            pack = self._pack(
                "convolve_back",
                signal,
                (tuple(signal.shape), stride, dilation, groups),
                lambda: torch.ops.mkldnn._reorder_convolution_transpose_weight(
                    self._weight(signal), [0, 0], [0, 0], list(stride), list(dilation), groups, list(signal.shape)
                ),
            )
        if pack is None:
            return F.conv_transpose2d(signal, self._weight(signal), None, stride, 0, 0, groups, dilation)
        return _transposed_convolution(signal, pack, stride, dilation, groups)

    def multiply(self, rows: Tensor, bias: Tensor | None) -> Tensor:
        """(B, F) to (B, O); one pack serves every B."""
        bias = None if bias is None else bias.to(rows.dtype)
        pack = self._pack("multiply", rows, (), lambda: torch.ops.mkldnn._reorder_linear_weight(self._weight(rows), 64))
        return F.linear(rows, self._weight(rows), bias) if pack is None else _product(rows, pack, bias)

    def multiply_back(self, rows: Tensor) -> Tensor:
        """(B, O) to (B, F): the transposed matrix. It is rarely asked for, so nothing is packed."""
        return rows @ self._weight(rows)

    def refresh(self) -> None:
        """Forget packs made from other weights than the module has now; a look at up to 1024 of its elements."""
        weight = self._module.weight
        sampled = weights_version([weight])
        if self._sampled != sampled:
            self._sampled = sampled
            self._adopt(weight)

    def _weight(self, tensor: Tensor) -> Tensor:
        """The weight in the number format of a tensor."""
        weight: Tensor = self._module.weight
        return weight.to(tensor.dtype)

    def _pack(self, operator: str, tensor: Tensor, key: Key, make: Callable[[], Tensor]) -> Tensor | None:
        """The pack for a tensor of this shape; None: use the plain operator."""
        plain = torch.is_grad_enabled() or tensor.device.type != "cpu" or tensor.numel() == 0
        # A weight that is not a parameter is computed anew at each look (weight norm), which nobody can notice.
        weight = self._module._parameters.get("weight")
        if plain or weight is None or weight.device.type != "cpu" or not _probed(operator, tensor.dtype):
            return None
        facts = _facts(weight)
        if weight is not self._source or facts != self._facts:
            self._adopt(weight)
        whole: Key = (self._serial, self._generation, operator, tensor.dtype, *key)
        pack = _SHELF.get(whole)
        if pack is None:
            size = weight.numel() * tensor.element_size()
            if _SHELF.deserves(whole, size):
                pack = make()
                pack = _SHELF.put(whole, whole[:4] + (_layout(pack) or key), pack, size)
        return pack

    def _adopt(self, weight: Tensor) -> None:
        """Start anew with this weight. It is held, so that no other tensor can come to lie at its address."""
        self._generation += 1
        self._source, self._facts = weight, _facts(weight)
        _SHELF.drop(self._serial)


def pinned(
    module: nn.Conv2d, padding: Pair, shape: tuple[int, ...], then: str = "none"
) -> Callable[[Tensor], Tensor] | None:
    """A convolution of batches of one shape, with a pack that lives as long as it is held; None: there is none.

    ``then="relu"`` rectifies its numbers before they are written; one that is not a number becomes 0.

    `Packed` may compute one batch with a pack and the next without, which is the same up to rounding. This is the same
    to the bit. Call it without gradients; it keeps the weights that the module has now.

    Examples
    --------
    >>> layer = nn.Conv2d(3, 8, 3)
    >>> found = pinned(layer, (0, 0), (2, 3, 9, 9))
    >>> with torch.inference_mode():
    ...     (found or layer)(torch.ones(2, 3, 9, 9)).shape
    torch.Size([2, 8, 7, 7])
    """
    weight = module._parameters.get("weight")
    if weight is None or weight.device.type != "cpu" or not _probed("convolve", weight.dtype):
        return None
    numbers = (pair(module.stride), padding, pair(module.dilation), module.groups)
    with torch.inference_mode():
        pack = torch.ops.mkldnn._reorder_convolution_weight(
            weight, list(padding), list(numbers[0]), list(numbers[2]), module.groups, list(shape)
        )
    return lambda batch: _convolution(batch, pack, module.bias, *numbers, then)


def _layout(pack: Tensor) -> Key:
    """What tells packs of the same weights apart: a few layouts serve many shapes. Empty where it cannot be told."""
    try:
        return (torch.ops.mkldnn._get_mkldnn_serialized_md(pack).numpy().tobytes(),)
    except Exception:  # a private operator: without it every shape has a pack of its own
        return ()


def _facts(weight: Tensor) -> tuple[int, int]:
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version


def _convolution(
    windows: Tensor,
    pack: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    then: str = "none",
) -> Tensor:
    numbers = (list(padding), list(stride), list(dilation), groups)
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(windows, pack, bias, *numbers, then, [], "")
    return result


def _transposed_convolution(signal: Tensor, pack: Tensor, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    numbers = ([0, 0], [0, 0], list(stride), list(dilation), groups)
    result: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(signal, pack, None, *numbers, "none", [], "")
    return result


def _product(rows: Tensor, pack: Tensor, bias: Tensor | None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, pack, bias, "none", [], "")
    return result


@lru_cache(maxsize=32)
def _probed(operator: str, dtype: torch.dtype) -> bool:
    """Whether an operator on packs exists here and says what the plain one says, in this number format."""
    if operator == "blocks":
        return True  # no private operator
    if dtype not in (torch.float32, torch.bfloat16):
        return False
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    try:
        with torch.inference_mode():
            pairs = {"convolve": _convolved, "convolve_back": _convolved_back, "multiply": _multiplied}[operator](draw)
            return all(
                found.shape == expected.shape
                and found.dtype == dtype
                and float((found - expected).abs().max()) <= torch.finfo(dtype).eps * 32 * float(expected.abs().max())
                for found, expected in pairs
            )
    except Exception:  # whatever a private operator may do: the plain one is always there
        return False


Draw = Callable[..., Tensor]


def _convolved(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    pairs = []
    for stride, padding, groups in (((1, 1), (1, 1), 1), ((2, 1), (0, 2), 4)):
        windows, weight, bias = draw(3, 16, 7, 9), draw(24, 16 // groups, 3, 3), draw(24)
        numbers = (list(padding), list(stride), [1, 1], groups)
        pack = torch.ops.mkldnn._reorder_convolution_weight(weight, *numbers, list(windows.shape))
        for layout in (torch.contiguous_format, torch.channels_last):
            laid_out = windows.contiguous(memory_format=layout)
            plain = F.conv2d(windows, weight, bias, stride, padding, 1, groups)
            for then, expected in (("none", plain), ("relu", plain.relu())):
                pairs.append((_convolution(laid_out, pack, bias, stride, padding, (1, 1), groups, then), expected))
    return pairs


def _convolved_back(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    pairs = []
    for stride, groups in (((1, 1), 1), ((2, 1), 4)):
        signal, weight = draw(3, 16, 5, 6), draw(16, 24 // groups, 3, 3)
        numbers = ([0, 0], [0, 0], list(stride), [1, 1], groups)
        pack = torch.ops.mkldnn._reorder_convolution_transpose_weight(weight, *numbers, list(signal.shape))
        for layout in (torch.contiguous_format, torch.channels_last):
            found = _transposed_convolution(signal.contiguous(memory_format=layout), pack, stride, (1, 1), groups)
            pairs.append((found, F.conv_transpose2d(signal, weight, None, stride, 0, 0, groups)))
    return pairs


def _multiplied(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    weight, bias = draw(24, 40), draw(24)
    pack = torch.ops.mkldnn._reorder_linear_weight(weight, 64)
    return [(_product(rows, pack, bias), F.linear(rows, weight, bias)) for rows in (draw(1, 40), draw(70, 40))]
