"""Pictures of a set that cannot be used."""

from __future__ import annotations

from typing import NamedTuple

from zfwidgets.errors import ZfwidgetsError

__all__ = ["Skipped", "words_of"]


def words_of(error: Exception) -> str:
    """What foreign code says went wrong, on one line without a full stop; its kind where it says nothing.

    Examples
    --------
    >>> words_of(OSError("disk is\\ngone.")), words_of(KeyError())
    ('disk is gone', 'KeyError')
    """
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__


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
        return cls(key, f"{key!r} cannot be read: {words_of(error)}.")
