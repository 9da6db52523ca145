"""Peak memory of a new process that makes one occlusion map of AlexNet: with the package, and with Captum."""

from __future__ import annotations

from typing import Any

from benchmarks.measure import peak_memory
from benchmarks.peers import captum_module
from benchmarks.tables import Table

__all__ = ["measure", "tables"]

_TORCH = "import torch; torch.manual_seed(0); from torchvision.models import alexnet"
_CAPTUM = """
from captum.attr import Occlusion
module, picture = alexnet(weights=None).eval(), torch.rand(1, 3, 224, 224)
options = {"sliding_window_shapes": (3, 50, 50), "strides": (3, 8, 8), "target": 0}
Occlusion(module).attribute(picture, perturbations_per_eval=BATCH, **options)
"""
_OURS = """
import zfwidgets as zf
net = zf.load_network("alexnet", weights=None, device="cpu")
zf.occlusion_map(net, torch.rand(3, 224, 224), size=50, stride=8)
"""
_FORWARD = "\nwith torch.inference_mode(): alexnet(weights=None).eval()(torch.rand(1, 3, 224, 224))"


def measure() -> dict[str, Any]:
    """MB by program."""
    captum_module()
    programs = {
        "torch and one forward pass": _FORWARD,
        "zfwidgets, size 50, stride 8": _OURS,
        "Captum, one position at a time": _CAPTUM.replace("BATCH", "1"),
        "Captum, 32 positions at a time": _CAPTUM.replace("BATCH", "32"),
    }
    return {name: round(peak_memory(_TORCH + program)) for name, program in programs.items()}


def tables(results: dict[str, Any]) -> list[Table]:
    """Who and how much."""
    rows = [(name, f"{megabytes} MB") for name, megabytes in results.items()]
    return [Table("Peak memory of a process that makes an occlusion map of AlexNet", ("program", "peak"), rows)]
