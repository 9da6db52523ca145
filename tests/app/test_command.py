"""The command line says in a sentence what it cannot do, before a server starts."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from zfwidgets.app import cli
from zfwidgets.app.page import VARIABLE, PageSettings, open_explorer
from zfwidgets.models import load_network


def asked(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = cli.main(words)
    return status, capsys.readouterr().err


def test_a_missing_weight_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = asked("--weights", "/no/such.safetensors", capsys=capsys)
    assert status == 2
    assert said == "zfwidgets: There is no weight file at /no/such.safetensors: check the path given to --weights.\n"


def test_a_missing_folder_and_one_without_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("--images", str(tmp_path / "no"), capsys=capsys)[1].startswith("zfwidgets: There is no folder at ")
    status, said = asked("--images", str(tmp_path), capsys=capsys)
    assert status == 2
    assert "holds no pictures" in said


def test_a_missing_index(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = asked("--index", "/no/such.safetensors", capsys=capsys)
    assert status == 2
    assert said == "zfwidgets: There is no file at /no/such.safetensors: pass what `zfwidgets mine` wrote to --index.\n"


@pytest.mark.parametrize("option", ["--weights", "--index", "--other-weights", "--other-index"])
def test_a_file_that_is_none_is_said_before_the_page_starts(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_listener", lambda port: pytest.fail("the page was started"))
    files = {name: tmp_path / name for name in ("page.safetensors", "empty.safetensors", "part.safetensors", "run.pth")}
    files["page.safetensors"].write_text("<!DOCTYPE html><html></html>")
    files["empty.safetensors"].touch()
    save_file({"weight": torch.ones(9)}, files["part.safetensors"])
    files["part.safetensors"].write_bytes(files["part.safetensors"].read_bytes()[:-4])
    files["run.pth"].write_bytes(pickle.dumps(print))
    for name, file in files.items():
        words = ["--other", "zfnet-photos"] if option.startswith("--other") else []
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            status, said = asked(*words, option, str(file), capsys=capsys)
        assert status == 2 and not remarks and said.startswith("zfwidgets: ") and said.count("\n") == 1 and name in said


def test_an_unknown_network_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = asked("--network", "squeezenet1_2", capsys=capsys)
    assert status == 2
    assert "There is no network 'squeezenet1_2'; the nearest are 'squeezenet1_1'" in said


def test_a_network_without_published_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert "zfnet has no published weights" in asked("--network", "zfnet", capsys=capsys)[1]


def test_a_taken_port_is_a_sentence_and_the_default_moves_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with cli._listener(0) as taken:
        port = taken.getsockname()[1]
        status, said = asked("--port", str(port), capsys=capsys)
        assert (status, said.startswith(f"zfwidgets: Port {port} is taken")) == (2, True)
        monkeypatch.setattr(cli, "FIRST_PORT", port)
        with cli._listener(None) as next_free:
            assert port < next_free.getsockname()[1] < port + cli.PORTS_TRIED


def test_the_socket_is_of_this_machine_only() -> None:
    with cli._listener(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.family == socket.AF_INET


@pytest.mark.parametrize("command", ["", "mine", "train", "study", "figures"])
def test_the_help_fits_a_terminal(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        cli.main([*command.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"usage: zfwidgets {command}".rstrip())
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("text", ["http", "-1", "65536", "1.5", ""])
def test_a_port_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([f"--port={text}"])
    assert "is not a port: pass a whole number from 0 (any) to 65535" in capsys.readouterr().err


def test_the_check_of_the_defaults_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from zfwidgets.app import cli; "
        "cli._settings('zfnet-scenes', 'default', None); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_module_and_script_are_the_same_command(tmp_path: Path) -> None:
    outputs = [
        subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for command in ([sys.executable, "-m", "zfwidgets"], [str(Path(sys.executable).parent / "zfwidgets")])
    ]
    assert outputs[0] == outputs[1]
    assert all(word in outputs[0] for word in ["--port", "--no-browser", "--network", "--images", "train"])


def test_an_unknown_second_network(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = asked("--other", "zfnet-photo", capsys=capsys)
    assert status == 2
    assert said.startswith("zfwidgets: There is no network 'zfnet-photo'; the nearest are 'zfnet-photos'")


def test_an_index_of_no_second_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = asked("--other-index", "top.safetensors", capsys=capsys)
    assert status == 2 and said == "zfwidgets: --other-index is of a second network: name it with --other.\n"
    status, said = asked("--other-weights", "weights.safetensors", capsys=capsys)
    assert status == 2 and said == "zfwidgets: --other-weights is of a second network: name it with --other.\n"
    missing = str(tmp_path / "none.safetensors")
    status, said = asked("--other", "zfnet-photos", "--other-weights", missing, capsys=capsys)
    assert status == 2 and f"There is no weight file at {missing}: check the path given to --other-weights." in said
    status, said = asked("--other", "zfnet-photos", "--other-index", missing, capsys=capsys)
    assert status == 2 and f"There is no file at {missing}: pass what `zfwidgets mine` wrote to --other-index." in said


def test_the_page_shows_a_second_network_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (96, 96), (90, 9, 0)).save(tmp_path / "red.png")
    module = load_network("zfnet-photos").module
    module.features[0].weight.data.neg_()
    save_file(module.state_dict(), tmp_path / "negative.safetensors")
    words = ["--other", "zfnet-photos", "--other-weights", str(tmp_path / "negative.safetensors")]
    settings = PageSettings("zfnet-scenes", images=str(tmp_path), **cli._second(cli._parser().parse_args(words)))
    monkeypatch.setenv(VARIABLE, settings.to_json())
    monkeypatch.setattr("zfwidgets.app.page.tune_allocator", lambda: None)
    page = open_explorer()
    assert "<b>zfnet-scenes</b> beside <b>zfnet-photos</b>" in page.children[0].children[0].value
    page.occlusion.stride = 32
    assert page.occlusion.wait(60)
    assert page.occlusion.result.net.name == "zfnet-scenes" and not page.occlusion._beside.differences[0].empty
    assert page.evolution._other.network.name == "zfnet-photos" and not page.evolution._asked
    assert torch.equal(page.evolution._other.network.module.features[0].weight, module.features[0].weight)
    page.close()


def test_the_page_shows_what_the_command_line_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PageSettings("zfnet-scenes", images=str(tmp_path)).to_json())
    told: list[bool] = []
    monkeypatch.setattr("zfwidgets.app.page.tune_allocator", lambda: told.append(True))
    page = open_explorer()
    assert told == [True]
    assert 'role="alert"' in page.value
    assert "holds no pictures" in page.value


def test_the_page_opens_the_index_that_the_command_line_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        Image.new("RGB", (96, 96), (90 * number, 9, 0)).save(tmp_path / f"{number}.png")
    index, other = tmp_path / "top.safetensors", tmp_path / "other.safetensors"
    mine = ["mine", "--images", str(tmp_path), "--layers", "conv1", "--out"]
    assert cli.main([*mine, str(index)]) == cli.main([*mine, str(other), "--network", "zfnet-photos"]) == 0
    settings = cli._settings("zfnet-scenes", "default", str(tmp_path), index=str(index))
    words = ["--other", "zfnet-photos", "--other-index", str(other)]
    beside = cli._second(cli._parser().parse_args(words))
    monkeypatch.setenv(VARIABLE, replace(settings, **beside).to_json())
    monkeypatch.setattr("zfwidgets.app.page.tune_allocator", lambda: None)
    page = open_explorer()
    page.top.layer = "conv1"
    page.top.awake = True
    assert page.top.wait(60) and page.top.result.index.count == 3 and page.features.index == str(index)
    assert "Its index holds 3 pictures." in page.top._beside.about.value
    page.close()
