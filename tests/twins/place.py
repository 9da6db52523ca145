"""The slow twin of `units_at`: fields as sets of pixels, every cell tried, values from the module itself."""

from __future__ import annotations

import torch
from torch import nn


def slow_fields(parts, axis, cells):
    """For each cell of the last part's output, the pixels along an axis that it reads, those in the padding too."""
    return [_field(list(parts), axis, cell) for cell in range(cells)]


def _field(parts, axis, cell):
    if not parts:
        return {cell}
    part = parts[-1]
    if not hasattr(part, "kernel_size"):
        return _field(parts[:-1], axis, cell)
    kernel, stride, padding, dilation = (
        value[axis] if isinstance(value, tuple) else value
        for value in (part.kernel_size, part.stride, part.padding, part.dilation)
    )
    read = set()
    for step in range(kernel):
        read |= _field(parts[:-1], axis, cell * stride - padding + dilation * step)
    return read


def slow_units_at(parts, x, pixel, count):
    """Cell, box, channels and values; None where no field reaches over the pixel."""
    with torch.no_grad():
        maps = nn.Sequential(*parts)(x[None].clone())[0]
    cell, box = [], []
    for axis in (0, 1):
        fields = slow_fields(parts, axis, maps.shape[1 + axis])
        middles = [(min(field) + max(field)) / 2 for field in fields]
        away = [abs(middle - pixel[axis]) for middle in middles]
        nearest = away.index(min(away))
        if not min(fields[nearest]) <= pixel[axis] <= max(fields[nearest]):
            return None
        cell.append(nearest)
        box.append((min(fields[nearest]), max(fields[nearest]) - min(fields[nearest]) + 1))
    values = maps[:, cell[0], cell[1]].tolist()
    ranked = sorted((-value, channel) for channel, value in enumerate(values) if value > 0)[:count]
    (top, height), (left, width) = box
    return tuple(cell), (top, left, height, width), [channel for _, channel in ranked], [-value for value, _ in ranked]
