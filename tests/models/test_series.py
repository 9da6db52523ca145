"""A series of checkpoints: whatever lies in the folder is used or named, and never taken for something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from zfwidgets.errors import DataError, NetworkError, UnknownNameError, WeightsError
from zfwidgets.imaging import Preprocess
from zfwidgets.models import CheckpointSeries
from zfwidgets.models.series import EpochFigures
from zfwidgets.models.weights import sha256_of
from zfwidgets.training import record_training


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))


def recorded(folder: Path, epochs: tuple[int, ...] = (1, 2, 4)) -> nn.Module:
    """A training whose weights are the number of the epoch."""
    module = network()
    recording = record_training(module, folder, epochs, preprocess=Preprocess(size=8), classes=["a", "b"])
    for epoch in recording:
        nn.init.constant_(module[0].weight, float(epoch))  # type: ignore[index]
        recording.log(loss=1 / epoch, validation_error=0.5)
    return module


def test_what_was_recorded_is_read(tmp_path: Path) -> None:
    module = recorded(tmp_path / "run")
    series = CheckpointSeries(tmp_path / "run", module=module)
    assert (series.name, series.epochs, series.planned, series.missing) == ("run", (1, 2, 4), (1, 2, 4), ())
    assert not series.problems
    for epoch in series.epochs:
        assert (series.weights(epoch)["0.weight"] == epoch).all()
    net = series.network(2, device="cpu")
    assert net.classes == ("a", "b")
    assert net.preprocess == Preprocess(size=8)
    assert (net.module[0].weight == 2).all()  # type: ignore[index]
    assert (module[0].weight == 4).all()  # type: ignore[index]
    assert [(figures.epoch, figures.loss, figures.rate) for figures in series.history] == [
        (1, 1.0, None), (2, 0.5, None), (3, 1 / 3, None), (4, 0.25, None),
    ]  # fmt: skip
    assert len({series.digest(epoch) for epoch in series.epochs}) == 3


def test_a_missing_epoch_is_a_gap_and_said(tmp_path: Path) -> None:
    recorded(tmp_path)
    (tmp_path / "epoch-0002.safetensors").unlink()
    series = CheckpointSeries(tmp_path)
    assert (series.epochs, series.missing) == ((1, 4), (2,))
    assert "cannot be read (No such file" in series.problems["epoch-0002.safetensors"]
    with pytest.raises(UnknownNameError, match="no checkpoint of epoch 2"):
        series.weights(2)


def test_a_file_that_the_manifest_does_not_list_is_named(tmp_path: Path) -> None:
    recorded(tmp_path)
    shutil.copy(tmp_path / "epoch-0002.safetensors", tmp_path / "epoch_3.safetensors")
    (tmp_path / "notes.txt").write_text("no checkpoint")
    series = CheckpointSeries(tmp_path)
    assert series.epochs == (1, 2, 4)
    assert list(series.problems) == ["epoch_3.safetensors"]
    assert "epoch_3.safetensors is not in the manifest series.json" in series.problems["epoch_3.safetensors"]
    (tmp_path / "epoch_3.safetensors").unlink()
    assert series.refresh() and not series.problems


def test_a_checkpoint_that_is_about_to_be_listed_is_no_problem(tmp_path: Path) -> None:
    module = network()
    record_training(module, tmp_path, (1, 3)).after(1)
    save_file(module.state_dict(), tmp_path / "epoch-0003.safetensors")
    series = CheckpointSeries(tmp_path, module=module)
    assert (series.epochs, series.missing, series.problems) == ((1,), (3,), {})


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    recorded(tmp_path)
    file = tmp_path / "epoch-0002.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 4
    file.write_bytes(content)
    series = CheckpointSeries(tmp_path)
    assert series.epochs == (1, 4)
    assert "damaged" in series.problems[file.name]


def test_a_file_that_changes_after_it_was_opened_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    module = recorded(tmp_path)
    series = CheckpointSeries(tmp_path, module=module)
    save_file(network(5).state_dict(), tmp_path / "epoch-0004.safetensors")
    with pytest.raises(WeightsError, match=r"changed since .* refresh"):
        series.network(4)
    assert series.refresh()
    assert "damaged" in series.problems["epoch-0004.safetensors"]
    assert not series.refresh()


def test_a_growing_folder_shows_more_when_it_is_looked_at_again(tmp_path: Path) -> None:
    module = network()
    recording = record_training(module, tmp_path, (1, 3))
    series = CheckpointSeries(tmp_path, module=module)
    assert (series.epochs, series.missing, repr(series)) == (
        (), (1, 3), f"CheckpointSeries({tmp_path.name}, epochs none yet)",
    )  # fmt: skip
    assert not series.refresh()
    recording.after(1, loss=2.0)
    assert series.refresh()
    assert (series.epochs, series.missing, series.history[0].loss) == ((1,), (3,), 2.0)


def test_foreign_files_are_read_by_content_then_by_name(tmp_path: Path) -> None:
    module = network()
    state = module.state_dict()
    inner = {f"net.{name}": value for name, value in state.items()} | {"criterion.weight": torch.ones(2)}
    lightning = {"pytorch-lightning_version": "2.4.0", "epoch": 0, "global_step": 9, "state_dict": inner}
    torch.save(lightning, tmp_path / "epoch=0-step=9.ckpt")
    torch.save({"epoch": 7, "model_state_dict": state, "loss": 0.3}, tmp_path / "anything.pt")
    torch.save(state, tmp_path / "epoch_5.pth")
    save_file({name: value.half() for name, value in state.items()}, tmp_path / "model-012.safetensors")
    (tmp_path / "notes.txt").write_text("not a checkpoint")
    series = CheckpointSeries(tmp_path, module=module, preprocess=Preprocess(size=8))
    assert series.epochs == series.planned == (1, 5, 7, 12)
    assert not series.problems
    assert torch.equal(series.weights(1)["3.weight"], state["3.weight"])
    assert series.weights(12)["3.weight"].dtype == torch.float32
    assert series.history == ()


class Payload:
    """Unpickling this would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("/tmp/zfwidgets-was-here"),)  # type: ignore[return-value]


def test_what_cannot_be_used_is_named_and_the_rest_stays(tmp_path: Path) -> None:
    module, state = network(), network().state_dict()
    torch.save(state, tmp_path / "epoch_1.pt")
    shutil.copy(tmp_path / "epoch_1.pt", tmp_path / "epoch_1_again.pt")
    torch.save(network(3).state_dict(), tmp_path / "epoch_1_other.pt")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "epoch_2.pt")
    torch.save(Payload(), tmp_path / "epoch_3.pt")
    (tmp_path / "epoch_4.pt").write_text("<!DOCTYPE html><html></html>")
    whole = tmp_path / "epoch_5.safetensors"
    save_file(state, whole)
    whole.write_bytes(whole.read_bytes()[:-40])
    (tmp_path / "epoch_6.pt").write_bytes(b"")
    torch.save(state, tmp_path / "final.pt")
    torch.save(state, tmp_path / "epoch_8.pt")
    series = CheckpointSeries(tmp_path, module=module)
    assert series.epochs == (1, 8)
    said = dict(series.problems)
    for name, words in {
        "epoch_1_again.pt": "is the same as epoch_1.pt",
        "epoch_1_other.pt": "claims the same epoch as epoch_1.pt",
        "epoch_2.pt": "another architecture than the network that the series is opened with;",
        "epoch_3.pt": "unpickling runs code",
        "epoch_4.pt": "a web page",
        "epoch_5.safetensors": "not a readable weight file",
        "epoch_6.pt": "empty",
        "final.pt": "does not say its epoch",
    }.items():
        assert words in said.pop(name)
    assert not said
    assert not any("weights_only" in sentence for sentence in series.problems.values())
    assert not Path("/tmp/zfwidgets-was-here").exists()


def test_without_an_architecture_the_odd_one_is_still_named(tmp_path: Path) -> None:
    for epoch, module in enumerate((network(), nn.Linear(2, 2), network(1)), 1):
        torch.save(module.state_dict(), tmp_path / f"epoch_{epoch}.pt")
    series = CheckpointSeries(tmp_path)
    assert series.epochs == (1, 3)
    assert "another architecture than the other checkpoints;" in series.problems["epoch_2.pt"]
    assert torch.equal(series.weights(3)["0.bias"], network(1)[0].bias)
    with pytest.raises(DataError, match="open it with module="):
        series.network(1)


@pytest.mark.parametrize("prefix", ["", "model.", "outer.model."])
def test_counters_of_batches_may_be_missing(tmp_path: Path, prefix: str) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    state = {f"{prefix}{name}": value for name, value in module.state_dict().items() if "num_batches" not in name}
    save_file(state, tmp_path / "epoch_1.safetensors")
    series = CheckpointSeries(tmp_path, module=module, preprocess=Preprocess(size=8))
    assert not series.problems
    assert int(series.weights(1)["1.num_batches_tracked"]) == 0
    picture = torch.rand(1, 3, 8, 8)
    assert torch.equal(series.network(1, device="cpu").module(picture), module.eval()(picture))


def test_nan_weights_can_be_looked_at_and_are_said(tmp_path: Path) -> None:
    module = network()
    recording = record_training(module, tmp_path, (1, 2), preprocess=Preprocess(size=8))
    recording.after(1)
    nn.init.constant_(module[0].bias, float("nan"))
    recording.after(2)
    series = CheckpointSeries(tmp_path, module=module)
    assert series.epochs == (1, 2)
    assert series.notes(1) == ()
    assert series.notes(2) == ("After epoch 2, 1 of 4 tensors hold NaN or infinite values.",)
    assert series.weights(2)["0.bias"].isnan().all()
    with pytest.raises(WeightsError, match=r"NaN or infinite values in '0.bias'"):
        series.network(2, device="cpu")


def test_bad_folders_and_manifests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        CheckpointSeries(tmp_path / "nowhere")
    with pytest.raises(UnknownNameError, match=r"no embedded series 'zfnet'.*CheckpointSeries\(folder\)"):
        CheckpointSeries.embedded("zfnet")
    for content in ("{", "[]", json.dumps({"format": "of somebody else"})):
        (tmp_path / "series.json").write_text(content)
        with pytest.raises(DataError, match="delete it to open the bare files"):
            CheckpointSeries(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"history": 5},
        {"history": [{"loss": 1.0}]},
        {"planned": ["a"]},
        {"shapes": 3},
        {"checkpoints": [1]},
        {"checkpoints": {"1": {"file": "epoch-0001.safetensors"}}},
        {"checkpoints": {"x": {"file": "epoch-0001.safetensors", "sha256": ""}}},
        {"architecture": {"layers": 5}, "checkpoints": None},
        {"preprocess": {"width": 5}},
    ],
    ids=str,
)
def test_a_manifest_that_is_json_but_makes_no_sense_is_one_sentence(tmp_path: Path, damage: dict[str, object]) -> None:
    module: nn.Module | None = recorded(tmp_path, (1,))
    path = tmp_path / "series.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    if "architecture" in damage:
        module = None
    with pytest.raises(DataError, match="delete it to open the bare files"):
        CheckpointSeries(tmp_path, module=module).network(1, device="cpu")


def test_a_manifest_that_breaks_is_said_each_time_and_what_was_known_stays(tmp_path: Path) -> None:
    recorded(tmp_path)
    series, path = CheckpointSeries(tmp_path), tmp_path / "series.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    for _ in range(2):
        with pytest.raises(DataError, match="delete it"):
            series.refresh()
    assert (series.epochs, len(series.history)) == ((1, 2, 4), 4)
    path.write_text(whole)
    series.refresh()
    assert series.epochs == (1, 2, 4)
    shutil.rmtree(tmp_path)
    with pytest.raises(DataError, match="cannot be read any more"):
        series.refresh()


def test_a_look_between_a_file_and_its_manifest_leaves_no_trace(tmp_path: Path) -> None:
    recorded(tmp_path)
    manifest = tmp_path / "series.json"
    save_file(network(7).state_dict(), tmp_path / "epoch-0002.safetensors")
    series = CheckpointSeries(tmp_path)
    assert "damaged" in series.problems["epoch-0002.safetensors"]
    about = json.loads(manifest.read_text())
    about["checkpoints"]["2"]["sha256"] = sha256_of(tmp_path / "epoch-0002.safetensors")
    manifest.write_text(json.dumps(about))
    assert series.refresh()
    assert (series.epochs, series.problems) == ((1, 2, 4), {})


def test_every_epoch_has_the_same_names_also_where_nobody_said_which(tmp_path: Path) -> None:
    state = network().state_dict()
    torch.save(state, tmp_path / "epoch_1.pt")
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "epoch_2.pt")
    series = CheckpointSeries(tmp_path)
    assert series.weights(1).keys() == series.weights(2).keys() == state.keys()


def test_figures_that_nobody_measured_are_none() -> None:
    assert EpochFigures(3) == (3, None, None, None, None, None)


def test_the_same_weights_at_two_epochs_are_said(tmp_path: Path) -> None:
    recorded(tmp_path)
    (tmp_path / "series.json").unlink()
    shutil.copy(tmp_path / "epoch-0001.safetensors", tmp_path / "epoch-0002.safetensors")
    series = CheckpointSeries(tmp_path, module=network())
    assert series.epochs == (1, 2, 4) and not series.notes(1) and not series.notes(4)
    assert series.notes(2) == (
        "After epoch 2 the weights are those of epoch 1: the same file twice, or nothing was learnt.",
    )


def test_what_is_no_folder_and_no_module(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a path, not None"):
        CheckpointSeries(None)  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match=r"module is the torch.nn.Module that was trained, not 'alexnet'"):
        CheckpointSeries(tmp_path, module="alexnet")  # type: ignore[arg-type]
