"""What differs between two networks, and between the two layers that stand beside each other, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from zfwidgets.widgets.architecture.words import count, sizes
from zfwidgets.widgets.parts.style import breakable, printed

if TYPE_CHECKING:
    from zfwidgets.methods.architecture import Architecture

__all__ = ["difference_table"]


def difference_table(nets: Sequence[Architecture], names: Sequence[str], layers: Sequence[Any]) -> str:
    """Both networks in numbers, and how much more the second one has, as HTML.

    Parameters
    ----------
    nets : (Architecture, Architecture)
    names : (str, str)
        What they are called.
    layers : (layer, layer)
        As in ``net.layers``, one of each network; or none at all.
    """
    rows = [
        _row("Layers", *((len(net.layers) - 1,) for net in nets)),
        _row("Parameters", *((net.parameters,) for net in nets)),
        _row("Multiply-adds", *((net.multiply_adds,) for net in nets)),
    ]
    if layers:
        one, other = (breakable(str(layer.name)) for layer in layers)
        rows += [
            f"<tr><th>At the layer</th><td>{one}</td><td>{other}</td><td></td></tr>",
            _row("Channels", *((layer.channels,) for layer in layers)),
            _row("Rows x columns", *((layer.height, layer.width) for layer in layers)),
            _row("Receptive field", *(layer.receptive_field for layer in layers)),
        ]
    heads = "".join(f"<th>{escape(head)}</th>" for head in ("", *names, "difference"))
    return f'<table class="zf-table zf-num zf-versus"><tr>{heads}</tr>{"".join(rows)}</table>'


def _row(what: str, one: tuple[int, ...], other: tuple[int, ...]) -> str:
    more = " x ".join(_signed(b - a) for a, b in zip(one, other, strict=True))
    cells = "".join(f"<td>{_short(numbers)}</td>" for numbers in (one, other))
    exact = f"{sizes(*one)}; {sizes(*other)}"
    return f'<tr title="{exact}"><th>{what}</th>{cells}<td>{more if one != other else "same"}</td></tr>'


def _short(numbers: tuple[int, ...]) -> str:
    return " x ".join(map(count, numbers))


def _signed(difference: int) -> str:
    return f"{printed(difference, '+')[0]}{count(abs(difference))}"
