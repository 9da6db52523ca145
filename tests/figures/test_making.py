"""Figures of the paper, made small: each has a picture, a claim of the paper and verdicts."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import zfwidgets as zf
from zfwidgets.errors import DataError, ParameterError, UnknownNameError
from zfwidgets.figures import NAMES, Claim, PaperFigure, make, names_asked
from zfwidgets.figures.canvas import WIDTH
from zfwidgets.figures.common import beyond
from zfwidgets.figures.fig2 import purity_claims
from zfwidgets.figures.fig4 import evolution_claims
from zfwidgets.figures.fig5 import invariance_claims
from zfwidgets.figures.fig9 import few_claims
from zfwidgets.figures.making import names_to_make
from zfwidgets.figures.table1 import _paper, _spread, order_claim
from zfwidgets.figures.table2 import PAPER, classification_errors
from zfwidgets.methods.correspondence import Correspondence
from zfwidgets.methods.evolution.embedded import embedded_evolution
from zfwidgets.methods.intervals import Estimate
from zfwidgets.methods.probing import Probe
from zfwidgets.training.studies import stored_choices


@pytest.fixture(scope="module")
def backend() -> Iterator[zf.Backend]:
    with zf.Backend("zfnet-scenes", device="cpu") as backend:
        yield backend


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_picture_a_claim_and_a_verdict(name: str, backend: zf.Backend) -> None:
    made = make(name, backend, effort=0.02)
    assert isinstance(made, PaperFigure)
    number = {"fig": "Fig. ", "table": "Table ", "tables": "Tables "}[name.rstrip("0123456789to")]
    assert made.title.startswith(number + name.lstrip("figtables")[0])
    assert made.paper and made.ours and made.claims
    assert made.picture.dtype == np.uint8 and made.picture.shape[1:] == (WIDTH, 3)
    assert np.unique(made.picture).size > 2
    assert made.png()[:4] == b"\x89PNG" == made._repr_png_()[:4]
    assert all(f"{claim.verdict}: {claim.words}" in str(made) for claim in made.claims)
    if made.table is not None:
        assert {len(row) for row in made.table.rows} == {len(made.table.head)}


def test_a_figure_is_the_same_each_time(backend: zf.Backend) -> None:
    assert make("fig9", backend, effort=0.02).png() == make("fig9", backend, effort=0.02).png()


def test_names_are_checked_and_tables_4_to_7_are_one() -> None:
    assert names_asked(None) == NAMES
    with pytest.raises(UnknownNameError, match=r"figure 'fig99'.*fig9"):
        names_asked(["fig99"])


def test_without_scikit_learn_probes_are_left_out_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names_to_make(None) == NAMES
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert names_to_make(None) == tuple(name for name in NAMES if name not in ("fig9", "tables4to7"))
    with pytest.raises(ParameterError, match="Probes need scikit-learn"):
        names_to_make(["fig1", "table6"])


@pytest.mark.parametrize("effort", [0, -1, float("nan"), True, "much"])
def test_an_effort_is_a_number_above_0(effort: object, backend: zf.Backend) -> None:
    with pytest.raises(ParameterError, match="effort is a number above 0"):
        make("table2", backend, effort)  # type: ignore[arg-type]


def test_errors_are_counted_picture_by_picture(backend: zf.Backend) -> None:
    pictures = zf.scenes(48, seed=3)
    mislabelled = zf.ImageSet.from_list(
        [pictures[key] for key in pictures],
        ["key" if place % 4 == 0 else pictures.label(key) for place, key in enumerate(pictures)],
    )
    found = classification_errors(backend.network, mislabelled)
    wrong, missed = [], []
    for key in mislabelled:
        scores = zf.record(backend.network, mislabelled[key]).logits[0]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        names = [backend.network.classes[place] for place in order]
        wrong.append(names[0] != mislabelled.label(key))
        missed.append(mislabelled.label(key) not in names[:5])
    assert found.count == 48 and found.wrong == np.mean(wrong) > 0 and found.missed == np.mean(missed)
    assert list(found.mistakes) == [key for key, bad in zip(mislabelled, wrong, strict=True) if bad]


def test_labels_of_other_classes_are_one_sentence(backend: zf.Backend) -> None:
    with pytest.raises(DataError, match="zfnet-scenes has no class 'bicycle'"):
        classification_errors(backend.network, zf.unseen_scenes(10))


def test_table_2_quotes_the_paper_and_what_training_recorded(backend: zf.Backend) -> None:
    table = make("table2", backend, effort=0.02).table
    assert table is not None
    cells = {row[0]: row[1:] for row in table.rows}
    assert cells["network of Fig. 3"] == ("38.4", "16.5", "-")
    assert [row[1] for row in table.rows][: len(PAPER)] == ["40.7", "40.5", "38.4", "36.7", "37.5", "36.0"]
    recorded = 1 - zf.models.registry.embedded_manifest()["zfnet-photos"]["accuracy"]
    assert cells["zfnet-photos, recorded"][0] == f"{100 * recorded:.1f}"


def test_an_order_that_the_pictures_leave_open_is_no_agreement() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(scale=0.01, size=(4, 8, 8))

    def order(*deltas: float) -> Claim:
        shares = np.array(deltas)[:, None, None] + (noise + noise.transpose(0, 2, 1)) + np.where(np.eye(8), np.nan, 0)
        squares, seen = np.zeros((8, 4, 2), np.int64), np.zeros((8, 4, 4, 3), np.uint8)
        parts = ("left eye", "right eye", "nose", "random")
        d = Correspondence(("a",), parts, {"a": shares.astype(np.float32)}, squares, 4, None, seen, 8)
        return order_claim("at a layer", d, "a")

    assert order(0.30, 0.30, 0.35, 0.40).agrees is True
    assert order(0.30, 0.345, 0.35, 0.40).agrees is None  # the right eye and the nose
    assert order(0.30, 0.35, 0.30, 0.40).agrees is False
    # The paper: 0.067 of 0.107 at layer 5, 0.068 of 0.073 at layer 7.
    assert [round(_spread(_paper(layer)), 2) for layer in (0, 1)] == [0.37, 0.07]


def test_a_gain_that_too_few_pictures_tell_is_no_verdict() -> None:
    above, around, below = Estimate(0.2, 0.1, 0.3), Estimate(0.1, 0.0, 0.2), Estimate(-0.2, -0.3, -0.1)
    assert [beyond(gain, 0.0) for gain in (above, around, below)] == [True, None, False]
    assert [beyond(above, gain) for gain in (above, around, below)] == [None, None, True]
    assert beyond(below, around) is False


def test_an_order_of_layers_within_their_intervals_is_open() -> None:
    def verdicts(*shares: float) -> list[bool | None]:
        pure = {f"conv{place}": Estimate(share, share - 0.05, share + 0.05) for place, share in enumerate(shares, 1)}
        return [claim.agrees for claim in purity_claims(pure, 2000, 16)]

    assert verdicts(0.3, 0.4, 0.7) == verdicts(0.3, 0.32, 0.7) == [True, True]
    assert verdicts(0.32, 0.3, 0.52) == [None, None]
    assert verdicts(0.3, 0.7, 0.5) == [False, None] and verdicts(0.7, 0.68, 0.3) == [False, False]
    assert verdicts(0.7) == [None, True]  # one layer is no order
    assert verdicts(0.3, math.nan) == [None, None]


def test_layers_that_settle_at_one_checkpoint_are_not_told_apart() -> None:
    evolution = embedded_evolution(zf.CheckpointSeries.embedded("zfnet-scenes"))
    assert evolution is not None

    def verdict(*epochs: int) -> bool | None:
        share = {
            name: replace(layer, similarity=np.array(evolution.epochs) >= epoch)
            for (name, layer), epoch in zip(evolution.layers.items(), epochs, strict=True)
        }
        return evolution_claims(replace(evolution, layers=share))[0].agrees

    assert verdict(1, 2, 5, 10, 20) is True
    assert verdict(1, 2, 2, 10, 20) is None
    assert verdict(1, 5, 2, 10, 20) is False


def test_half_way_that_is_not_reached_is_told(backend: zf.Backend) -> None:
    amounts = {"translate": [-4.0, 0.0, 4.0], "scale": [1.0, 1.4], "rotate": [0.0, 90.0]}
    picture = backend.picture("scene-7/00002")
    curves = {kind: zf.invariance_curves(backend.network, picture, kind, found) for kind, found in amounts.items()}
    assert "not reached" not in invariance_claims(curves)[0].found
    still = {"conv1": np.array([[1, 0, 1]], np.float32), "fc7": np.zeros((1, 3), np.float32)}
    sooner, straight, *_ = invariance_claims(curves | {"translate": replace(curves["translate"], distances=still)})
    assert "translate 4 and not reached pixels" in sooner.found
    assert straight.agrees is False


def test_filters_that_overlap_are_not_told_apart(backend: zf.Backend) -> None:
    networks = stored_choices()
    assert [claim.agrees for claim in make("fig6", backend, 0.2).claims] == [True, False, True, True, None, None]
    swapped = {
        name.replace("7x7", "?").replace("11x11", "7x7").replace("?", "11x11"): networks[name] for name in networks
    }
    verdicts = [claim.agrees for claim in make("fig6", backend, 0.2, networks=swapped).claims]
    assert verdicts == [True, False, True, False, None, None]


def test_more_pictures_are_better_where_the_folds_tell_it() -> None:
    def probe(*right: tuple[int, int, int]) -> Probe:
        """Of 100 pictures of each of two classes in three folds, so many right; one tuple for each number."""
        tables = np.array([[[[n, 100 - n], [100 - n, n]] for n in folds] for folds in right])
        return Probe(("a",), ("ant", "bee"), (1, 6, 24)[: len(right)], 3, "svm", None, {"a": tables})

    def verdicts(learnt: Probe, random: Probe) -> list[bool | None]:
        return [claim.agrees for claim in few_claims(learnt, random, "a")]

    rising = probe((60, 61, 62), (70, 71, 72), (80, 81, 82))
    low = probe((50, 51, 52), (50, 51, 52), (50, 51, 52))
    assert verdicts(rising, low) == [True, True, True]
    assert "2 of 2 steps up; 24 lead 1 by 0.20 (0.20 to 0.20)" in few_claims(rising, low, "a")[0].found
    # The mean rises from 60 to 70 %, and the folds do not agree on it; nor that it is above 60 %.
    mixed = probe((60, 60, 60), (64, 65, 66), (50, 70, 90))
    assert verdicts(mixed, low)[0] is None
    assert verdicts(mixed, probe(*[(60, 60, 60)] * 3)) == [None, None, True]
    down = probe((60, 61, 62), (58, 59, 60), (80, 81, 82))
    assert verdicts(down, low)[0] is None and verdicts(low, rising) == [None, False, False]
