"""The real download path, against a server on this machine."""

import hashlib
import http.server
import os
import threading

import pytest

from zfwidgets.errors import DownloadError
from zfwidgets.models.download import cache_folder, download

CONTENT = os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, with ranges; breaks off after ``server.breaks_after`` bytes."""

    def do_GET(self):
        self.server.requests.append(self.headers.get("Range"))
        if "missing" in self.path:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.breaks_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.requests, server.breaks_after = [], None
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}/net-{DIGEST}.pth"
        yield server
        server.shutdown()
        thread.join()


def test_downloads_once(server, tmp_path):
    path = download(server.url, tmp_path, progress=False)
    assert path.read_bytes() == CONTENT
    assert download(server.url, tmp_path) == path
    assert server.requests == [None]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_progress_is_shown(server, tmp_path, capsys):
    download(server.url, tmp_path)
    assert f"net-{DIGEST}.pth" in capsys.readouterr().err


def test_broken_download_is_kept_and_resumed(server, tmp_path):
    server.breaks_after = 100_000
    with pytest.raises(DownloadError, match="what has arrived is kept"):
        download(server.url, tmp_path, progress=False)
    server.breaks_after = None
    assert download(server.url, tmp_path, progress=False).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=100000-"]


def test_whole_part_is_taken_as_it_is(server, tmp_path):
    (tmp_path / f"net-{DIGEST}.pth.part").write_bytes(CONTENT)
    assert download(server.url, tmp_path, progress=False).read_bytes() == CONTENT


def test_damaged_download_is_removed(server, tmp_path):
    (tmp_path / f"net-{DIGEST}.pth.part").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="damaged"):
        download(server.url, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_refusal_and_no_network_are_one_sentence(server, tmp_path):
    with pytest.raises(DownloadError, match="404"):
        download(server.url.replace("net-", "missing-"), tmp_path, progress=False)
    with pytest.raises(DownloadError, match="connect to the internet"):
        download("http://127.0.0.1:9/net.pth", tmp_path, progress=False)


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ZFWIDGETS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("ZFWIDGETS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "zfwidgets"
