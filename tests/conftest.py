"""What all tests share: where the repository lies, and calm settings for numbers and property tests."""

from __future__ import annotations

import os
from pathlib import Path

# Before torch is imported anywhere: two threads in each of many small operations cost more than they give.
os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
# Jupyter asks for this choice with a warning.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# The same examples in every run: a test either fails for everybody or for nobody.
settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository that the tests lie in."""
    return REPOSITORY
