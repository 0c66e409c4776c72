"""Downloads one file, with progress, and keeps it only if its checksum is right."""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from lsncli import __version__
from lsncli.data.context import DataContext
from lsncli.errors import LsnError

_CHUNK = 2**18
_TIMEOUT = 30.0
#: Most that is written before the checksum is known; the archives of CIFAR have 163 MiB.
_MAX_BYTES = 2**31


def download(url: str, target: Path, md5: str, context: DataContext) -> Path:
    """Fetch ``url`` as ``target``, which appears only once its MD5 (hexadecimal) has been found right.

    Raises :class:`LsnError` where the network, the server or the disk fails, or the checksum is wrong.
    """
    part = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            found = _fetch(url, file.write, f"downloading {target.name}", context)
            file.flush()
            os.fsync(file.fileno())
        if found != md5:
            raise LsnError(
                f"what came from {url} has the MD5 {found}, not {md5}; it was thrown away",
                next="try again; a proxy or a login page may have answered in the server's place",
            )
        part.replace(target)
    except (HTTPError, URLError, TimeoutError, http.client.HTTPException) as error:
        raise LsnError(f"cannot download {url}: {_reason(error)}", where=urlsplit(url).netloc) from None
    except OSError as error:
        raise LsnError(
            f"cannot download {url} to {target.parent}: {error.strerror or error}", where=str(target)
        ) from None
    finally:
        if part.exists():
            part.unlink()
    return target


def md5_of(path: Path) -> str:
    """MD5 of a file, hexadecimal: the checksum that the data sets' authors publish."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch(url: str, write: Callable[[bytes], object], what: str, context: DataContext) -> str:
    state = hashlib.md5(usedforsecurity=False)
    request = Request(url, headers={"User-Agent": f"lsn/{__version__}"})
    with urlopen(request, timeout=_TIMEOUT) as response:
        total = int(response.headers.get("Content-Length") or 0)
        done = 0
        while chunk := response.read(_CHUNK):
            done += len(chunk)
            if max(done, total) > _MAX_BYTES:
                raise LsnError(f"{url} is larger than such an archive can be", where=urlsplit(url).netloc)
            state.update(chunk)
            write(chunk)
            context.report(what, done, total)
    return state.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
