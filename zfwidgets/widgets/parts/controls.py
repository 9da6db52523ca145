"""Controls with their visible labels; the labels are part of the interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as W

from zfwidgets.backend import Backend

__all__ = ["choice", "group", "image_choice", "image_options", "precision_options", "slider", "target_choice"]

_WIDE = {"description_width": "initial"}
_MANY = 60
"""Names up to which a plain list is quicker than a search."""


def slider(label: str, low: int, high: int, step: int = 1) -> W.IntSlider:
    """A whole number; answers while it moves."""
    return W.IntSlider(low, low, high, step, description=label, style=_WIDE, continuous_update=True, tooltip=label)


def choice(label: str, options: Any, value: Any) -> W.Dropdown:
    """One of a list of names or of (text, value)."""
    pairs = [option if isinstance(option, tuple) else (option, option) for option in options]
    return W.Dropdown(options=pairs, value=value, description=label, style=_WIDE, tooltip=label)


def image_choice(backend: Backend, value: str) -> W.Dropdown:
    """One of the backend's pictures, with what is in it."""
    return choice("Image", image_options(backend), value)


def image_options(backend: Backend) -> list[tuple[str, str]]:
    """Texts and keys of all pictures."""
    keys = backend.images
    # Asking for a label may mean to decode the picture.
    labels = {key: backend.label(key) if len(keys) <= _MANY else None for key in keys}
    return [(f"{label} ({key})" if label else key, key) for key, label in labels.items()]


def precision_options(names: Sequence[str], refined: bool) -> list[tuple[str, str]]:
    """What precisions are called, and what follows them: the exact answer, or nothing.

    Examples
    --------
    >>> precision_options(("exact", "fast"), refined=False)
    [('Exact', 'exact'), ('Fast only', 'fast')]
    """
    then = ", then exact" if refined else " only"
    return [(name.capitalize() + (then if name != "exact" else ""), name) for name in names]


def target_choice(classes: tuple[str, ...]) -> W.Dropdown | W.Combobox:
    """The predicted class, the true one, or any by name; with many classes by typing."""
    options = ["predicted", "true", *classes]
    if len(options) <= _MANY:
        return choice("Target class", options, options[0])
    return W.Combobox(
        options=options,
        value=options[0],
        description="Target class",
        placeholder="type to search",
        style=_WIDE,
        continuous_update=False,
        tooltip="Target class: predicted, true, or a name",
    )


def group(*controls: W.Widget) -> W.VBox:
    """Controls below each other, one width."""
    box = W.VBox(controls)
    box.add_class("zf-controls")
    return box
