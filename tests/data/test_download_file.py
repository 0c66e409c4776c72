"""One file over HTTP, from a server of our own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lsncli.data.context import DataContext
from lsncli.data.download import download
from lsncli.errors import LsnError

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(2**40 if self.path == "/huge" else len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path in ("/cut", "/huge") else CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def test_file_arrives_whole_and_progress_is_told(server: str, context: DataContext, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    target = tmp_path / "new" / "file.bin"
    download(f"{server}/file", target, MD5, replace(context, progress=lambda *step: told.append(step)))
    assert target.read_bytes() == CONTENT
    assert told[-1] == ("downloading file.bin", len(CONTENT), len(CONTENT))
    assert [f.name for f in target.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize(
    ("path", "md5", "message"),
    [
        ("/file", "0" * 32, "thrown away"),
        ("/cut", MD5, "thrown away|cannot download"),
        ("/missing", MD5, "the server answered 404"),
        ("/huge", MD5, "larger than such an archive can be"),
    ],
)
def test_failures_leave_nothing(
    path: str, md5: str, message: str, server: str, context: DataContext, tmp_path: Path
) -> None:
    with pytest.raises(LsnError, match=message):
        download(server + path, tmp_path / "file.bin", md5, context)
    assert not [f for f in tmp_path.iterdir() if f.is_file()]


def test_no_server(context: DataContext, tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"cannot download http://127\.0\.0\.1:9/x"):
        download("http://127.0.0.1:9/x", tmp_path / "x", MD5, context)


def test_folder_that_cannot_be_made(server: str, context: DataContext, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LsnError, match=r"cannot download .* to "):
        download(f"{server}/file", tmp_path / "file" / "x", MD5, context)
