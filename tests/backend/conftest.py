"""The tiny network and its backend, and one small cluster for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twins.tiny import backend, network, pictures

__all__ = ["backend", "client", "network", "pictures"]


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """Of a cluster of three processes; a killed one is started again by its nanny."""
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'zfwidgets[dask]'")
    import dask

    with (
        # A local cluster looks so long after each death and gives up the worker if it is just then starting again,
        # after another death: which tests kill at that distance is a matter of the machine's speed.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"}),
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
