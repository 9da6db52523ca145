"""`zfwidgets --scheduler`: the page's network on a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zfwidgets.app import cli
from zfwidgets.app.page import VARIABLE, PageSettings, open_explorer

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'zfwidgets[dask]'")


def test_the_page_looks_at_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zfwidgets.app.page.tune_allocator", lambda: True)
    options: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:
        settings = cli._settings("zfnet-scenes", "default", None, cluster.scheduler_address)
        assert settings == PageSettings("zfnet-scenes", scheduler=cluster.scheduler_address)
        monkeypatch.setenv(VARIABLE, settings.to_json())
        page = open_explorer()
        assert page.wait(60)
        assert page.occlusion.result.complete
        assert "on the cluster" in page._backend.device
        page.close()
        page._backend._engine._client.close()
        monkeypatch.setenv(VARIABLE, PageSettings("no-such", scheduler=cluster.scheduler_address).to_json())
        assert "There is no network" in open_explorer().value


def test_nobody_answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zfwidgets.app.connect.PATIENCE", 0.3)
    assert cli.main(["--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "No Dask scheduler answers at 'tcp://127.0.0.1:1'" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["head", "http://127.0.0.1:8787", "tcp://head"])
def test_what_is_no_address_is_said_at_once(address: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zfwidgets", "--scheduler", address]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"zfwidgets: {address!r} is no address of a scheduler; try for example tcp://")
    assert len(done.stderr.splitlines()) == 1
