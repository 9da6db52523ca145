"""Pictures decoded by processes of their own, in batches, ahead of whoever asks.

The processes end when the run does, also when it is killed: each of them watches its parent. One that is killed is
replaced, and what it was at is done again; a picture that kills its process time after time is told like any other that
cannot be read. Where none can start at all, that is no picture's fault: a warning says so, and whoever asked decodes.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from zfwidgets.data import ImageSet
from zfwidgets.imaging import Preprocess
from zfwidgets.methods.top_activations.decoding import Decoded, decoded

__all__ = ["Decoders"]

_DEATHS = 4
"""Processes that one picture may kill before it is given up."""

Batch = Sequence[str]


class _CannotStartError(Exception):
    """No process decodes, whatever the picture."""


class Decoders:
    """Some processes that decode pictures; a context that ends them.

    Parameters
    ----------
    count : int
        Processes; with 0 nothing is decoded here, and `batches` gives None for each batch.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Decoders:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def batches(
        self, image_set: ImageSet, preprocess: Preprocess, batches: Iterable[Batch]
    ) -> Iterator[tuple[Batch, list[Decoded] | None]]:
        """Batches of keys with their pictures, in order; None where they cannot be sent to a process."""
        ahead: deque[tuple[Batch, Future[list[Decoded]] | None]] = deque()
        coming = iter(batches)
        try:
            while True:
                while self.count and len(ahead) < 2 * self.count + 1:
                    batch = next(coming, None)
                    if batch is None:
                        break
                    ahead.append((batch, self._asked(image_set, preprocess, batch)))
                if not ahead:
                    break
                batch, future = ahead[0]
                try:
                    pictures = None if future is None else future.result()
                except BrokenProcessPool:
                    self._end()
                    pictures = self._one_by_one(image_set, preprocess, batch)
                    again = [(later, self._asked(image_set, preprocess, later)) for later, _ in list(ahead)[1:]]
                    ahead = deque([ahead[0], *again])
                except Exception:  # the set's own reader cannot be pickled, in whatever way
                    self.count = 0
                    pictures = None
                ahead.popleft()
                yield batch, pictures
        finally:
            for _, future in ahead:
                if future is not None:
                    future.cancel()
        for batch in coming:
            yield batch, None

    def _asked(self, image_set: ImageSet, preprocess: Preprocess, batch: Batch) -> Future[list[Decoded]] | None:
        """A batch on its way; None where there are no processes."""
        try:
            return self._submit(image_set, preprocess, batch) if self.count else None
        except _CannotStartError as error:
            self._do_without(error)
            return None

    def _one_by_one(self, image_set: ImageSet, preprocess: Preprocess, batch: Batch) -> list[Decoded] | None:
        try:
            return [self._alone(image_set, preprocess, key) for key in batch]
        except _CannotStartError as error:
            self._do_without(error)
            return None

    def _do_without(self, error: _CannotStartError) -> None:
        self.count = 0
        warnings.warn(
            f"The processes that should decode pictures cannot start ({error}), so this one decodes them; if it is a "
            'script, put what it does under `if __name__ == "__main__":`, or pass workers=0.',
            RuntimeWarning,
            stacklevel=2,
        )

    def _alone(self, image_set: ImageSet, preprocess: Preprocess, key: str) -> Decoded:
        """One picture at a time, so that it is known which one kills its process."""
        for _ in range(_DEATHS):
            try:
                return self._submit(image_set, preprocess, [key]).result()[0]
            except BrokenProcessPool:
                self._end()
        return Decoded(None, reason=f"{key!r} ended the process that decoded it, {_DEATHS} times; leave it out.")

    def _submit(self, image_set: ImageSet, preprocess: Preprocess, batch: Batch) -> Future[list[Decoded]]:
        # The entries of the batch alone: a whole set may be large. A key that has gone is told by `decoded`.
        some = image_set.only(key for key in batch if key in image_set)
        try:
            return self._started().submit(_decode, some, preprocess, tuple(batch))
        except BrokenProcessPool:
            self._end()
            return self._started().submit(_decode, some, preprocess, tuple(batch))

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # A forked child of a process with torch's threads can hang; a spawned one starts clean.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, context, _watch_parent)
            try:
                self._pool.submit(int).result()
            except Exception as error:
                if getattr(multiprocessing.current_process(), "_inheriting", False):
                    raise  # a script without that line, in one of its own processes: it must not do the script's work
                self._end()
                words = " ".join(str(error).split()).rstrip(".")
                raise _CannotStartError(words or type(error).__name__) from error
        return self._pool

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _decode(image_set: ImageSet, preprocess: Preprocess, keys: Batch) -> list[Decoded]:
    return [decoded(image_set, key, preprocess) for key in keys]


def _watch_parent() -> None:
    """End when the parent does: nobody else tells a process whose parent was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
