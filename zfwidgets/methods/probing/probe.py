"""The probe: features of every layer, a classifier on each, and how many pictures of each class it recognises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zfwidgets.errors import Cancelled, DataError, ParameterError, unknown_name
from zfwidgets.methods.options import checked_layers, checked_seed
from zfwidgets.methods.probing.classifiers import CLASSIFIERS, predicted, require_sklearn
from zfwidgets.methods.probing.features import Features, extract, groups, kept_in
from zfwidgets.methods.probing.folds import Fold, folds_of, room, sizes_of
from zfwidgets.methods.probing.labelled import Labelled, check_apart, check_other, labelled
from zfwidgets.methods.probing.layers import default_layers
from zfwidgets.methods.probing.result import Probe
from zfwidgets.network import Network, checked_network
from zfwidgets.network.windows import whole_number

__all__ = ["feature_probe"]

Ints = NDArray[np.int64]


def feature_probe(
    net: Network,
    train: Any,
    test: Any = None,
    layers: Sequence[str] | None = None,
    classifier: str = "svm",
    per_class: int | Iterable[int] | None = None,
    folds: int = 5,
    pool: int | None = None,
    seed: int = 0,
    cache: Any = None,
    *,
    on_partial: Callable[[Probe], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    batch_size: int | None = None,
) -> Probe:
    """Train a linear classifier on each layer's features: how much do they say about classes? (Section 5, Table 7.)

    The network stays as it is. Training pictures are shuffled and cut into as many parts as there are folds; each fold
    leaves one part out and takes the first ``per_class`` of every class from the others. It is tested on all of
    ``test``, or without that on the part left out. Accuracy is the mean over classes, as in the paper.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    train, test : ImageSet, or (pictures, labels)
        A set with labels, or pictures and a label for each. Tensors (3, H, W) are model inputs. Without ``test`` it is
        a cross-validation.
    layers : sequence of str, optional
        The paper's by default: a convolution counts with the pool that comes after it; without the class scores.
    classifier : {"svm", "softmax"}
        Linear SVMs, or one multinomial logistic regression.
    per_class : int or iterable of int, optional
        Numbers of training pictures of each class (Fig. 9); by default all that every fold has, and a half, a quarter
        and an eighth of it.
    folds : int
        At most as many as the smallest class has pictures. 1, with ``test``, trains on all.
    pool : int, optional
        Average maps over a grid of pool x pool places; by default every cell is a feature, as in the paper.
    seed : int
        Of the shuffling.
    cache : dict or path, optional
        Where features are kept, by the content of weights and pictures: in memory, or in a folder.
    on_partial : callable, optional
        Is given a partial result whenever a layer is done.
    cancelled : callable, optional
        Asked between batches and between fits; True raises `Cancelled`.
    batch_size : int, optional
        The most pictures in one forward pass, for scarce memory.

    Returns
    -------
    Probe

    Raises
    ------
    DataError
        For labels that are missing, fewer than two classes, too few pictures of one, or if all test pictures are among
        the training pictures; of some a `RuntimeWarning` tells.
    ParameterError, UnknownNameError
        For numbers, sizes or names that cannot be, or without scikit-learn (``pip install 'zfwidgets[probe]'``).
    NetworkError
        If the network cannot be traced, or a layer gives NaN or infinite values.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> pictures = torch.cat([torch.zeros(4, 3, 16, 16), torch.ones(4, 3, 16, 16)])
    >>> q = feature_probe(net, (pictures, ["night"] * 4 + ["day"] * 4), folds=2)
    >>> q.layers, q.per_class, str(q.score("conv1"))
    (('conv1',), (1, 2), '100.0 +- 0.0')
    """
    checked_network(net).traced()
    require_sklearn()
    names = default_layers(net)
    if layers is not None:
        names = tuple(dict.fromkeys(net.layers[name].name for name in checked_layers(net, layers)))
    if classifier not in CLASSIFIERS:
        raise unknown_name("classifier", classifier, CLASSIFIERS)
    pool = pool if pool is None else whole_number("pool", pool, None)
    folds = whole_number("The number of folds", folds, None)
    seed = checked_seed(seed)
    learnt = labelled(train, "training", noted=test is not None)
    asked = None if test is None else labelled(test, "test", noted=True)
    classes = _classes(learnt, asked)
    most = _room(learnt, classes, folds, asked is not None)
    sizes = sizes_of(per_class, most, folds)
    numbers = _numbered(learnt, classes)
    dealt = folds_of(numbers, None if asked is None else len(asked), folds, seed)
    truth = numbers if asked is None else _numbered(asked, classes)
    if asked is not None:
        check_other(learnt, asked)
        _check_sizes(learnt.shape(net), asked.shape(net))
    kept, stop = kept_in(cache), cancelled or (lambda: False)
    count = len(learnt) + (0 if asked is None else len(asked))
    confusion: dict[str, Ints] = {}

    def so_far() -> Probe:
        return Probe(names, classes, sizes, folds, classifier, pool, dict(confusion), asked is not None)

    for group in groups(net, names, count, pool):
        sets = [one for one in (learnt, asked) if one is not None]
        features = [extract(net, one, group, pool, kept, stop, batch_size) for one in sets]
        if asked is not None and not confusion:
            check_apart(learnt, asked)
        for layer in group:
            products = _products([found.pop(layer) for found in features])
            confusion[layer] = _confusion(products, dealt, sizes, numbers, truth, len(classes), classifier, stop)
            if on_partial is not None and len(confusion) < len(names):
                on_partial(so_far())
    return so_far()


def _classes(learnt: Labelled, asked: Labelled | None) -> tuple[str, ...]:
    classes = tuple(sorted(set(learnt.labels)))
    if len(classes) < 2:
        raise DataError(f"All training pictures are of the class {classes[0]!r}; give pictures of at least two.")
    strange = sorted(set(asked.labels) - set(classes)) if asked is not None else []
    if strange:
        raise DataError(f"The test pictures are also of the class {strange[0]!r}, which has no training picture.")
    return classes


def _check_sizes(learnt: tuple[int, ...], asked: tuple[int, ...]) -> None:
    if learnt != asked:
        raise ParameterError(
            f"Model inputs of one probe must have one size: found {learnt} for training, and {asked} for test."
        )


def _room(learnt: Labelled, classes: tuple[str, ...], folds: int, tested: bool) -> int:
    """The most training pictures of each class, or the error that says which class is too small."""
    counts = [learnt.labels.count(name) for name in classes]
    smallest = classes[int(np.argmin(counts))]
    if folds == 1 and not tested:
        raise ParameterError("One fold leaves no picture to test on; ask for at least two, or give test pictures.")
    if min(counts) < folds:
        found = f"{min(counts)} training picture{'' if min(counts) == 1 else 's'}"
        fewer = f"folds={min(counts)}" if min(counts) > 1 else "folds=1 with test pictures"
        raise DataError(f"The class {smallest!r} has {found}, too few for {folds} folds; give more, or try {fewer}.")
    return room(counts, folds)


def _numbered(pictures: Labelled, classes: tuple[str, ...]) -> Ints:
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place[label] for label in pictures.labels], np.int64)


def _products(parts: Sequence[Features]) -> NDArray[np.float64]:
    """(N, N) of the features of all pictures; where their mean lies and how large they are makes no difference."""
    features = np.concatenate(parts) if len(parts) > 1 else parts[0].copy()
    features /= max(float(np.abs(features).max()), float(np.finfo(np.float32).tiny))
    features -= features.mean(0, dtype=np.float64).astype(np.float32)
    return np.asarray(features @ features.T, np.float64)


def _confusion(
    products: NDArray[np.float64],
    dealt: Sequence[Fold],
    sizes: Sequence[int],
    numbers: Ints,
    truth: Ints,
    classes: int,
    classifier: str,
    cancelled: Callable[[], bool],
) -> Ints:
    found = np.zeros((len(sizes), len(dealt), classes, classes), np.int64)
    beyond = len(products) - len(truth)  # test pictures come after the training pictures, if they are others
    for row, size in enumerate(sizes):
        for column, fold in enumerate(dealt):
            if cancelled():
                raise Cancelled("The probe was cancelled.")
            train = fold.train(size)
            answers = predicted(products, train, fold.test + beyond, numbers[train], classifier)
            np.add.at(found[row, column], (truth[fold.test], answers), 1)
    return found
