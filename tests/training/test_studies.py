"""The studies of Table 3 and Fig. 6: resumed, refused, and what ships with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.app.cli import main
from zfwidgets.errors import DataError, ParameterError
from zfwidgets.methods.filters import filter_report
from zfwidgets.training import studies
from zfwidgets.training.embedded import train_embedded
from zfwidgets.training.studies import AblationRecipe, AblationTable, ChoiceRecipe, Run
from zfwidgets.training.studies import table3 as table3_module
from zfwidgets.training.studies.common import small_scenes

SMALL: dict[str, Any] = {"pictures": 24, "validation": 16, "channels": (4, 4, 6, 6, 4), "hidden": (4, 4), "epochs": 1}
ABLATION = AblationRecipe(seeds=(1,), batch_size=16, **SMALL)
CHOICE = ChoiceRecipe(batch_size=16, **SMALL)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower on two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_scenes_are_made_small_as_pillow_does() -> None:
    from zfwidgets.data.scenes import draw

    small = small_scenes(3, 5, 48, processes=1, progress=False)
    assert small.pixels.shape == (3, 48, 48, 3)
    for place, pixels in enumerate(small.pixels):
        scene = draw(5, place)
        assert int(small.labels[place]) == scene.label
        expected = np.asarray(scene.image.resize((48, 48), 2), float)  # bilinear, which Pillow antialiases
        assert abs(pixels.numpy() - expected).max() <= 2


def test_an_ablation_goes_on_where_it_was_and_equals_one_that_was_not_interrupted(tmp_path: Path) -> None:
    seen: list[Run] = []

    def stop(run: Run) -> None:
        seen.append(run)
        if len(seen) == 3:
            raise KeyboardInterrupt

    path = tmp_path / "table3.json"
    with pytest.raises(KeyboardInterrupt):
        zf.ablation(path, ABLATION, on_run=stop)
    assert [run.variant for run in AblationTable.open(path).runs] == list(studies.VARIANTS[:3])
    again: list[Run] = []
    table = zf.ablation(path, ABLATION, on_run=again.append)
    assert len(again) == 4
    assert table == AblationTable.open(path)
    assert zf.ablation(path, ABLATION, on_run=again.append) == table
    assert len(again) == 4
    with pytest.raises(DataError, match="another recipe"):
        zf.ablation(path, replace(ABLATION, rate=0.1))
    first = table.runs[0]
    alone = table3_module._run(ABLATION, first.variant, first.seed, *scenes_of(ABLATION), False)
    assert alone == first


def scenes_of(recipe: AblationRecipe) -> Any:
    counts = (recipe.pictures, recipe.validation)
    return (small_scenes(count, recipe.scenes + place, recipe.size, 1, False) for place, count in enumerate(counts))


def test_variants_differ_in_what_their_names_say() -> None:
    def sizes(variant: str) -> tuple[list[int], list[int]]:
        modules = list(AblationRecipe().network(variant, 1).modules())
        convolutions = [module.out_channels for module in modules if isinstance(module, nn.Conv2d)]
        return convolutions, [module.out_features for module in modules if isinstance(module, nn.Linear)]

    assert [sizes(variant) for variant in studies.VARIANTS] == [
        ([16, 32, 48, 48, 32], [64, 64, 16]),
        ([16, 32, 32], [64, 64, 16]),
        ([16, 32, 48, 48, 32], [16]),
        ([16, 32, 32], [16]),
        ([16, 32, 48, 48, 32], [32, 32, 16]),
        ([16, 32, 48, 48, 32], [128, 128, 16]),
        ([16, 32, 64, 128, 64], [64, 64, 16]),
    ]


def test_a_table_compares_seed_by_seed_with_the_paper() -> None:
    runs = []
    for seed in (1, 2, 3):
        changes = {"whole": 0.0, "without 3, 4": 0.05 + 0.001 * seed, "without 6, 7": 0.2 * (-1) ** seed}
        for variant, change in changes.items():
            runs.append(Run(variant, seed, 0.3 + change + 0.1 * seed, 0.5 + 0.1 * seed, 0.2, 10))
    table = AblationTable({}, tuple(runs))
    np.testing.assert_allclose(table.mean("whole"), [50, 70, 20])
    np.testing.assert_allclose(table.spread("whole"), [10, 10, 0], atol=1e-9)
    rows = {(row.variant, row.column): row for row in table.comparisons()}
    row = rows["without 3, 4", "training error"]
    assert (row.difference, row.uncertainty) == pytest.approx((5.2, 0.1 / np.sqrt(3)))
    assert (row.paper, row.verdict) == (pytest.approx(41.8 - 35.1), "same direction")
    assert rows["without 6, 7", "training error"].verdict == "not told apart"
    assert rows["without 3, 4", "validation error"].verdict == "not told apart"
    assert "without 3, 4" in str(table) and "50.0 +- 10.0" in str(table)
    alone = AblationTable({}, tuple(run for run in runs if run.seed == 1))
    assert np.isnan(alone.spread("whole")).all()
    assert {row.verdict for row in alone.comparisons()} == {"not told apart"}


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"format": "zfwidgets fig6 1"}', b'{"format": "zfwidgets table3 1"}']
)
def test_files_that_are_no_table(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match="study"):
        AblationTable.open(tmp_path / "a.json")
    with pytest.raises(DataError, match="cannot be read"):
        AblationTable.open(tmp_path / "b.json")


def test_the_table_that_ships_is_whole_and_of_the_default_recipe() -> None:
    table = AblationTable.open()
    assert table.recipe == table3_module._plain(AblationRecipe())
    assert len(table.runs) == 3 * len(studies.VARIANTS)
    for run in table.runs:
        size = sum(p.numel() for p in AblationRecipe().network(run.variant, run.seed).parameters())
        assert (run.parameters, run.validation_error_5 <= run.validation_error) == (size, True)


def test_the_four_networks_of_a_folder(tmp_path: Path) -> None:
    told: list[str] = []
    entries = studies.architecture_choice(tmp_path, CHOICE, on_network=lambda name, entry: told.append(name))
    assert told == list(entries) == [choice.name for choice in studies.CHOICES]
    again = studies.architecture_choice(tmp_path, CHOICE, on_network=lambda name, entry: told.append(name))
    assert again == entries
    assert len(told) == 4
    networks = studies.stored_choices(tmp_path)
    validation = small_scenes(CHOICE.validation, CHOICE.scenes + 1, CHOICE.size, 1, False)
    pictures = zf.ImageSet.from_arrays(validation.pixels.numpy())
    for name, net in networks.items():
        report = filter_report(net, pictures, radius=CHOICE.radius)
        assert entries[name]["figures"] == pytest.approx(report.figures(), abs=1e-5)
        # In 16 bits a filter at the radius may lie a little above it.
        assert not entries[name]["clipped"] or report.rms.max() <= CHOICE.radius * 1.001
    with pytest.raises(DataError, match="another recipe"):
        studies.architecture_choice(tmp_path, replace(CHOICE, rate=0.02))
    weights = tmp_path / studies.CHOICES[0].file
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(DataError, match="sha256"):
        studies.stored_choices(tmp_path)


def test_the_networks_that_ship_are_of_the_default_recipe_and_their_numbers_tell_them_apart() -> None:
    content = json.loads((Path(studies.__file__).parent / "fig6.json").read_text())
    assert content["recipe"] == json.loads(json.dumps(ChoiceRecipe().__dict__))
    figures = {name: entry["figures"] for name, entry in content["networks"].items()}
    ours, ours_free, theirs, theirs_free = figures.values()
    for clipped, free in ((ours, ours_free), (theirs, theirs_free)):
        assert clipped["dominance"] < free["dominance"]
        assert clipped["over"] == 0 < free["over"]
    for key in ("aliasing", "pattern aliasing"):
        assert max(ours[key], ours_free[key]) < min(theirs[key], theirs_free[key])
    for name, net in studies.stored_choices().items():
        report = filter_report(net, radius=ChoiceRecipe().radius)
        assert report.dominance == pytest.approx(figures[name]["dominance"], rel=1e-3)


def test_initial_filters_are_the_papers() -> None:
    network = ChoiceRecipe().network(studies.CHOICES[0])
    first = network.features[0]
    assert isinstance(first, nn.Conv2d)
    assert float(first.weight.detach().std()) == pytest.approx(0.01, rel=0.05)
    assert not first.bias.any()  # type: ignore[union-attr]
    assert torch.equal(first.weight, ChoiceRecipe().network(studies.CHOICES[1]).features[0].weight)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"seeds": ()}, {"seeds": (1, 1)}])
def test_recipes_without_sense(options: Any) -> None:
    with pytest.raises(ParameterError, match="seeds"):
        AblationRecipe(**options)
    with pytest.raises(ParameterError, match="radius"):
        ChoiceRecipe(radius=0.2)


def test_the_command_writes_and_tells(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(table3_module, "AblationRecipe", lambda: ABLATION)
    assert main(["study", "table3", "--out", str(tmp_path), "--processes", "1"]) == 0
    assert "6, 7 twice as wide" in capsys.readouterr().out
    assert len(AblationTable.open(tmp_path / "table3.json").runs) == 7


def test_a_folder_that_takes_no_files_is_said_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("table3", "fig6"):
        monkeypatch.setattr(f"zfwidgets.training.studies.{module}.small_scenes", lambda *_: pytest.fail("drawn"))
    monkeypatch.setattr("zfwidgets.training.embedded._material", lambda *_: pytest.fail("drawn"))
    (tmp_path / "file").write_bytes(b"")
    for begin in (
        lambda: zf.ablation(tmp_path / "file" / "table3.json"),
        lambda: studies.architecture_choice(tmp_path / "file"),
        lambda: train_embedded(tmp_path / "file", "zfnet-scenes"),
    ):
        with pytest.raises(DataError, match="cannot be written to"):
            begin()
