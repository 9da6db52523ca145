"""Table 2: errors on ImageNet-2012 as facts, beside those of the embedded networks on what they know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zfwidgets.errors import DataError
from zfwidgets.figures.canvas import table_picture
from zfwidgets.figures.common import UNSEEN_SEED, answers, names_of, per_cent, some
from zfwidgets.figures.result import Claim, PaperFigure, Table

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.data import ImageSet
    from zfwidgets.network import Network

__all__ = ["PAPER", "Errors", "classification_errors", "recorded_claims", "table2"]

PAPER: tuple[tuple[str, float, float, float | None], ...] = (
    ("Krizhevsky et al., 1 network", 40.7, 18.2, None),
    ("the same, trained by the authors", 40.5, 18.1, None),
    ("network of Fig. 3", 38.4, 16.5, None),
    ("5 networks of Fig. 3", 36.7, 15.3, 15.3),
    ("1 with 512, 1024, 512 maps in 3-5", 37.5, 16.0, 16.1),
    ("all 6 together", 36.0, 14.7, 14.8),
)
"""ImageNet-2012, per cent: wrong on validation pictures, none of the best five right, the same on test pictures."""

_BEST = 5


@dataclass(frozen=True)
class Errors:
    """How many pictures a network gets wrong.

    Attributes
    ----------
    count : int
        Pictures asked about.
    wrong, missed : float
        Shares from 0 to 1: the most probable class is wrong; the right one is not among the best five.
    mistakes : tuple of str
        Keys of the pictures that are wrong.
    """

    count: int
    wrong: float
    missed: float
    mistakes: tuple[str, ...]


def classification_errors(net: Network, pictures: ImageSet) -> Errors:
    """A network's errors on pictures whose labels are its classes, one look at each, as it is seen (no crops).

    Raises
    ------
    DataError
        If there is a label that the network does not know.

    Examples
    --------
    >>> from zfwidgets.data import scenes
    >>> from zfwidgets.models import load_network
    >>> classification_errors(load_network("zfnet-scenes", device="cpu"), scenes(16, seed=3)).count
    16
    """
    labels = names_of(pictures)
    strange = sorted(set(labels) - set(net.classes))
    if strange:
        raise DataError(
            f"{net.name} has no class {strange[0]!r}; the pictures need a folder for each class, named like one of "
            f"{', '.join(net.classes[:4])} ..."
        )
    truth = np.array([net.classes.index(label) for label in labels])
    best = np.argsort(-answers(net, pictures), axis=1, kind="stable")[:, :_BEST]
    wrong, missed = best[:, 0] != truth, (best != truth[:, None]).all(1)
    mistakes = tuple(key for key, bad in zip(pictures, wrong, strict=True) if bad)
    return Errors(len(truth), float(wrong.mean()), float(missed.mean()), mistakes)


def table2(backend: Backend, effort: float = 1.0, pictures: ImageSet | None = None) -> PaperFigure:
    """The paper's rows, those of the embedded networks as their training recorded them, and one measured now.

    Parameters
    ----------
    backend : Backend
        Whose network is measured.
    effort : float
        1 looks at 2,000 scenes, less at a share of them.
    pictures : ImageSet, optional
        What it is measured on; scenes that no network has learnt from by default, if it knows their classes.
    """
    from zfwidgets.data import scenes
    from zfwidgets.models.registry import embedded_manifest

    net = backend.network
    pictures = scenes(some(2000, effort, 64), seed=UNSEEN_SEED) if pictures is None else pictures
    found = classification_errors(net, pictures) if set(names_of(pictures)) <= set(net.classes) else None
    rows = [(name, *(_number(value) for value in values)) for name, *values in PAPER]
    rows += [
        (f"{name}, recorded", f"{100 * (1 - entry['accuracy']):.1f}", "-", "-")
        for name, entry in embedded_manifest().items()
    ]
    if found is not None:
        words = f"{net.name}, {found.count:,} pictures now"
        rows.append((words, f"{100 * found.wrong:.1f}", f"{100 * found.missed:.1f}", "-"))
    table = Table(("errors in per cent", "wrong", "not in best 5", "test, best 5"), tuple(rows))
    return PaperFigure(
        "Table 2: classification errors",
        "One network of Fig. 3 is wrong in 38.4 % of the validation pictures of ImageNet-2012, and in 16.5 % the right "
        "class is not among its best five; Krizhevsky's, trained alike, in 40.5 and 18.1 %; six networks together in "
        "36.0 and 14.7 % (14.8 % of the test pictures).",
        "The embedded networks are small and know 16 and 40 classes: their errors say how good they are, and nothing "
        "about the paper's.",
        (_first_layer(), *_OF_IMAGENET, *recorded_claims(net.name, found)),
        table_picture(table),
        table,
    )


_OF_IMAGENET = (
    Claim(
        "several such networks together are better than one",
        "not measured: it takes several networks trained alike, and none are stored",
        None,
        f"best-5 error {PAPER[5][2]} % with six, {PAPER[2][2]} % with one",
    ),
    Claim(
        "the network of Fig. 3 is the best single one on ImageNet-2012",
        "not measured: it takes ImageNet",
        None,
        f"{PAPER[2][1]} % against {PAPER[1][1]} %",
    ),
)


def _first_layer() -> Claim:
    from zfwidgets.training.studies import choice_errors

    errors = choice_errors()
    ours, theirs = (
        ", ".join(f"{100 * error:.1f}" for name, error in errors.items() if name.startswith(size))
        for size in ("7x7", "11x11")
    )
    return Claim(
        "7x7 filters in steps of 2 classify better than 11x11 in steps of 4",
        f"validation errors {ours} against {theirs} % on scenes, with and without clipping; not told apart from chance",
        None,
        f"{PAPER[2][1]} against {PAPER[1][1]} %",
        "Stored study (`zfwidgets study fig6`): one seed of each network; another may give another order.",
    )


def recorded_claims(name: str, found: Errors | None) -> tuple[Claim, ...]:
    """An embedded network's errors beside those its training recorded; nothing of other networks.

    They agree up to three standard errors of a count.
    """
    from zfwidgets.models.registry import embedded_manifest

    entry = embedded_manifest().get(name)
    if entry is None:
        return ()
    wrong = 1 - entry["accuracy"]
    says = "an embedded network is as good as its training recorded (to know what was measured with)"
    recorded = f"recorded {per_cent(wrong)} of {entry['accuracy_of']}"
    if found is None:
        return (Claim(says, f"{name}: {recorded}", None),)
    spread = np.sqrt(max(wrong * (1 - wrong), 1 / found.count) / found.count)
    now = f"{name} is wrong in {per_cent(found.wrong)} of {found.count:,} pictures, and misses {per_cent(found.missed)}"
    return (Claim(says, f"{now} with its best five; {recorded}", abs(found.wrong - wrong) <= 3 * spread),)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
