"""Shapes in an object's own coordinates, their pose in the picture, and smooth drawing with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .dice import Colour, mix

Points = Sequence[tuple[float, float]] | NDArray[np.float64]

__all__ = ["Placed", "Pose", "Shape", "Sketch", "arc", "place", "rasterise", "smooth"]

FINENESS = 3
"""Shapes are drawn this many times larger and averaged down, which smooths their edges."""


class Shape(NamedTuple):
    """One filled polygon, or a thick line when ``width`` is not zero; ``fill`` None cuts a hole."""

    points: NDArray[np.float64]
    fill: Colour | None
    outline: Colour | None
    width: float


@dataclass
class Sketch:
    """An object under construction: x to the right, y down, about [-1, 1] in both.

    Examples
    --------
    >>> sketch = Sketch()
    >>> sketch.ellipse(0, 0, 1, 0.5, (200, 0, 0))
    >>> sketch.part("middle", 0, 0)
    >>> len(sketch.shapes), list(sketch.parts)
    (1, ['middle'])
    """

    shapes: list[Shape] = field(default_factory=list)
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)

    def polygon(self, points: Points, fill: Colour | None, *, outlined: bool = True) -> None:
        """A filled polygon (n, 2); with a darker line around it unless told otherwise."""
        outline = mix(fill, (20, 18, 28), 0.55) if outlined and fill is not None else None
        self.shapes.append(Shape(np.asarray(points, dtype=np.float64), fill, outline, 0.0))

    def blob(self, points: Points, fill: Colour, *, outlined: bool = True) -> None:
        """The filled smooth closed curve through the points (n, 2)."""
        self.polygon(smooth(points), fill, outlined=outlined)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, fill: Colour | None, *, turn: float = 0.0, outlined: bool = True
    ) -> None:
        """A filled ellipse with half axes ``rx`` and ``ry``, turned by ``turn`` radians."""
        circle = _circle() * (rx, ry)
        if turn:
            cos, sin = math.cos(turn), math.sin(turn)
            circle = circle @ np.array([[cos, sin], [-sin, cos]])
        self.polygon(circle + np.array([x, y]), fill, outlined=outlined)

    def stroke(self, points: Points, width: float, fill: Colour) -> None:
        """A thick line with round ends through the points (n, 2)."""
        self.shapes.append(Shape(np.asarray(points, dtype=np.float64), fill, None, width))

    def part(self, name: str, x: float, y: float) -> None:
        """Name the place of a part; "left" and "right" are the picture's sides."""
        self.parts[name] = (x, y)


@lru_cache(maxsize=1)
def _circle() -> NDArray[np.float64]:
    angles = np.linspace(0.0, 2 * math.pi, 28, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def arc(x: float, y: float, rx: float, ry: float, start: float, stop: float, count: int = 14) -> NDArray[np.float64]:
    """Points (count, 2) on an ellipse from one angle to another, in radians, clockwise on the screen."""
    angles = np.linspace(start, stop, count)
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


@lru_cache(maxsize=1)
def _spline(steps: int = 5) -> NDArray[np.float64]:
    t = np.linspace(0.0, 1.0, steps, endpoint=False)
    # Catmull-Rom with tension 1/2: weights of the four neighbouring points.
    return 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], axis=1
    )


def smooth(points: Points) -> NDArray[np.float64]:
    """A closed smooth curve through points (n, 2), five points per span: (5 n, 2)."""
    knots = np.asarray(points, dtype=np.float64)
    neighbours = np.stack([np.roll(knots, 1, 0), knots, np.roll(knots, -1, 0), np.roll(knots, -2, 0)], axis=1)
    curve: NDArray[np.float64] = np.einsum("sk,nkd->nsd", _spline(), neighbours).reshape(-1, 2)
    return curve


class Pose(NamedTuple):
    """How an object stands in the picture."""

    extent: float
    """Longer side of its bounding box, in picture pixels."""
    turn: float
    """Rotation in radians, clockwise on the screen."""
    stretch: float
    """Width over height relative to the sketch."""
    mirrored: bool
    across: float
    """Where its bounding box stands in the free width: 0 left border, 1 right border."""
    down: float
    """The same for the free height: 0 top, 1 bottom."""


class Placed(NamedTuple):
    """A sketch in picture coordinates."""

    shapes: list[Shape]
    parts: dict[str, tuple[float, float]]
    pixels_per_unit: float


def place(sketch: Sketch, pose: Pose, size: int, margin: float = 2.0) -> Placed:
    """Move a sketch into a picture of ``size`` x ``size`` so that all of it is inside.

    Parameters
    ----------
    sketch : Sketch
        The object.
    pose : Pose
        Its size, rotation, mirroring and position.
    size, margin : pixels
        Side of the picture, and what stays free at every border.

    Returns
    -------
    Placed
        Shapes and parts in pixels of the picture (0 is the left or top edge of the first pixel).
    """
    cos, sin = math.cos(pose.turn), math.sin(pose.turn)
    flip = -1.0 if pose.mirrored else 1.0
    matrix = np.array([[cos, sin], [-sin, cos]])
    matrix[0] *= flip * pose.stretch
    inked = [shape for shape in sketch.shapes if shape.fill is not None]
    reach = max(shape.width for shape in inked) / 2
    every = np.concatenate([shape.points for shape in inked]) @ matrix
    low, high = every.min(0) - reach, every.max(0) + reach
    scale = min(pose.extent, size - 2 * margin) / float((high - low).max())
    free = size - 2 * margin - scale * (high - low)
    shift = margin + free * (pose.across, pose.down) - scale * low
    shapes = [
        shape._replace(points=shape.points @ matrix * scale + shift, width=shape.width * scale)
        for shape in sketch.shapes
    ]
    parts = {}
    for name, point in sketch.parts.items():
        x, y = np.asarray(point) @ matrix * scale + shift
        parts[_swap_sides(name) if pose.mirrored else name] = (float(x), float(y))
    return Placed(shapes, parts, scale)


def _swap_sides(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def rasterise(shapes: Sequence[Shape], size: int, outline: float = 1.0) -> NDArray[np.float32]:
    """Draw shapes smoothly.

    Parameters
    ----------
    shapes : sequence of Shape
        In picture pixels, the first at the bottom.
    size : int
        Side of the square picture in pixels.
    outline : float
        Width of the outlines in pixels.

    Returns
    -------
    array (size, size, 4) float32
        Red, green, blue multiplied by the coverage, 0 to 255; coverage 0 to 1 last.
    """
    # RGBX rather than RGBA: a fine pixel is covered or not, so the canvas is premultiplied as it stands, and
    # Pillow averages the four bands without converting it first.
    canvas = Image.new("RGBX", (size * FINENESS, size * FINENESS))
    draw = ImageDraw.Draw(canvas)
    line = max(1, round(outline * FINENESS))
    for shape in shapes:
        points = (shape.points * FINENESS).ravel().tolist()
        ink = (0, 0, 0, 0) if shape.fill is None else (*shape.fill, 255)
        if shape.width:
            _stroke(draw, points, max(FINENESS, round(shape.width * FINENESS)), ink)
            continue
        draw.polygon(points, fill=ink)
        if shape.outline is not None:
            draw.line(points + points[:4], fill=(*shape.outline, 255), width=line)
    small = canvas.reduce(FINENESS)
    layer = np.frombuffer(small.tobytes(), dtype=np.uint8).reshape(size, size, 4).astype(np.float32)
    layer[..., 3] /= 255
    return layer


def _stroke(draw: ImageDraw.ImageDraw, points: list[float], width: int, ink: tuple[int, ...]) -> None:
    draw.line(points, fill=ink, width=width, joint="curve" if len(points) < 16 else None)
    radius = width / 2
    if radius > 2:
        for x, y in (points[:2], points[-2:]):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
