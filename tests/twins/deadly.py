"""A picture that kills whoever decodes it, in a module that a new process imports quickly."""

from __future__ import annotations

import multiprocessing
import os
import signal

import numpy as np


def deadly(place):
    """A picture; the one at place 3 kills the process that decodes it."""
    if place == 3 and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.random.default_rng(place).integers(0, 255, (24, 24, 3), np.uint8)
