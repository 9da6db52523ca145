"""Weight files: read safely, and checked against the architecture."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file
from torch import Tensor, nn

from zfwidgets.errors import WeightsError

__all__ = ["load_into", "read_safely", "read_weights", "sha256_of", "state_of"]

_STATES = ("state_dict", "model_state_dict", "model")


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Tensors of a ``.safetensors`` file, or of a torch file that holds nothing but tensors.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or would need unpickling of anything but tensors.
    """
    file = Path(path)
    if not file.is_file():
        raise WeightsError(f"There is no weight file {str(file)!r}; give the path of a .safetensors or .pth file.")
    return state_of(read_safely(file), file)


def read_safely(file: Path, content: bytes | None = None) -> Any:
    """What a weight file holds: a dict of tensors, or what else torch loads without running code.

    `content` is what was read of the file already; else it is mapped into memory, which large files need.

    Raises
    ------
    WeightsError
        As `read_weights`.
    """
    try:
        head = (_start(file) if content is None else content[:64]).lstrip().lower()
    except OSError as error:
        raise WeightsError(f"{file.name} cannot be read ({_line(error)}); get it again.") from error
    if not head or head.startswith((b"<!doctype", b"<html", b"<?xml")):
        what = "a web page" if head else "empty"
        raise WeightsError(f"{file.name} is {what} instead of weights; download the file itself again.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file) if content is None else load(content)
        source = file if content is None else io.BytesIO(content)
        return torch.load(source, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file.name} is not a readable weight file ({_line(error)}); get it again.") from error
    except Exception as error:  # the reader raises whatever a foreign file leads it to
        raise WeightsError(
            f"{file.name} is not a file of plain tensors, and nothing else is loaded, because unpickling runs code; "
            "save the state_dict with safetensors."
        ) from error


def state_of(raw: Any, file: Path) -> dict[str, Tensor]:
    """The state_dict in what a file holds: itself, or under the names that training loops use.

    Raises
    ------
    WeightsError
        If there is none.
    """
    names = [name for name in _STATES if isinstance(raw, dict) and isinstance(raw.get(name), dict)]
    state = raw[names[0]] if names else raw
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{file.name} holds no state_dict; save the network's state_dict with safetensors.")
    return state


def load_into(module: nn.Module, state: dict[str, Tensor], source: str, *, ignore: tuple[str, ...] = ()) -> None:
    """Copy weights into a module, whose names and shapes must all fit and which must be finite.

    Parameters
    ----------
    module : nn.Module
        Filled in place.
    state : dict
        Name to tensor; half precision is widened.
    source : str
        Where they come from, for the message.
    ignore : tuple of str
        Prefixes of names that may be left over.
    """
    state = {name: value for name, value in state.items() if not name.startswith(ignore)} if ignore else state
    wanted = module.state_dict()
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = sorted(wanted.keys() - state.keys() - counters)
    extra = sorted(state.keys() - wanted.keys())
    shapes = [name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape]
    if missing or extra or shapes:
        detail = [
            f"it lacks {missing[0]!r}" if missing else "",
            f"it has {extra[0]!r}" if extra else "",
            f"{shapes[0]!r} is {tuple(state[shapes[0]].shape)} instead of {tuple(wanted[shapes[0]].shape)}"
            if shapes
            else "",
        ]
        raise WeightsError(
            f"The weights in {source} belong to another architecture than {type(module).__name__}: "
            f"{', '.join(filter(None, detail))}. Load them into the network that they were saved from."
        )
    broken = [name for name, value in state.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise WeightsError(f"The weights in {source} hold NaN or infinite values in {broken[0]!r}; get them anew.")
    kept = {name: wanted[name] for name in counters - state.keys()}
    module.load_state_dict(
        {
            **{name: value.float() if value.is_floating_point() else value for name, value in state.items()},
            **kept,
        }
    )


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Hexadecimal sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _start(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(64)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
