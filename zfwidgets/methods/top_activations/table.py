"""An index as a table, for people who have tools for tables."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.errors import DataError
from zfwidgets.methods.top_activations.container import atomically

if TYPE_CHECKING:
    from zfwidgets.methods.top_activations.result import TopActivations

__all__ = ["write_parquet"]


def write_parquet(top: TopActivations, path: Path) -> Path:
    """One row for each entry: layer, channel, rank, value, image, row, column, top, left, height, width.

    Raises
    ------
    DataError
        Without pyarrow, or if the file cannot be written.
    """
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise DataError("A table is written by pyarrow; install it with: pip install 'zfwidgets[parquet]'.") from None
    tables = [pyarrow.table(_columns(top, layer)) for layer in top.layers]
    with atomically(path) as file:
        parquet.write_table(pyarrow.concat_tables(tables), file)
    return path


def _columns(top: TopActivations, layer: str) -> dict[str, Any]:
    found, field = top[layer], top.field(layer)
    channel, rank = np.nonzero(found.positions[..., 0] >= 0)
    rows, columns = found.positions[channel, rank].T
    count = len(channel)
    return {
        "layer": [layer] * count,
        "channel": channel,
        "rank": rank,
        "value": found.values[channel, rank],
        # A file name that is no valid text is shown with its odd bytes replaced.
        "image": [key.encode("utf-8", "replace").decode() for key in found.images[channel, rank]],
        "row": rows,
        "column": columns,
        "top": field.offsets[0] + field.strides[0] * rows,
        "left": field.offsets[1] + field.strides[1] * columns,
        "height": np.full(count, field.sizes[0]),
        "width": np.full(count, field.sizes[1]),
    }
