"""A linear classifier by the products of features: the same answer as by the features, which are far more numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import ParameterError

__all__ = ["CLASSIFIERS", "predicted", "require_sklearn"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSIFIERS = ("svm", "softmax")
STRENGTH = {"svm": 10.0, "softmax": 10.0}
"""C of scikit-learn, for features whose mean square distance from their mean is 1; chosen on other pictures than those
that claims are measured on."""
_NOTHING = 1e-10
"""Features that vary by a smaller share of their square are constant: what is left is rounding."""
_FLAT = 1e-7
"""Directions in which features vary by a smaller share than in the first one are rounding."""


def require_sklearn() -> None:
    """Say so, in one sentence, where scikit-learn is missing."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise ParameterError("Probes need scikit-learn; install it with: pip install 'zfwidgets[probe]'.") from error


def predicted(products: Floats, train: Ints, test: Ints, labels: Ints, classifier: str) -> Ints:
    """Classes of the test pictures.

    The features of the training pictures are centred and divided by one number, their root mean square distance from
    the mean, so that the strength of the penalty means the same at every layer. A linear classifier with a penalty on
    its length depends on products alone, and its bias makes centring free.

    Parameters
    ----------
    products : ndarray
        (N, N) products of the features of all pictures.
    train, test : ndarray
        Places of the training and of the test pictures.
    labels : ndarray
        Classes of the training pictures.
    classifier : {"svm", "softmax"}
        One linear SVM for each pair of classes, or one multinomial logistic regression.

    Returns
    -------
    ndarray
        (test,)

    Examples
    --------
    >>> features = np.array([[0.0], [1.0], [0.2], [0.9]])
    >>> places = np.arange(4)
    >>> predicted(features @ features.T, places[:2], places[2:], np.array([0, 1]), "svm")
    array([0, 1])
    """
    inside, across = products[np.ix_(train, train)], products[np.ix_(test, train)]
    mean, size = inside.mean(0), inside.mean()
    across = across - across.mean(1, keepdims=True) - mean + size
    square = float(np.diagonal(inside).mean())
    inside = inside - mean - mean[:, None] + size
    spread = float(np.diagonal(inside).mean())
    if spread <= _NOTHING * max(square, np.finfo(float).tiny):
        return np.full(len(test), labels.min())  # all are the same: one class is as good as another
    fit = _svm if classifier == "svm" else _softmax
    return np.asarray(fit(inside / spread, across / spread, labels), np.int64)


def _svm(inside: Floats, across: Floats, labels: Ints) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="precomputed", C=STRENGTH["svm"]).fit(inside, labels).predict(across)


def _softmax(inside: Floats, across: Floats, labels: Ints) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Coordinates with these products: as many as there are training pictures, and the same classifier.
    lengths, axes = np.linalg.eigh(inside)
    kept = lengths > _FLAT * lengths[-1]
    roots, axes = np.sqrt(lengths[kept]), axes[:, kept]
    model = LogisticRegression(C=STRENGTH["softmax"], max_iter=10_000)
    return model.fit(axes * roots, labels).predict(across @ axes / roots)
