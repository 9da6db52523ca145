"""What several figures need: fewer pictures for a quick look, words of numbers, a network's answers to a set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zfwidgets.data import ImageSet
    from zfwidgets.methods.intervals import Estimate
    from zfwidgets.methods.telling import Difference
    from zfwidgets.network import Network

__all__ = [
    "UNSEEN_SEED",
    "answers",
    "beyond",
    "every",
    "ladder",
    "listed",
    "names_of",
    "per_cent",
    "rises",
    "some",
    "spanned",
]

_BATCH = 64
UNSEEN_SEED = 3
"""Of scenes that no network was trained or tuned on."""


def some(most: int, effort: float, least: int = 4) -> int:
    """How many of a set to look at: all of them at an effort of 1, a share of them below.

    Examples
    --------
    >>> some(500, 1.0), some(500, 0.1), some(500, 0.001)
    (500, 50, 4)
    """
    return max(min(least, most), round(most * min(effort, 1.0)))


def per_cent(share: float, digits: int = 1) -> str:
    """A share as words.

    Examples
    --------
    >>> per_cent(0.1234), per_cent(0.5, 0)
    ('12.3 %', '50 %')
    """
    return f"{100 * share:.{digits}f} %"


def listed(values: Sequence[float], digits: int = 2) -> str:
    """Numbers as words.

    Examples
    --------
    >>> listed([0.5, 0.25])
    '0.50, 0.25'
    """
    return ", ".join(f"{value:.{digits}f}" for value in values)


def ladder(values: Sequence[float], digits: int = 2) -> str:
    """Numbers that should rise, each beside the one before as it is.

    Examples
    --------
    >>> ladder([0.25, 0.5, 0.4, 0.4])
    '0.25 < 0.50 > 0.40 = 0.40'
    """
    words = [f"{value:.{digits}f}" for value in values]
    for place, (low, high) in enumerate(pairwise(values), 1):
        words[place] = f"{'<' if low < high else '>' if low > high else '='} {words[place]}"
    return " ".join(words)


def rises(values: Sequence[float]) -> bool:
    """Whether each number is larger than the one before.

    Examples
    --------
    >>> rises([1, 2, 3]), rises([1, 1])
    (True, False)
    """
    return all(low < high for low, high in pairwise(values))


def spanned(found: Difference) -> str:
    """A difference and its interval as words.

    Examples
    --------
    >>> from zfwidgets.methods.telling import Difference
    >>> spanned(Difference(0.25, 0.125, 0.375))
    '0.25 (0.12 to 0.38)'
    """
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def beyond(one: Estimate | Difference, other: Estimate | float) -> bool | None:
    """Whether a number is larger than another; None where their intervals meet, so that more pictures have to tell.

    Examples
    --------
    >>> from zfwidgets.methods.intervals import Estimate
    >>> half = Estimate(0.5, 0.4, 0.6)
    >>> beyond(half, 0.3), beyond(half, Estimate(0.7, 0.6, 0.8)), beyond(half, 0.7)
    (True, None, False)
    """
    low, high = (other, other) if isinstance(other, float) else (other.low, other.high)
    return True if one.low > high else False if one.high < low else None


def climbs(found: Sequence[Estimate]) -> bool | None:
    """Whether numbers climb: each above the one before, and the last one surely above the first.

    False where one is surely below the one before, or the last one below the first; else None.

    Examples
    --------
    >>> from zfwidgets.methods.intervals import Estimate
    >>> low, more, high = (Estimate(value, value - 0.1, value + 0.1) for value in (0.2, 0.25, 0.7))
    >>> climbs([low, more, high]), climbs([more, low, high]), climbs([low, more]), climbs([low, high, more])
    (True, None, None, False)
    """
    up = all(before.value < now.value for before, now in pairwise(found))
    down = any(beyond(now, before) is False for before, now in pairwise(found))
    return every([beyond(found[-1], found[0]), False if down else up or None])


def every(verdicts: Iterable[bool | None]) -> bool | None:
    """Whether all of them are so; None where it is open of one and none is not so.

    Examples
    --------
    >>> every([True, True]), every([True, None]), every([None, False])
    (True, None, False)
    """
    found = set(verdicts)
    return False if False in found else None if None in found else True


def names_of(pictures: ImageSet) -> list[str]:
    """The labels of a set; "" where there is none."""
    return [pictures.label(key) or "" for key in pictures]


def answers(net: Network, pictures: ImageSet) -> NDArray[np.float32]:
    """Logits (N, K) of all pictures of a set, a batch at a time."""
    import torch

    keys = list(pictures)
    batches = (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))
    found = [net(torch.stack([net.input(pictures[key]) for key in batch])).cpu().numpy() for batch in batches]
    return np.concatenate(found).astype(np.float32)
