"""Pictures of a set that cannot be used."""

from __future__ import annotations

from typing import NamedTuple

from zfwidgets.errors import ZfwidgetsError

__all__ = ["Skipped"]


class Skipped(NamedTuple):
    """A picture that is left out: its key, and why in one sentence."""

    key: str
    reason: str

    @classmethod
    def of(cls, key: str, error: Exception) -> Skipped:
        """By what was raised when it was read; the code that reads may be a set's own and raise anything.

        Examples
        --------
        >>> Skipped.of("a.png", OSError("disk is gone.")).reason
        "'a.png' cannot be read: disk is gone."
        """
        if isinstance(error, ZfwidgetsError):
            return cls(key, str(error))
        words = " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__
        return cls(key, f"{key!r} cannot be read: {words}.")
