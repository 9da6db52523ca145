"""The slow twin of probes: one picture at a time, every feature written out, one fold after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import Tensor, nn

__all__ = ["slow_accuracy_difference", "slow_deal", "slow_probe"]


def slow_deal(labels: Sequence[str], folds: int, seed: int) -> list[tuple[dict[str, list[int]], list[int]]]:
    """For each fold the places of each class's training pictures, and the places left out."""
    generator = np.random.default_rng(seed)
    parts: dict[str, list[list[int]]] = {}
    for name in sorted(set(labels)):
        mixed = [int(place) for place in generator.permutation([p for p, label in enumerate(labels) if label == name])]
        short, longer = divmod(len(mixed), folds)
        parts[name] = []
        for number in range(folds):
            size = short + (number < longer)
            parts[name].append(mixed[:size])
            mixed = mixed[size:]
    dealt = []
    for out in range(folds):
        following = [(out + step) % folds for step in range(1, folds)] or [0]
        kept = {name: [place for part in following for place in cut[part]] for name, cut in parts.items()}
        dealt.append((kept, [place for cut in parts.values() for place in cut[out]]))
    return dealt


def slow_probe(
    module: nn.Sequential,
    depth: int,
    train: tuple[Tensor, Sequence[str]],
    test: tuple[Tensor, Sequence[str]] | None,
    classifier: str,
    per_class: int,
    folds: int,
    seed: int,
    strength: float,
) -> list[list[list[int]]]:
    """For each fold the table of true and found classes."""
    classes = sorted(set(train[1]))
    tables = []
    for kept, out in slow_deal(train[1], folds, seed):
        chosen = [place for name in classes for place in kept[name][:per_class]]
        features = np.array([_features(module, depth, train[0][place]) for place in chosen])
        labels = [train[1][place] for place in chosen]
        asked = [(train[0][place], train[1][place]) for place in out] if test is None else list(zip(*test, strict=True))
        found = _answers(
            features, labels, np.array([_features(module, depth, one) for one, _ in asked]), classifier, strength
        )
        table = [[0] * len(classes) for _ in classes]
        for (_, true), answer in zip(asked, found, strict=True):
            table[classes.index(true)][classes.index(answer)] += 1
        tables.append(table)
    return tables


def _features(module: nn.Sequential, depth: int, picture: Tensor) -> list[float]:
    with torch.no_grad():
        return [float(value) for value in module[:depth](picture[None]).flatten()]


def _answers(features: np.ndarray, labels: list[str], asked: np.ndarray, classifier: str, strength: float) -> list[str]:
    mean = features.mean(0)
    away = np.sqrt(np.mean([np.sum((one - mean) ** 2) for one in features]))
    if away <= 1e-6 * np.sqrt(np.mean([np.sum(one**2) for one in features])):
        return [min(labels)] * len(asked)
    model = SVC(kernel="linear", C=strength) if classifier == "svm" else LogisticRegression(C=strength, max_iter=10_000)
    return [str(name) for name in model.fit((features - mean) / away, labels).predict((asked - mean) / away)]


def slow_accuracy_difference(
    mine: Sequence[Sequence[Sequence[int]]], theirs: Sequence[Sequence[Sequence[int]]]
) -> tuple[float, float]:
    """Mean over folds of the second's accuracy minus the first's, and its standard error: tables as `slow_probe` makes.

    Two of F folds share training pictures: as if their differences were correlated by the share that is tested, 1 / F.
    """
    apart = []
    for one, other in zip(mine, theirs, strict=True):
        accuracies = [
            sum(row[place] / sum(row) for place, row in enumerate(table)) / len(table) for table in (one, other)
        ]
        apart.append(accuracies[1] - accuracies[0])
    folds = len(apart)
    mean = sum(apart) / folds
    variance = sum((value - mean) ** 2 for value in apart) / (folds - 1)
    shared = 1 / folds
    return mean, (variance * (1 / folds + shared / (1 - shared))) ** 0.5
