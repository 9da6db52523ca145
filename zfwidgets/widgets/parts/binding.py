"""A control and a trait kept equal, so that a hand and a program do the same thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.errors import ZfwidgetsError

__all__ = ["bind"]


def bind(
    owner: T.HasTraits,
    trait: str,
    control: Any,
    none: str | None,
    offering: Callable[[], bool],
    refused: Callable[[ZfwidgetsError], None],
) -> Any:
    """Keep a control and a trait equal.

    Parameters
    ----------
    owner : HasTraits
        Whose trait.
    trait : str
        Its name.
    control : ipywidgets.Widget
        With a ``value``.
    none : str or None
        What the control calls the trait's None, which a list of ipywidgets cannot hold.
    offering : callable
        Whether the control is being given new options, which is no choice of anybody.
    refused : callable
        Told the error of a value that cannot be.

    Returns
    -------
    ipywidgets.Widget
        The control.

    Examples
    --------
    >>> class Owner(T.HasTraits):
    ...     number = T.Int(3)
    >>> owner = Owner()
    >>> control = bind(owner, "number", W.IntSlider(0, 0, 9), None, lambda: False, print)
    >>> owner.number = 12
    >>> control.value, control.max
    (12, 12)
    """

    def to_trait(change: Any) -> None:
        value = None if none is not None and change["new"] == none else change["new"]
        if offering() or value == getattr(owner, trait):
            return
        try:
            setattr(owner, trait, value)
            to_control(None)  # validation may have moved the value
        except ZfwidgetsError as error:
            to_control(None)
            refused(error)

    def to_control(_: Any) -> None:
        value = getattr(owner, trait)
        value = none if value is None else value
        if hasattr(control, "max") and isinstance(value, int | float):
            control.min, control.max = min(control.min, value), max(control.max, value)
        if isinstance(control, W.Dropdown) and value not in [option for _, option in control.options]:
            # A program may choose what the list leaves out, for example a layer inside of a block.
            control.options = [*control.options, (str(value), value)]
        if control.value != value:
            control.value = value

    control.observe(to_trait, "value")
    owner.observe(to_control, trait)
    to_control(None)
    return control
