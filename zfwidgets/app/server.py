"""The Explorer page behind a local address: Voila, made private, offline and tidy."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from importlib.resources import as_file, files
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.utils import run_sync
from jupyter_server import DEFAULT_STATIC_FILES_PATH
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from traitlets.config import Config
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler

from zfwidgets.app.page import VARIABLE, PageSettings

__all__ = ["serve"]

ADDRESS = "127.0.0.1"
PAGE = "explorer.ipynb"
# A picture travels through one websocket message; tornado's own limit of 10 MB drops the connection silently.
MESSAGE_BYTES = 64 * 2**20
# Extensions that log errors on a page that is not JupyterLab.
NOT_FOR_A_PAGE = ["@jupyter-notebook/lab-extension", "@voila-dashboards/jupyterlab-preview"]
# Voila's template asks a CDN for icons that its own script carries: offline the page would wait for it.
FROM_ELSEWHERE = re.compile(r'<link [^>]*href="https?://[^>]*>')


class _Handler(TornadoVoilaHandler):
    """Voila's page without requests to other hosts."""

    async def get_generator(self, path: str | None = None) -> AsyncIterator[str]:
        async for html in super().get_generator(path):
            yield FROM_ELSEWHERE.sub("", html)


class _Shutdown(VoilaShutdownKernelHandler):
    """A page that is closed sends a beacon, which carries no token against forged requests; without this exemption
    every closed page would leave its kernel running. To end a page's kernel one must know its random id."""

    def check_xsrf_cookie(self) -> None:
        """Accept the beacon."""


class _ThisPython(KernelSpecManager):
    """Every page runs in the interpreter that runs the server, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="zfwidgets", language="python")

    def find_kernel_specs(self) -> dict[str, str]:
        return {"python3": sys.prefix}


class _Server(Voila):
    """Voila on a socket that is already bound; says when it answers; leaves nothing behind."""

    def __init__(self, listener: socket.socket, ready: Callable[[], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._listener = listener
        self._ready = ready

    def init_handlers(self) -> list[Any]:
        ours = {TornadoVoilaHandler: _Handler, VoilaShutdownKernelHandler: _Shutdown}
        return [(rule[0], ours.get(rule[1], rule[1]), *rule[2:]) for rule in super().init_handlers()]

    def listen(self) -> None:
        server = HTTPServer(self.app)
        server.add_socket(self._listener)
        self.ioloop = IOLoop.current()
        self.ioloop.add_callback(self._ready)
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            self.log.info("Stopping.")
        finally:
            server.stop()
            # At once: a page's kernel has nothing to save, and one that is still busy takes its leave in tracebacks.
            run_sync(self.kernel_manager.shutdown_all)(now=True)
            self.stop()


def serve(settings: PageSettings, listener: socket.socket, *, theme: str, browser: bool) -> None:
    """Serve the Explorer page until Ctrl-C or a signal to end.

    Parameters
    ----------
    settings : PageSettings
        The network and the pictures.
    listener : socket.socket
        A socket bound to a port of this machine.
    theme : str
        ``"light"`` or ``"dark"``.
    browser : bool
        Whether to open the page in the default browser.
    """
    address = f"http://{ADDRESS}:{listener.getsockname()[1]}/"

    def ready() -> None:
        print(f"zfwidgets is at {address}  (Ctrl-C stops it)", flush=True)
        if browser:
            # A browser may start in the foreground and would hold up the page that it asks for.
            IOLoop.current().run_in_executor(None, webbrowser.open, address)

    os.environ[VARIABLE] = settings.to_json()
    with as_file(files("zfwidgets.app") / PAGE) as notebook:
        server = _Server(listener, ready, config=_configuration(str(notebook), theme))
        server.initialize(argv=[])
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, server._handle_signal_stop)  # a closed terminal
        server.start()


def _configuration(notebook: str, theme: str) -> Config:
    config = Config()
    config.Voila.notebook_path = notebook
    config.Voila.open_browser = False
    config.Voila.log_level = "ERROR"
    # The Host header must name this machine, so that no other site reaches the kernel by rebinding its name.
    config.Voila.tornado_settings = {
        "allow_remote_access": False,
        "websocket_max_message_size": MESSAGE_BYTES,
        # A page that is still open when the command is started again asks for the old kernel; the answer to that names
        # an icon in this folder, and without it each would be a traceback on the terminal.
        "static_path": DEFAULT_STATIC_FILES_PATH,
        "ws_ping_interval": 0,  # nothing between two programs of one machine drops a quiet connection
    }
    # A page that ended without its beacon (its browser was killed): its kernel, most of a gigabyte, goes when nobody
    # was connected for ten minutes. A laptop that sleeps keeps the connections within it.
    config.MappingKernelManager.cull_interval = 60
    config.MappingKernelManager.cull_idle_timeout = 600
    config.VoilaConfiguration.theme = theme
    config.VoilaConfiguration.extension_denylist = NOT_FOR_A_PAGE
    config.VoilaConfiguration.kernel_spec_manager_class = _ThisPython
    config.VoilaConfiguration.file_allowlist = []
    return config
