"""Curves as SVG: where they lie, what is left out, what a page must not run."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from zfwidgets.widgets.parts.curves import Curve, CurveFigure

X = np.array([0.0, 10, 20, 30, 40])


def drawn(figure: CurveFigure) -> ElementTree.Element:
    """The SVG, which must be well formed."""
    return ElementTree.fromstring(figure._plot.value)


def points(node: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in (pair.split(",") for pair in node.attrib["points"].split())]


def test_points_lie_between_the_axes_and_unknown_ones_are_left_out() -> None:
    figure = CurveFigure("Distance")
    curve = Curve(X, np.array([0, 0.5, np.nan, 1, 3], np.float32), "#123456")
    figure.draw([curve], 0, 40, unit="°")
    (line,) = drawn(figure).iter("polyline")
    found = points(line)
    assert [x for x, _ in found] == [36, 97, 219, 280]
    heights = [y for _, y in found]
    assert heights[0] == 182 and heights[2] == 8
    assert heights[1] == pytest.approx(95)
    assert heights[3] == 8  # what is higher than the axis stays at its end
    assert "0°" in figure._plot.value and "40°" in figure._plot.value


def test_the_strong_curve_is_drawn_last_with_a_dot_under_the_cursor() -> None:
    figure = CurveFigure()
    strong = Curve(X, np.linspace(0, 1, 5).astype(np.float32), "#00ff00", strong=True)
    other = Curve(X, np.zeros(5, np.float32), "#0000ff", dashed=True)
    figure.draw([strong, other], 0, 40, cursor=20.0, marks=[30.0])
    root = drawn(figure)
    kinds = [line.attrib["class"] for line in root.iter("polyline")]
    assert kinds == ["zf-curve zf-dashed", "zf-curve zf-strong"]
    (dot,) = root.iter("circle")
    assert (dot.attrib["cx"], dot.attrib["cy"]) == ("158.0", "95.0")
    (mark,) = root.iter("path")
    assert mark.attrib["d"].startswith("M219.0 ")


def test_between_known_points_the_height_is_interpolated_and_beyond_them_unknown() -> None:
    curve = Curve(X, np.array([np.nan, 1, np.nan, 2, np.nan], np.float32), "#000000")
    assert curve.at(20) == 1.5
    assert curve.at(5) is None and curve.at(35) is None
    assert Curve(X, np.full(5, np.nan, np.float32), "#000000").at(20) is None


def test_one_amount_and_no_curve_are_drawn_too() -> None:
    figure = CurveFigure("<script>")
    figure.draw([Curve(X[:1], np.array([0.5], np.float32), "#000000", strong=True)], 0, 0, cursor=0.0)
    assert len(list(drawn(figure).iter("circle"))) == 1
    figure.draw([], 0, 1)
    assert not list(drawn(figure).iter("polyline"))
    assert "<script>" not in figure._title.value and not re.search("nan|inf", figure._plot.value)
