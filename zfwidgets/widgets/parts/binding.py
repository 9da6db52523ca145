"""A control and a trait kept equal, so that a hand and a program do the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.errors import ZfwidgetsError

__all__ = ["Offering", "bind"]


class Offering:
    """While a program gives controls other options, another range or a value: what they tell then is no hand's choice.

    Examples
    --------
    >>> offering = Offering()
    >>> with offering:
    ...     offering.under_way
    True
    >>> offering.under_way
    False
    """

    under_way = False

    def __enter__(self) -> None:
        self.under_way = True

    def __exit__(self, *_: object) -> None:
        self.under_way = False

    def renew(self, control: Any, options: Iterable[Any], value: Any) -> None:
        """Give a list other options; by itself it would choose the first or none, so it is told what is chosen."""
        with self:
            if tuple(control.options) != (new := tuple(options)):
                control.options = new
            control.value = value


def bind(
    owner: T.HasTraits,
    trait: str,
    control: Any,
    none: str | None,
    offering: Offering,
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
    offering : Offering
        While it is under way, the trait does not follow the control.
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
    >>> control = bind(owner, "number", W.IntSlider(0, 0, 9), None, Offering(), print)
    >>> owner.number = 12
    >>> control.value, control.max
    (12, 12)
    """

    def to_trait(change: Any) -> None:
        value = None if none is not None and change["new"] == none else change["new"]
        if offering.under_way or value == getattr(owner, trait):
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
