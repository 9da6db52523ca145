"""Download of weight files: progress, resume, checksum, and one clear sentence when there is no network."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from zfwidgets.errors import DownloadError
from zfwidgets.models.weights import sha256_of

__all__ = ["cache_folder", "download"]

_BLOCK = 1 << 20


def cache_folder() -> Path:
    """Where downloads are kept: ``$ZFWIDGETS_CACHE``, or ``zfwidgets`` in the user's cache folder."""
    base = os.environ.get("ZFWIDGETS_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "zfwidgets"


def download(url: str, folder: Path | None = None, *, progress: bool = True) -> Path:
    """The file behind a URL, downloaded once.

    Parameters
    ----------
    url : str
        Its file name may hold the first characters of the sha256, as in ``resnet18-f37072fd.pth``: checked.
    folder : Path, optional
        `cache_folder` by default. An interrupted download stays there as ``.part`` and is taken up again.
    progress : bool
        Show a progress bar.

    Raises
    ------
    DownloadError
        If there is no network, the server refuses, or the file is damaged (it is removed then).
    """
    folder = folder or cache_folder()
    name = url.rsplit("/", 1)[-1]
    target, part = folder / name, folder / f"{name}.part"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _fetch(url, part, progress)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{url} answers {error.code} {error.reason}; give the weights as a file.") from error
    except OSError as error:  # URLError, timeouts, resets, full disks
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f"{name} cannot be downloaded ({reason}); connect to the internet and call again (what has arrived is "
            "kept), or give a file with weights='path'."
        ) from error
    expected = re.search(r"-([0-9a-f]{8,64})\.", name)
    if expected and not sha256_of(part).startswith(expected.group(1)):
        part.unlink()
        raise DownloadError(f"{name} arrived damaged (its sha256 differs) and was removed; call again.")
    part.replace(target)
    return target


def _fetch(url: str, part: Path, progress: bool) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send: the part is whole
            return
        raise
    with answer:
        resumed = answer.status == 206
        length = answer.headers.get("Content-Length")
        total = int(length) + (have if resumed else 0) if length else None
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(
                total=total,
                initial=have if resumed else 0,
                unit="B",
                unit_scale=True,
                desc=part.stem,
                disable=not progress,
            ) as bar,
        ):
            while block := answer.read(_BLOCK):
                file.write(block)
                bar.update(len(block))
            file.flush()
            os.fsync(file.fileno())
            if total is not None and file.tell() < total:
                raise OSError(f"the connection ended after {file.tell()} of {total} bytes")
