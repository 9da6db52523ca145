"""The command serves one private page and leaves nothing behind, however it is ended."""

from __future__ import annotations

import re
import signal
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
from browser.driver import running_command
from safetensors.numpy import save_file


def get(address: str, host: str | None = None) -> str:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=240) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=lambda end: end.name)
def test_nothing_is_left_behind(end: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with running_command(tmp_path, environment={"TMPDIR": str(temporary)}) as (process, address):
        page = get(address)
        kernels = psutil.Process(process.pid).children(recursive=True)
        assert len(kernels) >= 1
        assert re.search(r"<title>\s*zfwidgets\s*</title>", page)
        assert not re.findall(r'(?:href|src)="https?://[^"]*"', page)
        process.send_signal(end)
        assert process.wait(120) == 0
        _, alive = psutil.wait_procs(kernels, timeout=60)
        assert alive == []
    assert list(temporary.iterdir()) == []
    assert (tmp_path / "server.log").read_text() == ""


@pytest.mark.slow
def test_another_hosts_page_and_other_files_are_refused(tmp_path: Path) -> None:
    with running_command(tmp_path) as (_, address):
        for path, host in [("", "example.org"), ("api/kernels", "example.org"), ("voila/files/cli.py", None)]:
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(address + path, host)
            assert refused.value.code in (403, 404), path
            refused.value.close()


@pytest.mark.slow
def test_what_cannot_be_shown_is_a_sentence_on_the_page(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"  # sound, but of another network: known only where that is loaded
    save_file({"weight": np.zeros((2, 2), np.float32)}, other)
    with running_command(tmp_path, "--weights", str(other)) as (_, address):
        page = get(address)
    assert "other.safetensors" in page
    assert "Traceback" not in page


@pytest.mark.slow
def test_a_page_of_a_command_that_ended_is_answered_without_a_traceback(tmp_path: Path) -> None:
    with running_command(tmp_path) as (_, address):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(f"{address}api/kernels/225a7159-2767-4ef9-ac64-780aeb147f5f/channels")
        refused.value.close()
    assert "Traceback" not in (tmp_path / "server.log").read_text()
