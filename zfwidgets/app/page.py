"""What the Explorer page shows: the choice of network and pictures, and its way into the page's kernel."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

from zfwidgets.allocator import tune_allocator
from zfwidgets.errors import ZfwidgetsError

if TYPE_CHECKING:
    from ipywidgets import DOMWidget

__all__ = ["VARIABLE", "PageSettings", "open_explorer"]

VARIABLE = "ZFWIDGETS_PAGE"
"""The environment variable that carries the command line's choice to the kernel of each visitor."""


# The handle of a slider has the role but not the name of its label, and ipywidgets offers no trait for it.
NAME_THE_SLIDERS = """
if (!window.zfwidgetsNames) {
  const nameAll = () => document.querySelectorAll(".widget-slider").forEach((widget) => {
    const label = widget.querySelector(".widget-label");
    const name = label ? label.textContent.trim() : "";
    widget.querySelectorAll(".noUi-handle").forEach((handle) => {
      if (name && handle.getAttribute("aria-label") !== name) handle.setAttribute("aria-label", name);
    });
  });
  window.zfwidgetsNames = new MutationObserver(nameAll);
  window.zfwidgetsNames.observe(document.body, { childList: true, subtree: true });
  nameAll();
}
"""


@dataclass(frozen=True)
class PageSettings:
    """Which network looks at which pictures.

    Parameters
    ----------
    network : str
        A name of `zfwidgets.list_networks`.
    weights : str, optional
        ``"default"`` (the network's own), or the path of a weight file.
    images : str or None, optional
        A folder of pictures; None takes the built-in scenes and photographs.
    scheduler : str or None, optional
        Address of a Dask cluster on whose workers the network lives, with its files; None: in the page's kernel.
    index : str or None, optional
        What `zfwidgets mine` wrote over these pictures; None: the index that ships with the network, if there is one.
    other : str or None, optional
        Name of a second network, to be shown beside the first.
    other_weights : str, optional
        As `weights`, of the second network.
    other_index : str or None, optional
        As `index`, of the second network.

    Examples
    --------
    >>> PageSettings.from_json(PageSettings("zfnet-scenes", other="zfnet-photos").to_json()).other
    'zfnet-photos'
    """

    network: str
    weights: str = "default"
    images: str | None = None
    scheduler: str | None = None
    index: str | None = None
    other: str | None = None
    other_weights: str = "default"
    other_index: str | None = None

    def to_json(self) -> str:
        """The settings as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PageSettings:
        """The settings that `to_json` wrote."""
        return cls(**json.loads(text))


def open_explorer(network: str = "zfnet-scenes", images: str | None = None) -> DOMWidget:
    """The Explorer of a network and a folder of pictures; what the command line says wins.

    Parameters
    ----------
    network : str, optional
        A name of `zfwidgets.list_networks`.
    images : str or None, optional
        A folder of pictures; None takes the built-in scenes and photographs.

    Returns
    -------
    Explorer or ipywidgets.HTML
        To be shown as the last value of a cell; when the network, its weights or the pictures cannot be used, the
        sentence that says so: a page shows nobody a traceback.

    Examples
    --------
    >>> explorer = open_explorer("no-such-network")  # doctest: +ELLIPSIS
    <IPython.core.display.Javascript object>
    >>> explorer.value  # doctest: +ELLIPSIS
    '<div role="alert"...There is no network &#x27;no-such-network&#x27;...
    """
    from IPython.display import Javascript, display
    from ipywidgets import HTML

    from zfwidgets.app.connect import connected
    from zfwidgets.app.explorer import Explorer
    from zfwidgets.backend import Backend, NetworkSource

    tune_allocator()  # a page's kernel lives for its network alone
    display(Javascript(NAME_THE_SLIDERS))
    told = os.environ.get(VARIABLE)
    settings = PageSettings.from_json(told) if told else PageSettings(network, images=images)
    try:
        client = None if settings.scheduler is None else connected(settings.scheduler)
        sources = [NetworkSource(settings.network, settings.weights)]
        sources += [NetworkSource(settings.other, settings.other_weights)] if settings.other is not None else []
        explorer = Explorer.owning(*(Backend(source, images=settings.images, client=client) for source in sources))
    except ZfwidgetsError as error:
        return HTML(f'<div role="alert" style="padding: 1em; font-size: 120%">{escape(str(error))}</div>')
    if explorer.top is not None:
        # Opened, and checked, when the tab is.
        explorer.top.index, explorer.top.other_index = settings.index, settings.other_index
    return explorer
