"""Fig. 7: a grey square is moved over the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zfwidgets.figures.canvas import stacked
from zfwidgets.figures.common import UNSEEN_SEED, beyond, some
from zfwidgets.figures.result import Claim, PaperFigure, Pixels
from zfwidgets.imaging import enlarge, heat_picture, label_picture, overlay, place_cells, signed_picture, titled_sheet
from zfwidgets.methods.intervals import UNKNOWN, mean_of, share_of
from zfwidgets.methods.pointing.result import inside

if TYPE_CHECKING:
    from zfwidgets.backend import Backend
    from zfwidgets.data import Visited
    from zfwidgets.methods import OcclusionMap
    from zfwidgets.methods.pointing import PointingGame
    from zfwidgets.methods.pointing.result import Panel, Rise
    from zfwidgets.network import Network

__all__ = ["RISE", "fig7", "pointing_claims", "rise_claims"]

_SHOWN = ("scene-7/00002", "scene-7/00009", "scene-7/00001")
_SIDE, _OPACITY = 200, 0.7
RISE = 0.3
"""In probability, from which on hiding something raises a class."""
_SOME = 0.01
"""Share of the pictures that a rise must be beyond, to be no accident."""


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
        1 measures 500 scenes and 200 with a second object, less a share of them.
    game, visits : optional
        A `pointing_game` that has been played already; one over `visited_scenes`, with these.
    """
    net = backend.network
    game = _played(net, some(500, effort, 4)) if game is None else game
    visits = _visited(net, some(200, effort, 4)) if visits is None else visits
    size = min(net.input_size) // 3
    return PaperFigure(
        "Fig. 7: parts of the picture hidden",
        "Where the grey square hides the object, the probability of the class drops, the strongest map of layer 5 "
        "falls silent, and the network names something else: it looks at the object, not at its surroundings. Where it "
        "hides another thing that the map is about, the class becomes more probable (section 4.2, three pictures; no "
        "numbers).",
        f"{net.name}, a square of {size} pixels. Left to right: the picture, the projection of its strongest "
        f"{net.default_layer} map, that map's activation, the probability and the most probable label at each place of "
        f"the square. The numbers are over {len(game)} scenes that it has never seen, with 95 % intervals.",
        (*pointing_claims(game), *_raised(net, game, visits)),
        _picture(backend, size),
    )


def _played(net: Network, count: int) -> PointingGame:
    from zfwidgets.data import scene_of, scenes
    from zfwidgets.methods.pointing import pointing_game

    unseen = scenes(count, seed=UNSEEN_SEED)
    known = {key: scene_of(key) for key in unseen}
    named = {key: scene.name for key, scene in known.items()}
    taught = set(named.values()) <= set(net.classes)
    return pointing_game(net, unseen, {key: scene.box for key, scene in known.items()}, named if taught else None)


def _visited(net: Network, count: int) -> tuple[Visited, PointingGame]:
    from zfwidgets.data import visited_scenes
    from zfwidgets.methods.pointing import pointing_game

    crowd = visited_scenes(count, seed=UNSEEN_SEED)
    hosts = {key: crowd.images.label(key) for key in crowd.images}
    taught = set(hosts.values()) <= set(net.classes)
    return crowd, pointing_game(net, crowd.images, crowd.boxes, hosts if taught else None)


def pointing_claims(game: PointingGame) -> tuple[Claim, ...]:
    """Of pictures whose object is known: where a square does most harm, and whether map and class fall together."""
    known = int((~np.isnan(game.correlation)).sum())
    return (
        *_falls(game, "class", "the class falls most where the square hides the object (7d)"),
        *_falls(game, "map", "so does the strongest map of layer 5 (7b)"),
        Claim(
            "the strongest map and the class fall together",
            f"correlation {game.agreement}; {known} pictures",
            beyond(game.agreement, 0.0),
            note="Over the squares of a picture, mean over pictures.",
        ),
    )


def _falls(game: PointingGame, panel: Panel, says: str) -> tuple[Claim, Claim]:
    share, squares, middle = game.share(panel), mean_of(game.squares).within(0.0, 1.0), share_of(game.centre)
    note = f"Squares of {game.size} pixels in steps of {game.stride}; a hit has its middle in the box, no tolerance."
    more = game.gain(panel)
    return (
        Claim(says, f"{share} of {len(game)} pictures, any square {squares}", beyond(share, squares), note=note),
        Claim(
            f"{says}, more often than the middle of the picture lies on it",
            f"by {more.value:+.2f} ({more.low:+.2f} to {more.high:+.2f}); the middle {middle}",
            beyond(more, 0.0),
        ),
    )


def rise_claims(game: PointingGame, elsewhere: Sequence[Rise], what: str, alone: str = "") -> tuple[Claim, ...]:
    """Of the paper's third picture.

    Parameters
    ----------
    game : PointingGame
        Of pictures that may hold something beside the object.
    elsewhere : sequence of Rise
        Those of ``game.rises(RISE)`` whose square lies on that.
    what : str
        What this is called.
    alone : str
        How often a class rises where there is nothing else.
    """
    count = len(game.rises(RISE))
    share = share_of(np.arange(len(game)) < len(elsewhere))
    mostly = share_of(np.arange(count) < len(elsewhere)) if count else UNKNOWN
    lost = sum(rise.lost > 0.5 for rise in elsewhere)
    return (
        Claim(
            "hiding something beside the object raises its class in some pictures (third picture)",
            f"by {RISE} or more in {share} of {len(game)} pictures, with the square {what}{alone}",
            share.low > _SOME,
        ),
        Claim(
            "where hiding something raises the class, it is mostly something beside the object",
            f"{len(elsewhere)} of {count} pictures, {mostly}" if count else "there is no such picture",
            beyond(mostly, 0.5),
        ),
        Claim(
            "in some of these the strongest map is about what is hidden",
            f"it loses more than half in {lost} of {len(elsewhere)}",
            lost > 0 if elsewhere else None,
        ),
    )


def _raised(net: Network, game: PointingGame, visits: tuple[Visited, PointingGame]) -> tuple[Claim, ...]:
    crowd, pairs = visits
    rises = pairs.rises(RISE)
    boxes = []
    for rise in rises:
        box, size = crowd.guests[rise.key].box, crowd.images[rise.key].size
        boxes.append([*net.preprocess.to_input(*box[:2], size), *net.preprocess.to_input(*box[2:], size)])
    on = inside(np.array([rise.place for rise in rises]).reshape(-1, 2), np.array(boxes, float).reshape(-1, 4))
    alone = f"; with one object alone in {len(game.rises(RISE))} of {len(game)}"
    return rise_claims(pairs, [rise for rise, hit in zip(rises, on, strict=True) if hit], "on a second object", alone)


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
