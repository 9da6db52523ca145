"""A strip of small pictures to choose from; real buttons, so Tab and Enter work."""

from __future__ import annotations

import base64
from collections.abc import Callable

import ipywidgets as W
from PIL import ImageOps

from zfwidgets.backend import Backend
from zfwidgets.errors import ImageError
from zfwidgets.imaging import to_jpeg

__all__ = ["Thumbnails"]

SIDE = 48


class Thumbnails(W.Box):
    """One button for each picture.

    Parameters
    ----------
    backend : Backend
        Whose pictures.
    chosen : callable
        Told the key of the picture that was pressed.
    """

    MOST = 18
    """Buttons at the start; a folder may hold thousands, the control *Image* lists them all."""

    def __init__(self, backend: Backend, chosen: Callable[[str], None]) -> None:
        self._backend, self._chosen = backend, chosen
        self._buttons: dict[str, W.Button] = {}
        self._rules: list[str] = []
        self.unreadable: dict[str, ImageError] = {}
        # One style and one layout for all: each widget costs the page three messages.
        self._look = {"style": W.ButtonStyle(), "layout": W.Layout()}
        self._sheet = W.HTML()
        self._sheet.layout.display = "none"
        super().__init__()
        self.add_class("zf-thumbs")
        keys = backend.images
        scenes = [key for key in keys if key.startswith("scene")]
        others = [key for key in keys if not key.startswith("scene")]
        for key in [*scenes[: self.MOST - min(6, len(others))], *others][: self.MOST]:
            self._make(key)
        self._refresh()

    def add(self, key: str) -> None:
        """One more, in front."""
        self._make(key)
        self._buttons = {key: self._buttons.pop(key), **self._buttons}
        self._refresh()

    def mark(self, key: str) -> None:
        """Show which one is chosen."""
        for name, button in self._buttons.items():
            (button.add_class if name == key else button.remove_class)("zf-chosen")

    def _make(self, key: str) -> None:
        name = f"zf-thumb-{len(self._buttons)}"
        try:
            picture = self._backend.picture(key)
        except ImageError as error:
            self.unreadable[key] = error
            return
        small = ImageOps.fit(picture, (SIDE, SIDE))
        data = base64.b64encode(to_jpeg(small, 80)).decode()
        self._rules.append(f'.{name} {{ background-image: url("data:image/jpeg;base64,{data}") !important; }}')
        label = self._backend.label(key)
        button = W.Button(tooltip=f"{label} ({key})" if label else key, **self._look)
        button.add_class(name)
        button.on_click(lambda _: self._chosen(key))
        self._buttons[key] = button

    def _refresh(self) -> None:
        self._sheet.value = f"<style>{''.join(self._rules)}</style>"
        self.children = [self._sheet, *self._buttons.values()]
