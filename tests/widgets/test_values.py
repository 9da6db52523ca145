"""Values that no option can be: one clear sentence for each, and the viewer stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import zfwidgets as zf
from zfwidgets.backend import Backend
from zfwidgets.errors import ParameterError, ZfwidgetsError

NEVER = [np.array([1, 2]), torch.zeros(2), object(), {1: 2}, [[1]], float("nan"), b"x"]
VIEWERS: list[Callable[[Backend], Any]] = [
    zf.ArchitectureViewer,
    zf.EvolutionViewer,
    zf.FeatureViewer,
    zf.FilterViewer,
    zf.InvarianceViewer,
    zf.OcclusionViewer,
    zf.RuleViewer,
    zf.TopActivationsViewer,
]


@pytest.mark.parametrize("viewer_of", VIEWERS)
def test_every_option_refuses_what_it_cannot_be(backend: Backend, viewer_of: Callable[[Backend], Any]) -> None:
    viewer = viewer_of(backend)
    for name in viewer._own_traits():
        before = getattr(viewer, name)
        for value in NEVER:
            with pytest.raises(ZfwidgetsError):
                setattr(viewer, name, value)
            assert getattr(viewer, name) is before
    viewer.close()


def test_a_switch_is_true_or_false(backend: Backend) -> None:
    viewer = zf.OcclusionViewer(backend)
    with pytest.raises(ParameterError, match="refine is True or False; found 'off'"):
        viewer.refine = "off"
    viewer.close()


def test_no_amount_is_the_one_that_the_slider_begins_with(backend: Backend) -> None:
    viewer = zf.InvarianceViewer(backend, amount=10)
    viewer.amount = None
    assert viewer.amount == 90
    viewer.close()


def test_random_weights_have_a_seed_that_generators_take(backend: Backend) -> None:
    viewer = zf.RuleViewer(backend)
    with pytest.raises(ParameterError, match="from 0 to 4294967295; found 4294967296"):
        viewer.seed = 2**32
    viewer.close()
