"""Two probes of the same pictures, of two networks or of one: is one more accurate? Needs no torch."""

from __future__ import annotations

import math

from zfwidgets.errors import ParameterError
from zfwidgets.methods.probing.result import Probe
from zfwidgets.methods.telling import Difference, check_level, student_factor

__all__ = ["accuracy_difference"]


def accuracy_difference(
    mine: Probe,
    theirs: Probe,
    layers: tuple[str, str],
    per_class: int | tuple[int, int] | None = None,
    level: float = 0.95,
) -> Difference:
    """Accuracy of one network's features minus that of another's, fold by fold on the same pictures.

    Every fold trains and tests both classifiers on the same pictures, so that what makes a fold easy for both drops
    out. The interval is Student's over folds, widened for what their training pictures share (Nadeau and Bengio 2003,
    "Inference for the generalization error": the variance times 1/F + 1/(F - 1) in place of 1/F).

    Parameters
    ----------
    mine, theirs : Probe
        Cross-validations of the same pictures and labels in the same order, with the same seed. Folds that share a
        test set are refused: they say how much a training differs from the next, and not how sure its test is.
    layers : (str, str)
        Of the first and of the second network.
    per_class : int or (int, int), optional
        Training pictures of each class, for both or for the first and the second; the most by default.
    level : float
        Of the interval, between 0 and 1.

    Returns
    -------
    Difference
        `theirs` minus `mine`, as a share.

    Raises
    ------
    ParameterError
        If the two were not trained and tested on the same pictures by the same classifier, or were tested on a test
        set.
    UnknownNameError
        For a layer that is not known.

    Examples
    --------
    >>> import numpy as np
    >>> tables = np.array([[[[3, 1], [1, 3]], [[3, 1], [2, 2]]]]), np.array([[[[4, 0], [0, 4]], [[4, 0], [1, 3]]]])
    >>> mine, theirs = (Probe((n,), ("a", "b"), (4,), 2, "svm", None, {n: t}) for n, t in zip(("x", "y"), tables))
    >>> accuracy_difference(mine, theirs, ("x", "y"))
    Difference(value=0.25, low=0.25, high=0.25)
    """
    check_level(level)
    if mine.test_set or theirs.test_set:
        raise ParameterError(
            "Two probes are compared over folds that are each tested on other pictures, and these were tested on one "
            "test set; probe both networks without it, in cross-validation."
        )
    facts = [(one.classes, one.per_class, one.folds, one.classifier) for one in (mine, theirs)]
    first, second = mine.accuracy(layers[0]), theirs.accuracy(layers[1])  # unknown layers are named here
    tested = [one.confusion[layer].sum(-1) for one, layer in zip((mine, theirs), layers, strict=True)]
    if facts[0] != facts[1] or tested[0].shape != tested[1].shape or (tested[0] != tested[1]).any():
        raise ParameterError(
            "Two probes are compared fold by fold, and these have other pictures, classes, folds or classifiers; probe "
            "both networks with the same ones."
        )
    numbers = per_class if isinstance(per_class, tuple) else (per_class, per_class)
    apart = second[mine.place(numbers[1])] - first[mine.place(numbers[0])]
    value, folds = float(apart.mean()), len(apart)
    spread = float(apart.std(ddof=1)) * math.sqrt(1 / folds + 1 / (folds - 1))
    reach = student_factor(folds - 1, level) * spread
    return Difference(value, value - reach, value + reach)
