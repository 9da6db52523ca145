"""Pictures and networks that kill or refuse whoever takes them, in a module that a new process imports quickly."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
from torch import nn


def deadly(place):
    """A picture; the one at place 3 kills the process that decodes it."""
    if place == 3 and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.random.default_rng(place).integers(0, 255, (24, 24, 3), np.uint8)


class Fussy(nn.Sequential):
    """A network that not every process may have.

    ``refuses``: "unpickle" or "load", an error; "die", the process ends when it loads. It begins with the first process
    but the one that made it, written down in ``mark``; the others get on well with it unless ``all_of_them``.
    """

    def __init__(self, *modules, refuses, mark, all_of_them=False):
        super().__init__(*modules)
        self.refuses, self.mark, self.all_of_them, self.home = refuses, mark, all_of_them, os.getpid()

    def __setstate__(self, state):
        super().__setstate__(state)
        if self.refuses == "unpickle" and self._is_refused():
            raise ModuleNotFoundError("No module named 'mine'")

    def forward(self, x):
        if self.refuses != "unpickle" and self._is_refused():
            if self.refuses == "die":
                os._exit(1)
            raise RuntimeError("out of memory")
        return super().forward(x)

    def _is_refused(self):
        if os.getpid() == self.home:
            return False
        if self.all_of_them:
            return True
        try:
            with Path(self.mark).open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return Path(self.mark).read_text() == str(os.getpid())
        return True
