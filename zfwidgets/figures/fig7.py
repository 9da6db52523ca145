"""Fig. 7: a grey square is moved over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import enlarge, heat_picture, label_picture, overlay, place_cells, signed_picture, titled_sheet
from zfwidgets.methods.intervals import Estimate, mean_of, share_of

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.data import Visited
    from zfwidgets.methods import OcclusionMap
    from zfwidgets.methods.pointing import PointingGame
    from zfwidgets.network import Network

__all__ = ["fig7"]

_SHOWN = ("scene-7/00002", "scene-7/00009", "scene-7/00001")
_SIDE, _OPACITY = 200, 0.7
_UNSEEN_SEED = 3
_RISE = 0.3
"""In probability, from which on hiding something raises a class."""


def fig7(
    backend: Backend,
    effort: float = 1.0,
    game: PointingGame | None = None,
    visits: tuple[Visited, PointingGame] | None = None,
) -> PaperFigure:
    """Probability, most probable label and strongest activation at every place of the square.

    Parameters
    ----------
    backend : Backend
        Whose network; the three pictures are its own.
    effort : float
        1 measures 48 scenes and 32 with a second object, less a share of them.
    game, visits : optional
        A `pointing_game` that has been played already; one over `visited_scenes`, with these.
    """
    net = backend.network
    game = _played(net, some(48, effort, 4)) if game is None else game
    crowd, pairs = _visited(net, some(32, effort, 4)) if visits is None else visits
    rises = pairs.rises(_RISE)
    on_guest = sum(_inside(crowd.guests[rise.key].box, rise.place) for rise in rises)
    size = min(net.input_size) // 3
    return PaperFigure(
        "Fig. 7: parts of the picture hidden",
        "Where the grey square hides the object, the probability of the class drops, the strongest map of layer 5 "
        "falls silent, and the network names something else: it looks at the object, not at its surroundings. Where it "
        "hides another thing that the map is about, the class becomes more probable (section 4.2, three pictures; no "
        "numbers).",
        f"{net.name}, a square of {size} pixels. Left to right: the picture, the projection of its strongest "
        f"{net.default_layer} map, that map's activation, the probability and the most probable label at each place of "
        f"the square. The numbers are over {len(game)} scenes that it has never seen, with 95 % intervals, squares of "
        f"{game.size} pixels.",
        (*_claims(game), _raised(on_guest, len(pairs))),
        _picture(backend, size),
    )


def _played(net: Network, count: int) -> PointingGame:
    from zfwidgets.data import scene_of, scenes
    from zfwidgets.methods.pointing import pointing_game

    unseen = scenes(count, seed=_UNSEEN_SEED)
    known = {key: scene_of(key) for key in unseen}
    named = {key: scene.name for key, scene in known.items()}
    taught = set(named.values()) <= set(net.classes)
    return pointing_game(net, unseen, {key: scene.box for key, scene in known.items()}, named if taught else None)


def _visited(net: Network, count: int) -> tuple[Visited, PointingGame]:
    from zfwidgets.data import visited_scenes
    from zfwidgets.methods.pointing import pointing_game

    crowd = visited_scenes(count, seed=_UNSEEN_SEED)
    hosts = {key: crowd.images.label(key) for key in crowd.images}
    taught = set(hosts.values()) <= set(net.classes)
    return crowd, pointing_game(net, crowd.images, crowd.boxes, hosts if taught else None)


def _inside(box: tuple[float, float, float, float], place: tuple[float, float]) -> bool:
    (left, top, right, bottom), (x, y) = box, place
    return left <= x <= right and top <= y <= bottom


def _claims(game: PointingGame) -> tuple[Claim, ...]:
    anywhere, middle = mean_of(game.area), share_of(game.centre)
    return (
        Claim(
            f"the class falls most with the square's middle on the object: in {game.share('class')} of the scenes; any "
            f"place would be in {anywhere}",
            game.share("class").low > game.area.mean(),
        ),
        Claim(
            f"so does the strongest map of {game.layer}: in {game.share('map')}",
            game.share("map").low > game.area.mean(),
        ),
        Claim(
            f"both more often than the middle of the picture lies on it ({middle}): by {game.gain('class')} and "
            f"{game.gain('map')}",
            _beyond(game.gain("map"), game.gain("class")),
        ),
        Claim(f"they fall together: correlation {game.agreement}", game.agreement.low > 0),
    )


def _beyond(*gains: Estimate) -> bool | None:
    """Whether all are above 0; None where an interval holds it, so that more pictures would have to tell."""
    if all(gain.low > 0 for gain in gains):
        return True
    return False if any(gain.high < 0 for gain in gains) else None


def _raised(on_guest: int, count: int) -> Claim:
    return Claim(
        f"hiding a second object raises the first one's class by {_RISE} or more: in {on_guest} of {count} scenes",
        on_guest > 0,
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
