"""A widget with everything it is made of: its children, layouts, styles, scales and marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets as W

__all__ = ["close_tree", "widgets_of"]


def close_tree(root: W.Widget) -> None:
    """Close a widget with all that it is made of: ipywidgets closes only the widget itself."""
    for widget in widgets_of(root):
        W.Widget.close(widget)


def widgets_of(root: W.Widget) -> list[W.Widget]:
    """The widget itself and all that it is made of and a page may know of."""
    found: dict[str, W.Widget] = {}
    waiting = [root]
    while waiting:
        widget = waiting.pop()
        if widget.comm is None or widget.model_id in found:
            continue
        found[widget.model_id] = widget
        # Its traits and its own attributes: a figure keeps a second picture that the page does not show yet.
        waiting.extend(_widgets_in(vars(widget)))
    return list(found.values())


def _widgets_in(value: Any) -> Iterator[W.Widget]:
    if isinstance(value, W.Widget):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _widgets_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _widgets_in(part)
