"""The benchmarks import without what they compare with; their tables say what the files hold. Nothing is timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from twins.networks import slow_occlusion
from twins.zoo import small

from zfwidgets.imaging import Preprocess
from zfwidgets.methods import invariance_curves
from zfwidgets.network import Network

CIRCUMSTANCES = {
    "date": "2026-01-02 03:04",
    "torch": "9.9",
    "captum": None,
    "threads": 2,
    "repeats": 5,
    "load_at_start": 0.1,
    "cores_used_by_others": 0.02,
    "took_seconds": 12.3,
}


@pytest.fixture(autouse=True)
def _without_peers(monkeypatch: pytest.MonkeyPatch, repository: Path) -> Iterator[None]:
    """The root of the repository is importable; Captum and matplotlib are not."""
    monkeypatch.syspath_prepend(str(repository))
    for peer in ("captum", "captum.attr", "matplotlib", "playwright", "playwright.sync_api"):
        monkeypatch.setitem(sys.modules, peer, None)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def plain() -> Network:
    return Network(small("Plain"), preprocess=Preprocess(size=33), device="cpu")


def timing(median: float) -> dict[str, float]:
    return {"median": median, "low": median, "high": median, "rounds": 5, "others": 0.0}


def occlusion(exact: float, fast: bool = True) -> dict[str, Any]:
    """What the section keeps of one network."""
    spent = {"captum": 9.0, "captum best": 6.0, "loop": 4.0, "dense": 4.5, "exact": exact}
    spent |= {"fast": exact / 2} if fast else {}
    one = {
        "positions": 529,
        "seconds": {kind: timing(median) for kind, median in spent.items()},
        "correlation": {"fast": 0.9998} if fast else {},
        "multiply_adds": {"dense": 4e11, "chosen": 1e11, "bound": 5e10},
    }
    small = {**one, "positions": 729, "multiply_adds": None}
    return {
        "stride": 8,
        "networks": {
            "alexnet": {"best_batch": {"captum": 16, "loop": 32}, "sizes": {"16": small, "50": one}},
        },
    }


def projections(ours: float) -> dict[str, Any]:
    """What the section keeps of one network."""
    return {
        "maps": 16,
        "networks": {
            "alexnet": {
                "pictures": 9,
                "units": 720,
                "difference": {"median": 7e-7, "worst": 2e-2},
                "seconds": {"ours": timing(ours), "captum": timing(20.0), "hooks": timing(12.0)},
                "seconds_per_unit": {"features.1": {"captum": timing(0.03), "hooks": timing(0.02)}},
                "best_batch": {"features.1": 4},
                "one_unit": {"layer": "features.11", "picture": timing(0.015), "recording": timing(0.005)},
            },
        },
    }


def growth() -> dict[str, Any]:
    """Three axes, one point each."""
    point = {"dense": 8e9, "chosen": 2e9, "bound": 1e9, "seconds": {"dense": 0.06, "chosen": 0.05}}
    return {"side": [{"at": 64, **point}], "step": [{"at": 8, **point}], "depth": [{"at": 4, **point}]}


def known(kind: str = "cpu", exact: float = 1.0) -> dict[str, Any]:
    sections = {
        "live": {"a map": timing(0.25)},
        "page": {"a cold page": timing(12.0)},
        "occlusion": occlusion(exact),
        "projections": projections(exact),
        "memory": {"zfwidgets": 1200, "Captum": 1300},
        "growth": growth(),
        "allocator": {"network": "a", "a sweep": {"plain": 3.0, "tuned": 2.0, "ratio": 1.5}},
    }
    return {
        "device": {"kind": kind, "words": f"Some {kind}", "slug": f"some-{kind}"},
        "sections": {name: {"circumstances": CIRCUMSTANCES, "results": found} for name, found in sections.items()},
    }


def test_every_section_imports_and_says_what_it_misses() -> None:
    report = import_module("benchmarks.report")
    unavailable = import_module("benchmarks.measure").UnavailableError
    for name in report.SECTIONS:
        module = report.section(name)
        assert module is None or callable(module.measure), name
    for name in ("occlusion", "projections"):
        with pytest.raises(unavailable, match=r"needs Captum, which is not installed; try pip install"):
            report.section(name).measure(("alexnet",))
    with pytest.raises(unavailable, match="needs Playwright"):
        report.section("page").measure()


def test_a_section_is_given_what_it_asks_for() -> None:
    report, settings = import_module("benchmarks.report"), import_module("benchmarks.settings")
    section = type("Section", (), {"measure": staticmethod(lambda repeats, device="x": {"got": [repeats, device]})})
    found = report.ran("it", section, settings.Settings(3, "cpu"))
    assert found["results"] == {"got": [3, "cpu"]}
    assert set(found["circumstances"]) == set(CIRCUMSTANCES)


def test_tables_show_the_figures(tmp_path: Path) -> None:
    report = import_module("benchmarks.report")
    report.write(known(), tmp_path)
    text = (tmp_path / "some-cpu.md").read_text(encoding="utf-8")
    large = next(line for line in text.splitlines() if line.startswith("| alexnet | 50 "))
    cells = [cell.strip() for cell in large.strip("|").split("|")]
    assert cells[2:10] == ["529", "9 s", "6 s (16)", "4 s (32)", "4.5 s", "1 s", "6.0x", "4.0x"]
    assert cells[10:] == ["4.0x", "8.0x", "200", "0.5 s (0.9998)", "-"]
    sheet = next(line for line in text.splitlines() if line.startswith("| alexnet | 720 "))
    assert sheet == "| alexnet | 720 | 20 s | 12 s | 1 s | 20x | 12x | 15 ms | 5 ms | 7e-07 (at worst 2e-02) |"
    assert "| alexnet | features.1 | 30 ms | 20 ms (4) |" in text
    assert "| a map | 250 ms |" not in text
    assert "| a map | 0.25 s |" in text
    assert "| side of the picture, pixels 64 | 8 | 2 | 1 | 4.0x | 60 ms | 50 ms |" in text
    assert "| a sweep | 3 s | 2 s | 1.5x |" in text
    assert "Nothing to compare here" in import_module("benchmarks.allocator").tables({"network": "a"})[0].markdown()


def test_the_readme_quotes_the_files(tmp_path: Path) -> None:
    report = import_module("benchmarks.report")
    readme = tmp_path / "README.md"
    readme.write_text(
        "before\n<!-- benchmarks: x -->\nformer figures\n<!-- end of benchmarks -->\nafter\n", encoding="utf-8"
    )
    report.quote(tmp_path, readme)
    assert "Nothing has been measured yet" in readme.read_text(encoding="utf-8")
    report.write(known(), tmp_path)
    report.quote(tmp_path, readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- benchmarks: x -->\nMeasured on Some cpu (2 threads, torch 9.9); medians.")
    assert "| alexnet | 6 s | 1 s | **6.0x** | 0.5 s | 6.0x | - | - |" in text
    assert "| alexnet, 720 units | 20 s | 12 s | 1 s | **20x** | 15 ms | - | - |" in text
    assert text.count("| what a person waits for | time |") == 1
    assert "| 64 x 64 | 60 ms | 50 ms | 1.2x |\n\n![How the cost" in text
    assert "former" not in text
    report.write(known("cuda", exact=0.006), tmp_path)
    report.quote(tmp_path, readme)
    text = readme.read_text(encoding="utf-8")
    assert "GPU: Some cuda" in text
    assert "| alexnet | 6 s | 1 s | **6.0x** | 0.5 s | 6.0x | 6 ms | 1000x |" in text
    assert "| alexnet, 720 units | 20 s | 12 s | 1 s | **20x** | 15 ms | 6 ms | 3333x |" in text


def test_what_is_kept_is_what_is_shown(repository: Path) -> None:
    report = import_module("benchmarks.report")
    files = sorted(report.FOLDER.glob("*.json"))
    assert files
    for file in files:
        results = json.loads(file.read_text(encoding="utf-8"))
        assert file.with_suffix(".md").read_text(encoding="utf-8") == report.rendered(results)
    text = (repository / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- benchmarks: ")[2].partition("-->\n")[2].partition("<!-- end of benchmarks -->")[0]
    assert shown == report.quoted()


def test_rounds_take_turns_and_a_disturbed_one_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = import_module("benchmarks.measure")
    disturbance = iter([0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    monkeypatch.setattr(measure, "others", lambda: lambda: next(disturbance))
    ran: list[str] = []
    actions = {name: (lambda name=name: ran.append(name)) for name in "ab"}
    found = measure.interleaved(actions, 3, warm={"a": lambda: ran.append("w")})
    assert "".join(ran) == "wb" + "ab" + "ba" + "ab" + "ba" + "ab" + "ba"
    assert {name: timing.rounds for name, timing in found.items()} == {"a": 3, "b": 3}
    assert found["a"].others == pytest.approx(1 / 3)


def test_the_contestants_get_one_question() -> None:
    peers = import_module("benchmarks.peers")
    net = plain()
    clean = torch.rand(3, *net.input_size, generator=torch.Generator().manual_seed(0))
    question = peers.Question(net, clean, 6, 4)
    logits, corners = slow_occlusion(net.module, clean, 6, 4, question.grey)
    assert question.places.tolist() == [[row, column] for row in corners[0] for column in corners[1]]
    loop = question.loop(question.places, 3)
    np.testing.assert_allclose(loop, logits.reshape(loop.shape), atol=1e-5)
    np.testing.assert_allclose(question.ours().logits, logits, atol=1e-5)


def test_a_wrong_answer_stops_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    occlusion, peers = import_module("benchmarks.occlusion"), import_module("benchmarks.peers")
    net = plain()
    question = peers.Question(net, torch.rand(3, *net.input_size), 6, 4)
    answer = question.ours()
    assert occlusion._checked(question, answer) is answer
    answer.logits[0, 0] += 0.01 * np.abs(answer.logits).max()
    with pytest.raises(occlusion.WrongAnswerError, match="logits differ by"):
        occlusion._checked(question, answer)


def test_a_sheet_is_the_strongest_units_and_the_hooks_give_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    section, wrong = import_module("benchmarks.projections"), import_module("benchmarks.occlusion").WrongAnswerError
    net = plain()
    pictures = torch.rand(3, 3, *net.input_size, generator=torch.Generator().manual_seed(0))
    sheet = section.Sheet.of(net, pictures, ("1", "5"), maps=4)
    assert [(unit.channel, unit.image) for unit in sheet.units["5"][:5]] == [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)]
    with torch.no_grad():
        maps = nn.Sequential(*net.module.children())[:6](pictures)
    for unit in sheet.units["5"]:
        assert maps[unit.image, unit.channel, unit.row, unit.column] == maps[unit.image, unit.channel].max()
    answer, module = sheet.ours(), section.hooked(net.module)
    units = sheet.units["5"]
    torch.testing.assert_close(sheet.hooks(module, units, 5), sheet.hooks(module, units, 1))
    assert section._checked(sheet, answer, module, captum=False)["worst"] <= 1e-5
    assert not any(part._backward_hooks or part._forward_hooks for part in net.module.modules())
    for projection in answer:
        projection.pixels[:] *= 1.01
    with pytest.raises(wrong, match=r"pixels differ by 1\.0e-02 of the largest one from those of the peers"):
        section._checked(sheet, answer, module, captum=False)


def test_the_loop_over_turned_pictures_has_our_curves() -> None:
    section, wrong = import_module("benchmarks.invariance"), import_module("benchmarks.occlusion").WrongAnswerError
    net = plain()
    pictures = [
        Image.fromarray(np.random.default_rng(place).integers(0, 255, (40, 40, 3), np.uint8)) for place in (0, 1)
    ]
    loop = section.Loop(net, {"conv1": "1", "fc3": "10"})
    distances, shares = loop.curves(pictures, (0, 90, 270))
    found = invariance_curves(net, pictures, "rotate", (0, 90, 270), ["conv1", "fc3"], border="black")
    assert section._compared(found, distances, shares) > 0.999
    assert not any(part._forward_hooks for part in net.module.modules())
    distances["conv1"] = distances["conv1"][:, ::-1]
    with pytest.raises(wrong, match="correlate with"):
        section._compared(found, distances, shares)


def test_curves_are_compared_with_the_loop_and_with_the_network_alone() -> None:
    section = import_module("benchmarks.invariance")
    spent = {name: timing(median) for name, median in (("loop", 12.0), ("ours", 4.0), ("fast", 2.0), ("forward", 3.0))}
    found = {"network": "alexnet", "pictures": 5, "angles": 121, "correlation": 1.0, "first": 0.5, "seconds": spent}
    found |= {"precision": "fast", "off": {"distance": 0.008, "probability": 0.04}}
    (table,), (short,) = section.tables(found), section.readme(found, None)
    assert table.rows == [("alexnet, 5 pictures x 121 angles", "12 s", "4 s", "3.0x", "2 s", "6.0x", "0.5 s")]
    assert "75 % of ours: no exact answer is more than 4.0x as fast" in short.note and "up to 0.8 %" in short.note
    (slow,) = section.readme(found | {"precision": "exact"}, None)
    assert slow.rows[0][-2:] == ("-", "-") and "16-bit" not in slow.note


def test_features_are_compared_with_the_forward_pass() -> None:
    probes = import_module("benchmarks.probes")
    spent = {name: timing(median) for name, median in (("forward", 0.97), ("features", 1.0), ("known", 0.01))}
    (table,) = probes.tables({"alexnet": {"layers": 7, "seconds": spent}})
    assert table.rows[0][0] == "alexnet" and table.rows[0][3].startswith("97")
