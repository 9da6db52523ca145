"""Killed at any moment: what is resumed is the same to the bit, what was done is not done again, nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest
from twins.deadly import deadly
from twins.mining import blotches

import zfwidgets as zf
from zfwidgets.data.image_set import Entry

SETTING = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
import torch
torch.set_num_threads(1)
import zfwidgets as zf
from zfwidgets.methods.top_activations import mine
mine._SHARD = 32
torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 5, 2), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(),
    torch.nn.Linear(8 * 64, 3),
)
net = zf.Network(module, preprocess=zf.Preprocess(size=24, resize=24), device="cpu")
pictures = zf.ImageSet.from_folder(sys.argv[1])
folder = Path(sys.argv[2])

def run(index, **options):
    return zf.top_activations(net, pictures, k=4, index=index, **options)
"""
FORKED = (
    SETTING
    + """
def forked(action):
    child = os.fork()  # torch is imported once, and has started no threads
    if child == 0:
        action()
        os._exit(0)
    return child

def mortal(real):
    def call(*arguments, **keywords):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **keywords)
    return call

def killed_at(moment):
    global left
    left = moment
    for name in ("fsync", "replace", "fdopen"):
        setattr(os, name, mortal(getattr(os, name)))
    run(index)

os.waitpid(forked(lambda: run(folder / "whole" / "top.safetensors")), 0)
expected = (folder / "whole" / "top.safetensors").read_bytes()
random = np.random.default_rng(0)
for number in range(20):
    index = folder / str(number) / "top.safetensors"
    parts = index.parent / "top.safetensors.parts"
    if sys.argv[3] == "steps":
        killed = [forked(lambda: killed_at(1 + number))]
        assert os.waitpid(killed[0], 0)[1] == signal.SIGKILL, number
    else:
        for _ in range(3):
            before = {path: path.stat().st_mtime_ns for path in parts.glob("*.safetensors")}
            child = forked(lambda: run(index))
            time.sleep(random.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            after = {path: path.stat().st_mtime_ns for path in parts.glob("*.safetensors")}
            assert before.items() <= after.items() or index.exists(), "a finished part was done again"
    before = {path: path.stat().st_mtime_ns for path in parts.glob("*.safetensors")}
    assert os.waitpid(forked(lambda: run(index)), 0)[1] == 0
    assert index.read_bytes() == expected, number
    assert list(index.parent.iterdir()) == [index], list(index.parent.rglob("*"))
print("all the same")
"""
)
WITH_DECODERS = (
    SETTING
    + """
if __name__ == "__main__":
    tell = lambda progress: print(progress.done, flush=True)
    run(folder / "top.safetensors", workers=2, on_progress=tell)
    print("finished", flush=True)
"""
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    made = blotches(200, seed=1)
    for number, key in enumerate(made):
        made[key].save(folder / f"{number:04d}.png")
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("when", ["steps", "moments"])
def test_a_driver_killed_at_20_moments(pictures: Path, tmp_path: Path, when: str) -> None:
    """Before and after each file is written, synced and renamed; and three times in a row, anywhere."""
    command = [sys.executable, "-c", FORKED, str(pictures), str(tmp_path), when]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "all the same\n", done.stderr


def test_decoders_are_replaced_when_killed_and_do_not_outlive_their_driver(pictures: Path, tmp_path: Path) -> None:
    script, folder = tmp_path / "driver.py", tmp_path / "out"
    script.write_text(WITH_DECODERS, encoding="utf-8")

    def start() -> tuple[subprocess.Popen[str], list[psutil.Process]]:
        command = [sys.executable, str(script), str(pictures), str(folder)]
        driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert driver.stdout is not None
        driver.stdout.readline()  # pictures come from the processes by now
        return driver, psutil.Process(driver.pid).children(recursive=True)

    driver, children = start()
    driver.kill()
    driver.communicate()
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert gone and not alive
    driver, children = start()
    for child in children:
        child.kill()
    words, _ = driver.communicate(timeout=60)
    assert words.split()[-1] == "finished"
    assert [path.name for path in folder.iterdir()] == ["top.safetensors"]
    names = {"PYTHONHASHSEED": "1", **os.environ}
    code = SETTING + "run(folder / 'again' / 'top.safetensors')"
    subprocess.run([sys.executable, "-c", code, str(pictures), str(folder)], check=True, env=names)
    assert (folder / "top.safetensors").read_bytes() == (folder / "again" / "top.safetensors").read_bytes()


def test_a_picture_that_kills_its_decoder_is_named(network: zf.Network) -> None:
    entries = {str(place): Entry(partial(deadly, place), str) for place in range(6)}
    top = zf.top_activations(network, zf.ImageSet(entries), workers=1)
    assert [skipped.key for skipped in top.skipped] == ["3"]
    assert "4 times" in top.skipped[0].reason
    assert top.count == 6 and len(top.channel("conv1", 0)) == 5
