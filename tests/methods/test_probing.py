"""Probes: the slow twin, folds, the cache, what is refused, and depth and learning on classes never taught."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from twins.probing import slow_accuracy_difference, slow_deal, slow_probe

from zfwidgets.data import UNSEEN, ImageSet, unseen_scenes
from zfwidgets.errors import Cancelled, DataError, NetworkError, ParameterError, UnknownNameError, ZfwidgetsError
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.probing import PAPER, Probe, accuracy_difference, feature_probe, paper
from zfwidgets.methods.probing.classifiers import STRENGTH, predicted
from zfwidgets.methods.probing.features import extract
from zfwidgets.methods.probing.folds import folds_of, room
from zfwidgets.methods.probing.labelled import labelled
from zfwidgets.models import load_network
from zfwidgets.network import Network

SIDE = 12
DEPTHS = {"conv1": 2, "conv2": 5, "fc3": 8}
"""Layers of the small network, and how many of its modules give them."""
NAMES = ("ant", "bee", "cow")


@pytest.fixture(scope="module")
def net() -> Network:
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(5 * 16, 7),
        nn.ReLU(),
        nn.Linear(7, 3),
    )
    return Network(module, preprocess=Preprocess(SIDE, SIDE, (0, 0, 0), (1, 1, 1)), device="cpu")


def noise(count: int, classes: int, seed: int) -> tuple[Tensor, list[str]]:
    """Pictures of noise, each a little lighter in the places of its class."""
    generator = torch.Generator().manual_seed(seed)
    labels = [place % classes for place in range(count)]
    pictures = torch.rand(count, 3, SIDE, SIDE, generator=generator)
    for picture, label in zip(pictures, labels, strict=True):
        picture[label % 3, :, :6] += 0.15
    return pictures, [NAMES[label] for label in labels]


@settings(max_examples=12)
@given(
    count=st.integers(8, 16),
    classes=st.integers(2, 3),
    tested=st.sampled_from([0, 5]),
    classifier=st.sampled_from(["svm", "softmax"]),
    folds=st.integers(1, 2),
    per_class=st.integers(1, 2),
    seed=st.integers(0, 9),
)
def test_it_is_its_slow_twin(
    net: Network, count: int, classes: int, tested: int, classifier: str, folds: int, per_class: int, seed: int
) -> None:
    folds = folds if tested else 2
    per_class = min(per_class, room([count // classes], folds))
    train, test = noise(count, classes, seed), noise(tested, classes, seed + 50) if tested else None
    q = feature_probe(net, train, test, list(DEPTHS), classifier, per_class, folds, seed=seed)
    for layer, depth in DEPTHS.items():
        slow = slow_probe(net.module, depth, train, test, classifier, per_class, folds, seed, STRENGTH[classifier])
        assert q.confusion[layer][0].tolist() == slow


@given(labels=st.lists(st.integers(0, 2), min_size=9, max_size=20), folds=st.integers(1, 3), seed=st.integers(0, 99))
def test_folds_are_dealt_like_the_twin(labels: list[int], folds: int, seed: int) -> None:
    labels = [0, 1, 2] * 3 + labels
    dealt = folds_of(np.array(labels), None, folds, seed)
    for fold, (kept, out) in zip(dealt, slow_deal([str(label) for label in labels], folds, seed), strict=True):
        assert [places.tolist() for places in fold.pool] == list(kept.values())
        assert fold.test.tolist() == out
        assert folds == 1 or not set(np.concatenate(fold.pool)) & set(fold.test)
    assert sorted(place for fold in dealt for place in fold.test) == list(range(len(labels)))


def test_features_are_the_layers_in_order_whatever_the_batch(net: Network) -> None:
    pictures = labelled(noise(7, 2, 1), "training")
    found = extract(net, pictures, ["conv2", "fc3"], batch_size=3)
    with torch.no_grad():
        for layer, depth in (("conv2", 5), ("fc3", 8)):
            expected = net.module[:depth](pictures.pictures)
            expected = (expected.permute(0, 2, 3, 1) if expected.dim() == 4 else expected).flatten(1).numpy()
            np.testing.assert_allclose(found[layer], expected, atol=1e-5)
        pooled = torch.nn.functional.adaptive_avg_pool2d(net.module[:5](pictures.pictures), 2)
    pooled = pooled.permute(0, 2, 3, 1).flatten(1)
    np.testing.assert_allclose(extract(net, pictures, ["conv2"], pool=2)["conv2"], pooled.numpy(), atol=1e-5)
    assert extract(net, pictures, ["fc3"], pool=2)["fc3"].shape == (7, 7)


def test_a_network_and_pictures_stay_as_they_were(net: Network) -> None:
    train = noise(8, 2, 3)
    before, weights = train[0].clone(), {name: value.clone() for name, value in net.module.state_dict().items()}
    net.module.train()
    feature_probe(net, train, folds=2)
    assert net.module.training and all(part.training for part in net.module.modules())
    net.module.eval()
    assert torch.equal(train[0], before)
    assert all(torch.equal(value, weights[name]) for name, value in net.module.state_dict().items())
    assert not any(part._forward_hooks for part in net.module.modules())


@pytest.mark.parametrize("cache", [None, {}])
def test_pictures_to_test_on_that_were_trained_on_are_said(net: Network, cache: Any) -> None:
    train, others = noise(8, 2, 3), noise(6, 2, 4)
    with pytest.raises(DataError, match="All test pictures are among the training pictures"):
        feature_probe(net, train, train, folds=2, cache=cache)
    with pytest.raises(DataError, match="All test pictures are among the training pictures"):
        feature_probe(net, train, (list(train[0].flip(0)), train[1][::-1]), folds=2, cache=cache)
    mixed = torch.cat([others[0], train[0][:2]]), others[1] + train[1][:2]
    with pytest.warns(RuntimeWarning, match=r"2 of 8 test pictures are among the training pictures \(6, for example\)"):
        feature_probe(net, train, mixed, folds=2, cache=cache, layers=["conv1", "fc3"])
    feature_probe(net, train, others, folds=2, cache=cache)


@pytest.mark.parametrize("kind", ["dict", "folder"])
def test_features_are_kept_by_content(net: Network, tmp_path: Path, kind: str, monkeypatch: Any) -> None:
    cache: Any = {} if kind == "dict" else tmp_path / "features"
    train = noise(8, 2, 3)
    first = feature_probe(net, train, folds=2, layers=["conv1", "fc3"], cache=cache)
    runs: list[int] = []
    graph = net.traced()
    run = type(graph).run
    monkeypatch.setattr(type(graph), "run", lambda *args, **options: (runs.append(1), run(*args, **options))[1])
    again = feature_probe(net, (train[0].clone(), train[1]), folds=2, layers=["fc3", "conv1"], cache=cache)
    assert not runs and again.confusion["conv1"].tolist() == first.confusion["conv1"].tolist()
    feature_probe(net, (train[0] + 0.01, train[1]), folds=2, layers=["fc3"], cache=cache)
    assert len(runs) == 1  # other pictures
    feature_probe(net, train, folds=2, layers=["conv1"], pool=2, cache=cache)
    assert len(runs) == 2  # other features
    with torch.no_grad():
        net.module[0].weight[0, 0, 0, 0] += 1
    try:
        feature_probe(net, train, folds=2, layers=["conv1"], cache=cache)
    finally:
        with torch.no_grad():
            net.module[0].weight[0, 0, 0, 0] -= 1
    assert len(runs) == 3  # other weights


def test_a_damaged_file_of_the_cache_is_made_again(net: Network, tmp_path: Path) -> None:
    train = noise(8, 2, 3)
    whole = feature_probe(net, train, folds=2, layers=["fc3"], cache=tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    good = file.read_bytes()
    for damaged in (good[:20], good[:-8], b""):
        file.write_bytes(damaged)
        q = feature_probe(net, train, folds=2, layers=["fc3"], cache=tmp_path)
        assert q.confusion["fc3"].tolist() == whole.confusion["fc3"].tolist() and file.read_bytes() == good


def test_partial_results_come_layer_by_layer(net: Network) -> None:
    seen: list[Probe] = []
    q = feature_probe(net, noise(8, 2, 3), folds=2, on_partial=seen.append)
    assert [one.known for one in seen] == [("pool1",), ("pool1", "conv2")]
    assert q.complete and not seen[0].complete and seen[0].layers == q.layers == ("pool1", "conv2", "fc3")
    with pytest.raises(Cancelled):
        feature_probe(net, noise(8, 2, 3), folds=2, cancelled=lambda: True)


def test_classes_count_the_same_however_many_pictures_they_have(net: Network) -> None:
    confusion = {"conv1": np.array([[[[90, 10], [10, 10]]]])}
    q = Probe(("conv1",), ("cat", "dog"), (4,), 1, "svm", None, confusion)
    assert q.score("conv1").mean == pytest.approx(0.7) and np.isnan(q.score("conv1").std)
    absent = Probe(("conv1",), ("cat", "dog"), (4,), 1, "svm", None, {"conv1": np.array([[[[3, 1], [0, 0]]]])})
    assert absent.score("conv1").mean == 0.75 and np.isnan(absent.recall("conv1")[0, 0, 1])


def test_spread_is_the_sample_deviation_over_folds() -> None:
    folds = [[[4, 0], [0, 4]], [[4, 0], [2, 2]], [[2, 2], [2, 2]]]
    q = Probe(("a",), ("x", "y"), (1,), 3, "svm", None, {"a": np.array([folds])})
    assert q.score("a") == pytest.approx((0.75, 0.25))
    assert str(q.score("a")) == "75.0 +- 25.0"


def test_the_paper_is_the_paper() -> None:
    rises = [PAPER["svm"][number] for number in range(1, 6)]
    assert rises == sorted(rises) and paper("svm", "pool1") == (0.448, 0.246)
    assert paper("softmax", "fc7") == (0.854, 0.726) and paper("softmax", "conv1") is None is paper("svm", "layer1.0")


@pytest.mark.parametrize("classifier", ["svm", "softmax"])
def test_constant_features_say_nothing(net: Network, classifier: str) -> None:
    same = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).expand(8, -1, -1, -1)
    q = feature_probe(net, (same, ["a", "b"] * 4), folds=2, classifier=classifier)
    assert all(q.score(layer).mean == q.chance == 0.5 for layer in q.layers)


def test_the_scale_of_features_does_not_matter() -> None:
    features = np.random.default_rng(0).normal(size=(30, 9)) + 100
    places, labels = np.arange(30), np.arange(20) % 2
    found = [
        predicted(scaled @ scaled.T, places[:20], places[20:], labels, classifier)
        for classifier in ("svm", "softmax")
        for scaled in (features, 1e3 * features)
    ]
    assert found[0].tolist() == found[1].tolist() and found[2].tolist() == found[3].tolist()


def _set(labels: list[str | None]) -> ImageSet:
    return ImageSet.from_arrays(np.zeros((len(labels), 8, 8, 3), np.uint8), labels)


@pytest.mark.parametrize(
    ("train", "options", "kind", "words"),
    [
        (_set(["a", None, "b"]), {}, DataError, "'image/00001' has no label \\(1 in all"),
        ((torch.zeros(2, 3, SIDE, SIDE), ["a", float("nan")]), {}, DataError, "1 has no label"),
        ((torch.zeros(2, 3, SIDE, SIDE), ["a"]), {}, DataError, "found 2 pictures and 1 labels"),
        ((torch.zeros(4, 3, SIDE, SIDE), ["a"] * 4), {}, DataError, "All training pictures are of the class 'a'"),
        (_set([]), {}, DataError, "no training pictures"),
        (
            [1, 2],
            {},
            DataError,
            "an ImageSet with labels, or \\(pictures, labels\\); found list; try ImageSet.from_folder",
        ),
        (noise(7, 2, 0), {}, DataError, "The class 'bee' has 3 training pictures, too few for 5 folds.*folds=3"),
        (_set(["a", "a", "a", "b"]), {"folds": 2}, DataError, "'b' has 1 training picture, too few for 2 folds"),
        (noise(8, 2, 0), {"folds": 1}, ParameterError, "One fold leaves no picture"),
        (noise(8, 2, 0), {"folds": 0}, ParameterError, "number of folds"),
        (noise(8, 2, 0), {"folds": 2, "per_class": 3}, DataError, "3 training pictures of each class.*has 2 in each"),
        (noise(8, 2, 0), {"folds": 2, "per_class": 0}, ParameterError, "per_class is whole numbers"),
        (noise(8, 2, 0), {"folds": 2, "per_class": ()}, ParameterError, "at least one number"),
        (noise(8, 2, 0), {"folds": 2, "pool": 0}, ParameterError, "pool"),
        (noise(8, 2, 0), {"folds": 2, "seed": -1}, ParameterError, "seed"),
        (noise(8, 2, 0), {"folds": 2, "layers": []}, ParameterError, "Layers are a list"),
        (noise(8, 2, 0), {"folds": 2, "layers": ["conv9"]}, UnknownNameError, "no layer 'conv9'"),
        (noise(8, 2, 0), {"folds": 2, "classifier": "svn"}, UnknownNameError, "no classifier 'svn'"),
        (noise(8, 2, 0), {"folds": 2, "cache": 3}, ParameterError, "cache is a dict, a folder or None"),
        (noise(8, 2, 0), {"test": (torch.zeros(1, 3, SIDE, SIDE), ["yak"])}, DataError, "'yak', which has no training"),
        (
            (torch.full((8, 3, SIDE, SIDE), float("nan")), ["a", "b"] * 4),
            {"folds": 2},
            ParameterError,
            "holds NaN or infinite values",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(net: Network, train: Any, options: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        feature_probe(net, train, **options)
    assert isinstance(caught.value, ZfwidgetsError) and "\n" not in str(caught.value)


def test_a_layer_that_overflows_is_named() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(200, 3))
    with torch.no_grad():
        module[0].weight.fill_(1)
    net = Network(module, preprocess=Preprocess(SIDE, SIDE), device="cpu")
    with pytest.raises(NetworkError, match="'conv1' gives NaN or infinite"):
        feature_probe(net, (torch.full((4, 3, SIDE, SIDE), 3e38), ["a", "b"] * 2), folds=2)


def test_one_picture_of_each_class_will_do_with_a_test_set(net: Network) -> None:
    q = feature_probe(net, noise(3, 3, 1), noise(9, 3, 2), folds=1)
    assert q.per_class == (1,) and q.confusion["pool1"].sum() == 9


def test_features_too_large_for_memory_say_what_to_do(net: Network, monkeypatch: Any) -> None:
    monkeypatch.setattr("zfwidgets.methods.probing.features._MOST_BYTES", 1000)
    with pytest.raises(ParameterError, match="average its maps over a grid, for example with pool=6"):
        feature_probe(net, noise(8, 2, 0), folds=2)


def test_layers_that_do_not_fit_together_come_one_after_the_other(net: Network, monkeypatch: Any) -> None:
    whole = feature_probe(net, noise(8, 2, 0), folds=2)
    monkeypatch.setattr("zfwidgets.methods.probing.features._TOGETHER_BYTES", 1000)
    parts = feature_probe(net, noise(8, 2, 0), folds=2)
    assert all(np.array_equal(parts.confusion[layer], whole.confusion[layer]) for layer in whole.layers)


def test_without_scikit_learn_a_sentence_says_how_to_get_it(net: Network, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ParameterError, match=r"pip install 'zfwidgets\[probe\]'"):
        feature_probe(net, noise(8, 2, 0), folds=2)


def test_classes_never_taught_are_told_apart_the_better_the_deeper_and_after_learning() -> None:
    """Table 7 and the first rows of Tables 4 and 5, on ten kinds of things that the network has not seen."""
    net = load_network("zfnet-scenes", device="cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untaught = load_network("zfnet-scenes", weights=None, device="cpu")
    things = unseen_scenes(200, seed=3)
    assert not set(UNSEEN) & set(net.classes)
    train = torch.stack([net.input(things[key]) for key in things]), [things.label(key) for key in things]
    layers = ["pool1", "pool2", "conv3", "conv4", "pool5"]
    learnt, random = (feature_probe(one, train, layers=layers, per_class=16) for one in (net, untaught))
    means = [learnt.score(layer).mean for layer in learnt.layers]
    assert means[0] < means[1] < means[2] < means[3]
    assert means[4] > means[2]  # layer 5 is as good as layer 4; 6 and 7 know the taught classes, and less of others
    assert all(learnt.score(layer).mean > random.score(layer).mean for layer in learnt.layers)
    mine, theirs = learnt.score("pool5"), random.score("pool5")
    assert mine.mean - mine.std > theirs.mean + theirs.std


@settings(max_examples=30)
@given(st.integers(2, 6), st.integers(2, 4), st.integers(0, 2**16))
def test_two_networks_are_compared_fold_by_fold(folds: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    both = []
    for _ in range(2):
        answers = random.integers(0, classes, (folds, classes, 5))
        tables = np.array([[np.bincount(row, minlength=classes) for row in fold] for fold in answers])
        both.append(Probe(("a",), NAMES[:1] * classes, (4,), folds, "svm", None, {"a": tables[None]}))
    found = accuracy_difference(both[0], both[1], ("a", "a"), level=0.9)
    mean, error = slow_accuracy_difference(*(one.confusion["a"][0].tolist() for one in both))
    assert found.value == pytest.approx(mean, abs=1e-12)
    # Student's factor for 90 %, from a table of statistics.
    factor = {1: 6.313752, 2: 2.919986, 3: 2.353363, 4: 2.131847, 5: 2.015048}[folds - 1]
    assert (found.high - found.low) / 2 == pytest.approx(factor * error, rel=1e-5, abs=1e-12)
    assert found.apart == (abs(mean) > factor * error + 1e-12)


def test_two_numbers_of_training_pictures_are_compared_fold_by_fold() -> None:
    tables = np.random.default_rng(0).integers(1, 9, (2, 3, 2, 2))
    tables[1] = 10 * tables[0].sum(-1, keepdims=True) - tables[0]  # as many pictures of each class at both
    tables[0] *= 19
    q = Probe(("a",), ("ant", "bee"), (2, 8), 3, "svm", None, {"a": tables})
    found = accuracy_difference(q, q, ("a", "a"), (2, 8))
    mean, error = slow_accuracy_difference(tables[0].tolist(), tables[1].tolist())
    assert found.value == pytest.approx(mean) and found.value != 0
    assert (found.high - found.low) / 2 == pytest.approx(4.302653 * error, rel=1e-5)
    assert accuracy_difference(q, q, ("a", "a"), (8, 2)).value == -found.value
    with pytest.raises(ParameterError, match="were 2, 8; found 4"):
        accuracy_difference(q, q, ("a", "a"), (2, 4))


def test_probes_of_other_pictures_are_not_compared() -> None:
    def made(tested: int, folds: int = 2) -> Probe:
        tables = np.full((1, folds, 2, 2), tested, np.int64)
        return Probe(("a",), ("ant", "bee"), (4,), folds, "svm", None, {"a": tables})

    for other in (made(2), made(1, 3)):
        with pytest.raises(ParameterError, match="have other pictures, classes, folds or classifiers"):
            accuracy_difference(made(1), other, ("a", "a"))
    with pytest.raises(ParameterError, match="between 0 and 1"):
        accuracy_difference(made(1), made(1), ("a", "a"), level=1)
    with pytest.raises(UnknownNameError, match="no layer 'b'"):
        accuracy_difference(made(1), made(1), ("a", "b"))


@pytest.mark.parametrize("cache", [None, {}])
def test_model_inputs_of_several_sizes_are_one_sentence(cache: dict[str, Any] | None) -> None:
    """Within a batch, from one batch to the next, and from training to test, whatever the layers make of them."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    net = Network(module, preprocess=Preprocess(SIDE, SIDE), device="cpu")
    small, large = torch.rand(4, 3, SIDE, SIDE), torch.rand(4, 3, SIDE, 2 * SIDE)
    labels = ["ant", "bee"] * 2
    for layer in net.layers:
        several = [*small, *large], labels * 2
        for batch in (3, 4):
            with pytest.raises(ParameterError, match="must have one size"):
                feature_probe(net, several, layers=[layer], folds=2, cache=cache, batch_size=batch)
        with pytest.raises(ParameterError, match=r"one size: found \(3, 12, 12\), and \(3, 12, 24\) at 4\."):
            feature_probe(net, several, layers=[layer], folds=2, cache=cache, batch_size=4)
        with pytest.raises(ParameterError, match=r"\(3, 12, 12\) for training, and \(3, 12, 24\) for test\."):
            feature_probe(net, (small, labels), (large, labels), [layer], folds=2, cache=cache)


def test_probes_of_a_test_set_are_not_compared_fold_by_fold(net: Network) -> None:
    """All folds have its pictures: answers that are alike in each are no sign that other pictures give them too."""
    train, test = noise(8, 2, 3), noise(4, 2, 4)
    crossed, tested = (
        feature_probe(net, train, None, ["conv2"], folds=2),
        feature_probe(net, train, test, ["conv2"], folds=2),
    )
    assert tested.test_set and not crossed.test_set
    for both in ((tested, tested), (crossed, tested), (tested, crossed)):
        with pytest.raises(ParameterError, match="tested on one test set; probe both networks without it"):
            accuracy_difference(*both, ("conv2", "conv2"))
