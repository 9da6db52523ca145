"""Slow twins of intervals: ends found by trying, counts counted one by one."""

from __future__ import annotations

from collections.abc import Sequence

STUDENT = {3: 4.302653, 5: 2.776445, 8: 2.364624, 16: 2.131450, 48: 2.011741}
"""Number of values to the quantile that 2.5 % of Student's distribution lie above, from a table of statistics."""
_NORMAL = 1.959964


def slow_mean(values: Sequence[float]) -> tuple[float, float]:
    """Ends of the interval of a mean: the means at which Hall's statistic reaches Student's quantile."""
    count = len(values)
    mean = sum(values) / count
    second, third = (sum((value - mean) ** power for value in values) / count for power in (2, 3))
    skewness, error = third / second**1.5, (second * count / (count - 1)) ** 0.5

    def statistic(tried: float) -> float:
        away = (mean - tried) / error
        return float(away + skewness / 3 * away**2 + skewness**2 / 27 * away**3 + skewness / (6 * count))

    ends = []
    for aim in (STUDENT[count] / count**0.5, -STUDENT[count] / count**0.5):
        low, high = mean - 1000 * error, mean + 1000 * error
        for _ in range(200):  # the statistic falls where the mean that is tried rises
            middle = (low + high) / 2
            low, high = (middle, high) if statistic(middle) > aim else (low, middle)
        ends.append(low)
    return ends[0], ends[1]


def slow_gain(hits: Sequence[bool], others: Sequence[bool]) -> tuple[float, float]:
    """Ends of the interval of a difference of shares, with two pictures more: one that only each of the two hits."""
    pairs = [*zip(hits, others, strict=True), (True, False), (False, True)]
    apart = [int(one) - int(other) for one, other in pairs]
    mean = sum(apart) / len(apart)
    variance = sum((value - mean) ** 2 for value in apart) / len(apart)
    half = _NORMAL * (variance / len(apart)) ** 0.5
    return max(mean - half, -1.0), min(mean + half, 1.0)
