"""`zfwidgets mine`: one file, whoever computed it and however often it was stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zfwidgets.app import cli
from zfwidgets.methods.top_activations import TopActivations, store


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 300 small pictures, one damaged, one twice, and an empty folder."""
    folder, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    (folder / "empty").mkdir()
    for number in range(300):
        Image.fromarray(random.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(folder / f"{number:03d}.png")
    (folder / "twice.png").write_bytes((folder / "007.png").read_bytes())
    (folder / "page.jpg").write_text("<html>")
    return folder


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("whole") / "top.safetensors"
    assert cli.main(["mine", "--images", str(photos), "--out", str(out), "--layers", "conv1", "conv2"]) == 0
    return out.read_bytes()


def mine(photos: Path, out: Path, *more: str) -> list[str]:
    return ["mine", "--images", str(photos), "--out", str(out), "--layers", "conv1", "conv2", *more]


def test_it_says_what_it_did(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "top.safetensors"
    assert cli.main(mine(photos, out, "--k", "3", "--per-image", "2")) == 0
    said = capsys.readouterr().out
    assert said.startswith("302 pictures, 1 of them twice, 1 skipped; 2 layers; ")
    assert "  skipped page.jpg: " in said
    assert said.endswith(f"look at it: zfwidgets --images {photos} --index {out}\n")
    top = TopActivations.open(out)
    assert (top.layers, top.k, top.per_image) == (("conv1", "conv2"), 3, 2)
    assert cli.main(mine(photos, out, "--k", "3", "--per-image", "2")) == 0
    assert "; 2 layers; was there already (--again mines anew); " in capsys.readouterr().out
    assert cli.main(mine(photos, out)) == 2
    assert "mined with k=3, not 9; give another path, or mine again" in capsys.readouterr().err


def test_jobs_of_a_batch_system_give_the_same_file(
    photos: Path, whole: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [tmp_path / f"part-{number}.safetensors" for number in range(1, 4)]
    for number, part in enumerate(parts, 1):
        assert cli.main(mine(photos, part, "--shard", f"{number}/3")) == 0
    together = tmp_path / "top.safetensors"
    assert cli.main(["mine", "--merge", str(parts[2]), "--out", str(together)]) == 2
    assert "These parts of the set are missing: 1/3, 2/3; mine them with --shard" in capsys.readouterr().err
    assert not together.exists()
    assert cli.main(["mine", "--merge", *map(str, reversed(parts)), "--out", str(together)]) == 0
    assert together.read_bytes() == whole


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--images", "nowhere", "--out", "a"], "There is no folder"),
        (["--images", ".", "--out", "no/a"], "There is no folder .* for --out; make it first"),
        (["--images", ".", "--out", "a", "--network", "zfnet-scene"], "There is no network 'zfnet-scene'; the nearest"),
        (["--images", ".", "--out", "a", "--layers", "conv9"], "There is no layer 'conv9'"),
        (["--images", ".", "--out", "a", "--shard", "9/10"], "There are 1 pictures for 10 parts"),
        (["--images", ".", "--out", "a", "--weights", "no.safetensors"], "no.safetensors"),
        (["--merge", "no.safetensors", "--out", "a"], "There is no index 'no.safetensors'"),
        (["--merge", "one.png", "--out", "a"], "one.png"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("one.png")
    assert cli.main(["mine", *words]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.match(f"zfwidgets: .*{sentence}", said), said
    assert not Path("a").exists()


@pytest.mark.parametrize("words", [["--shard", "0/3"], ["--shard", "4/3"], ["--shard", "3"], ["--k", "0"]])
def test_numbers_that_are_none(words: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(mine(photos, Path("a"), *words))
    assert "is not a" in capsys.readouterr().err


def test_a_scheduler_that_does_not_answer(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed", reason="needs Dask: pip install 'zfwidgets[dask]'")
    monkeypatch.setattr("zfwidgets.app.connect.PATIENCE", 0.3)
    assert cli.main(mine(photos, tmp_path / "a", "--scheduler", "tcp://127.0.0.1:1")) == 2
    assert "No Dask scheduler answers at 'tcp://127.0.0.1:1'; start one" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(mine(photos, tmp_path / "a", "--scheduler", "tcp://127.0.0.1:1")) == 2
    assert "--scheduler needs Dask; try: pip install 'zfwidgets[dask]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"), [([], "the same command goes on"), (["--again"], "the same command without --again goes on")]
)
def test_ctrl_c_says_how_to_go_on(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    words: str,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zfwidgets.app.mine._network", interrupted)
    assert cli.main(mine(photos, tmp_path / "a", *more)) == 130
    said = capsys.readouterr().err
    assert "What is done is kept beside" in said and words in said


def test_what_was_set_aside_is_said_and_is_no_success(
    photos: Path, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, real = tmp_path / "top.safetensors", store.Store.finish

    def finish(self: store.Store, top: TopActivations) -> TopActivations:
        return real(self, top, {"000.png": "It killed its worker 4 times."})

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "finish", finish)
        assert cli.main(mine(photos, out)) == 1
    said = capsys.readouterr().err
    assert "1 pictures were set aside, '000.png' is one: It killed its worker 4 times. All others are in" in said
    assert cli.main(mine(photos, out)) == 0
    assert out.read_bytes() == whole and [path.name for path in tmp_path.iterdir()] == ["top.safetensors"]


def test_a_killed_driver_is_started_again(photos: Path, whole: bytes, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'zfwidgets[dask]'")
    out = tmp_path / "top.safetensors"
    parts = tmp_path / "top.safetensors.parts"
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options, silence_logs=50) as cluster:
        words = mine(photos, out, "--scheduler", cluster.scheduler_address)
        command = [sys.executable, "-m", "zfwidgets", *words]
        kept: dict[Path, int] = {}
        for seed in range(2):
            driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            while driver.poll() is None and len(list(parts.glob("*.safetensors"))) <= len(kept):
                time.sleep(0.005)
            time.sleep(np.random.default_rng(seed).uniform(0, 0.02))
            assert driver.poll() is None, "it ended before it could be killed"
            os.kill(driver.pid, signal.SIGKILL)
            assert driver.wait(20) == -signal.SIGKILL
            now = {path: path.stat().st_mtime_ns for path in parts.glob("*.safetensors")}
            assert kept.items() <= now.items(), "a finished part was done again"
            kept = now
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("302 pictures, 1 of them twice, 1 skipped; 2 layers; ")
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["top.safetensors"]


def test_what_is_said_before_the_command_holds_for_it() -> None:
    parser, files = cli._parser(), ["--images", "DIR", "--out", "FILE"]
    before = parser.parse_args(["--network", "alexnet", "--weights", "w.pt", "mine", *files])
    assert (before.network, before.weights) == ("alexnet", "w.pt")
    after = parser.parse_args(["--network", "alexnet", "mine", "--network", "vgg16", *files])
    assert (after.network, after.weights, after.scheduler) == ("vgg16", "default", None)
