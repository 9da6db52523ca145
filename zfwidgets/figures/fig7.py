"""Fig. 7: a grey square is moved over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import per_cent, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import enlarge, heat_picture, label_picture, overlay, place_cells, signed_picture, titled_sheet

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.methods import OcclusionMap
    from zfwidgets.network import Network

__all__ = ["fig7"]

_SHOWN = ("scene-7/00002", "scene-7/00009", "scene-7/00001")
_SIDE, _OPACITY = 200, 0.7


class _Found(NamedTuple):
    """One scene: mean drop where the square touches the object and where not, and what points where."""

    on: float
    beside: float
    map_points: bool
    centre_points: bool
    together: float


def fig7(backend: Backend, effort: float = 1.0) -> PaperFigure:
    """Probability, most probable label and strongest activation at every place of the square.

    Parameters
    ----------
    backend : Backend
        Whose network; the three pictures are its own.
    effort : float
        1 measures 48 scenes, less a share of them.
    """
    from zfwidgets.data import scenes

    net = backend.network
    size = min(net.input_size) // 3
    unseen = scenes(some(48, effort, 4), seed=3)
    found = [one for key in unseen if (one := _measured(net, key, unseen[key], size)) is not None]
    return PaperFigure(
        "Fig. 7: parts of the picture hidden",
        "Where the grey square hides the object, the probability of the class drops, the strongest map of layer 5 "
        "falls silent, and the network names something else: it looks at the object, not at its surroundings (section "
        "4.2, three pictures; no numbers).",
        f"{net.name}, a square of {size} pixels. Left to right: the picture, the projection of its strongest "
        f"{net.default_layer} map, that map's activation, the probability and the most probable label at each place of "
        f"the square. The numbers are over {len(found)} scenes that it has never seen.",
        _claims(found),
        _picture(backend, size),
    )


def _measured(net: Network, key: str, picture: object, size: int) -> _Found | None:
    """What the map of one scene says; None where every place of the square touches the object, or none."""
    from zfwidgets.data import scene_of
    from zfwidgets.methods import occlusion_map

    m = occlusion_map(net, picture, size=size, stride=max(1, size // 4))
    mask = _seen_mask(net, scene_of(key).mask)
    touches = np.array([[mask[r : r + size, c : c + size].any() for c in m.columns] for r in m.rows])
    drop = m.clean_probability() - m.probability()
    if touches.all() or not touches.any():
        return None
    row, column = np.unravel_index(drop.argmax(), drop.shape)
    middle = mask.shape[0] // 2, mask.shape[1] // 2
    silence = m.activation()
    flat = np.ptp(drop) == 0 or np.ptp(silence) == 0
    return _Found(
        float(drop[touches].mean()),
        float(drop[~touches].mean()),
        bool(mask[m.rows[row] + size // 2, m.columns[column] + size // 2]),
        bool(mask[middle]),
        float("nan") if flat else float(np.corrcoef(-silence.ravel(), drop.ravel())[0, 1]),
    )


def _seen_mask(net: Network, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the object is in what the network sees."""
    from PIL import Image

    seen = net.preprocess.crop(Image.fromarray(np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 255))
    return np.asarray(seen)[..., 0] > 127


def _claims(found: list[_Found]) -> tuple[Claim, ...]:
    on, beside, points, centre, together = (np.array(values, float) for values in zip(*found, strict=True))
    alike = float(np.nanmean(together)) if np.isfinite(together).any() else 0.0
    return (
        Claim(
            f"the probability drops by {on.mean():.3f} on average where the square touches the object, by "
            f"{beside.mean():.3f} beside it",
            bool(on.mean() > beside.mean()),
        ),
        Claim(
            f"the largest drop has its centre on the object in {per_cent(points.mean(), 0)} of the scenes; the middle "
            f"of the picture lies on it in {per_cent(centre.mean(), 0)}",
            bool(points.mean() > centre.mean()),
        ),
        Claim(
            f"the strongest map falls silent where the class drops: correlation {alike:.2f} on average",
            alike > 0.0,
        ),
    )


def _picture(backend: Backend, size: int) -> Pixels:
    from zfwidgets.methods import occlusion_map, project, record

    net = backend.network
    keys = [key for key in _SHOWN if backend.has_image(key)] or list(backend.images[:3])
    pairs: list[tuple[str, Pixels | None]] = []
    for key in keys:
        seen = np.asarray(backend.seen(key))
        m = occlusion_map(net, backend.picture(key), size=size, stride=max(1, size // 8))
        assert m.layer is not None and m.channel is not None
        recording = record(net, [backend.picture(key)], [m.layer])
        shadow = signed_picture(project(net, recording, m.layer, m.channel).canvas())
        labels = label_picture(m.top_label, net.classes)
        names = ", ".join(name for name, _, _ in labels.legend[:3])
        flat = _placed_labels(m, labels.pixels, size, seen)
        pairs += [
            (backend.label(key) or key, enlarge(seen, _SIDE)),
            (f"{m.layer} #{m.channel}", enlarge(shadow, _SIDE)),
            ("its activation", enlarge(_over(seen, m, m.activation(), size, None), _SIDE)),
            (f"P({net.classes[m.target]}), 0 to 1", enlarge(_over(seen, m, m.probability(), size, 1.0), _SIDE)),
            (names, enlarge(flat, _SIDE)),
        ]
    note = "a map's colour sits where the centre of the square was; dark: hiding this place hurts"
    return stacked(titled_sheet(f"A square of {size} pixels hides the picture bit by bit", note, pairs, columns=5))


def _over(seen: Pixels, m: OcclusionMap, values: NDArray[np.float32], size: int, high: float | None) -> Pixels:
    placed = place_cells(values, m.rows, m.columns, size, (seen.shape[0], seen.shape[1]))
    return overlay(seen, heat_picture(placed, 0, high), np.where(np.isnan(placed), 0.0, _OPACITY))


def _placed_labels(m: OcclusionMap, cells: Pixels, size: int, seen: Pixels) -> Pixels:
    numbers = np.arange(cells.shape[0] * cells.shape[1]).reshape(cells.shape[:2])
    placed = place_cells(numbers, m.rows, m.columns, size, (seen.shape[0], seen.shape[1]))
    unknown = np.isnan(placed)
    colours = cells.reshape(-1, 3)[np.where(unknown, 0, placed).astype(int)]
    return overlay(seen, colours, np.where(unknown, 0.0, 1.0))
