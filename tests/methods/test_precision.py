"""Fast and preview maps against the exact one."""

import numpy as np
import pytest
import torch
from torch import nn
from twins.zoo import small

from zfwidgets import Network, Preprocess, load_network, occlusion_map
from zfwidgets.data.scenes import draw
from zfwidgets.methods.occlusion import sweep
from zfwidgets.network.device import fast_arithmetic


def picture(size=33):
    return torch.randn(3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def scenes():
    return load_network("zfnet-scenes", device="cpu")


@pytest.fixture(scope="module")
def exact(scenes):
    return occlusion_map(scenes, scenes.input(draw(3, 5).image), 24, 4)


@pytest.mark.skipif(not fast_arithmetic(torch.device("cpu")), reason="this processor has no 16-bit arithmetic")
def test_fast_is_within_its_bounds(scenes, exact):
    m = occlusion_map(scenes, scenes.input(draw(3, 5).image), 24, 4, precision="fast")
    assert (m.precision, m.complete) == ("fast", True)
    for found, right in ((m.probability(), exact.probability()), (m.activation(), exact.activation())):
        assert np.corrcoef(found.ravel(), right.ravel())[0, 1] >= 0.999
        assert np.abs(found - right).max() <= 0.03 * np.ptp(right)


def test_fast_falls_back_to_exact_where_it_would_not_be_faster(monkeypatch):
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    monkeypatch.setattr(sweep, "fast_arithmetic", lambda device: False)
    m = occlusion_map(net, picture(), 9, 4, precision="fast")
    assert m.precision == "exact"
    np.testing.assert_allclose(m.logits, occlusion_map(net, picture(), 9, 4).logits, rtol=0, atol=1e-5)
    monkeypatch.undo()
    assert occlusion_map(net, picture(), 9, 4, precision="fast", plan="dense").precision == "exact"


def test_a_preview_computes_a_share_and_keeps_what_it_computed(scenes, exact):
    partials = []
    m = occlusion_map(scenes, scenes.input(draw(3, 5).image), 24, 4, precision="preview", on_partial=partials.append)
    assert m.precision == "preview" and not m.complete
    assert 25 <= m.known.sum() <= sweep.PREVIEW_SHARE * m.known.size
    assert partials and all(part.precision == "preview" for part in partials)
    near = np.abs(m.probability() - exact.probability())
    assert near[m.known].max() <= 0.03 * np.ptp(exact.probability())
    coarse = partials[0].probability()
    assert np.abs(m.probability() - exact.probability()).mean() < 0.7 * np.abs(coarse - exact.probability()).mean()


def test_a_preview_of_a_map_without_any_change_stops_at_once():
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 31 * 31, 2))
    nn.init.zeros_(module[0].weight)
    net = Network(module, preprocess=Preprocess(size=33), device="cpu")
    m = occlusion_map(net, picture(), 5, 2, precision="preview")
    assert m.known.sum() < 40 and np.ptp(m.probability()) == 0


def test_a_preview_of_a_small_grid_is_the_whole_map():
    net = Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")
    m = occlusion_map(net, picture(), 9, 8, precision="preview")
    assert m.complete
