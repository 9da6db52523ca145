"""Weight files of strangers: the right ones load, every other gets one sentence."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from zfwidgets.errors import WeightsError
from zfwidgets.models.weights import load_into, read_weights


@pytest.fixture
def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def test_safetensors_and_torch_files_round_trip(module, tmp_path):
    save_file(module.state_dict(), tmp_path / "a.safetensors")
    torch.save(module.state_dict(), tmp_path / "b.pth")
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, tmp_path / "c.pt")
    for name in ("a.safetensors", "b.pth", "c.pt"):
        other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
        load_into(other, read_weights(tmp_path / name), name)
        assert all(
            torch.equal(a, b) for a, b in zip(other.state_dict().values(), module.state_dict().values(), strict=True)
        )


def test_half_precision_is_widened(module, tmp_path):
    half = {name: value.half() if value.is_floating_point() else value for name, value in module.state_dict().items()}
    load_into(module, half, "half")
    assert module[0].weight.dtype == torch.float32
    torch.testing.assert_close(module[0].weight.data, half["0.weight"].float())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("0.weight"), "lacks '0.weight'"),
        (lambda s: s.update(extra=torch.zeros(1)), "has 'extra'"),
        (lambda s: s.update({"3.weight": torch.zeros(2, 5)}), r"'3.weight' is \(2, 5\) instead of \(2, 4\)"),
        (lambda s: s["0.bias"].fill_(torch.nan), "NaN"),
    ],
)
def test_weights_that_do_not_fit_name_the_difference_and_change_nothing(module, change, message):
    state = {name: value.clone() for name, value in module.state_dict().items()}
    before = {name: value.clone() for name, value in state.items()}
    change(state)
    with pytest.raises(WeightsError, match=message):
        load_into(module, state, "other.safetensors")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


class _Bomb:
    def __reduce__(self):
        return print, ("unpickled",)


def test_pickles_are_refused_and_nothing_of_them_runs(tmp_path, capsys):
    (tmp_path / "a.pt").write_bytes(pickle.dumps(_Bomb()))
    torch.save(_Bomb(), tmp_path / "b.pt")
    for name in ("a.pt", "b.pt"):
        with pytest.raises(WeightsError, match="safetensors") as caught:
            read_weights(tmp_path / name)
        assert "weights_only=False" not in str(caught.value)
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["page.pt", "page.safetensors"])
def test_html_empty_and_cut_files_are_refused(tmp_path, module, name):
    path = tmp_path / name
    for content in (b"<!DOCTYPE html><p>404</p>", b""):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=path.name):
            read_weights(path)
    if name.endswith(".safetensors"):
        save_file(module.state_dict(), path)
    else:
        torch.save(module.state_dict(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=path.name):
        read_weights(path)


def test_missing_file_folder_and_foreign_content(tmp_path):
    with pytest.raises(WeightsError, match="no weight file"):
        read_weights(tmp_path / "nothing.safetensors")
    with pytest.raises(WeightsError, match="no weight file"):
        read_weights(tmp_path)
    torch.save({"a": json.dumps({})}, tmp_path / "words.pt")
    with pytest.raises(WeightsError, match="no state_dict"):
        read_weights(tmp_path / "words.pt")
