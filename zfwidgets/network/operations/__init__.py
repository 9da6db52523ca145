"""The one table of operations: for each kind its forward, what it must remember, its way back and its geometry.

A new operation is one class here and nothing anywhere else. The way back of an operation is given the signal at
its output and returns the signal at each of its inputs, on the cells that the signal's window reads
(`zfwidgets.network.geometry`). Biases, means and shifts are never added on the way back.

The deconvnet rule (Zeiler and Fergus, section 2.1): unpool with the switches, rectify the signal, filter with the
transposed filters. What the paper does not speak of is done by the exact linear adjoint, and labelled so.
"""

from __future__ import annotations

from zfwidgets.network.call import Call, Unmatched
from zfwidgets.network.operations.base import Constant, Fidelity, Input, Opaque, Operation, worst
from zfwidgets.network.operations.filters import (
    BatchNorm,
    CappedRectification,
    Convolution,
    Linear,
    Rectification,
    ResponseNorm,
)
from zfwidgets.network.operations.joins import Addition, Concatenation, Flatten, Identity
from zfwidgets.network.operations.pooling import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool

__all__ = ["TABLE", "Constant", "Fidelity", "Input", "Opaque", "Operation", "operation_for", "worst"]

TABLE: tuple[type[Operation], ...] = (
    Convolution,
    CappedRectification,
    Rectification,
    MaxPool,
    AveragePool,
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    BatchNorm,
    ResponseNorm,
    Identity,
    Addition,
    Concatenation,
    Flatten,
    Linear,
)


def operation_for(call: Call) -> Operation:
    """The operation of the table that a traced call is, or `Opaque`."""
    for kind in TABLE:
        if call.is_one_of(kind.modules, kind.functions, kind.methods):
            try:
                return kind(call)
            except Unmatched:
                break
    return Opaque(call)
