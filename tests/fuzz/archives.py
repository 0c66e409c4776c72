"""Archives of images: tar (plain and compressed) and zip, of any structure, bytes changed; prepared as data."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from lsncli.data.context import DataContext
from lsncli.data.prepare import prepare
from lsncli.errors import LsnError
from tests.fuzz.driving import Kind
from tests.fuzz.edits import apply, edits

#: Most that a source may unpack to here; a bomb is of any size beyond.
MAX_BYTES = 2**28

FORMS = ("tar", "tar", "tar.gz", "tar.bz2", "tar.xz", "zip", "zip-deflated", "zip-bzip2", "zip-lzma")
PICTURES = ("png", "jpeg", "gif", "bmp", "webp", "grey", "huge", "animated", "sixteen", "zeros", "nothing", "text")

NAMES = (
    *("train/a/1.png", "train/a/2.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", "top/train/a/1.png"),
    *("train/a/3.jpg", "train/a/4.gif", "train/a/5.webp", "train/a/6.bmp", "train/a/x.txt", "train/a/deep/1.png"),
    *("train", "train/a", "train/a/", "./train/a/1.png", "train//a/1.png", "train/1.png", "train/c/", "test/c"),
    *("../evil.png", "train/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png", "train/a/\x00.png"),
    *("train/\x1b[31m/1.png", "train/\udcff/1.png", "train/a\nb/1.png", "", ".", "/", "train/a/1.PNG", "x" * 300),
    *(
        "train/ä/1.png",
        "train/a\u0308/1.png",
        "train/.hidden/1.png",
        "__MACOSX/train/a/1.png",
        "train/a/" + "y" * 200,
    ),
)

TOKENS = [
    *(b"ustar\x0000", b"ustar  \x00", b"\x00" * 512, b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06"),
    *(b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"0000777\x00", b"77777777777\x00", b"\x80" + b"\xff" * 11, b"-1"),
    *(
        b"IHDR\x7f\xff\xff\xff\x7f\xff\xff\xff",
        b"IDAT",
        b"\xff\xd8\xff",
        b"GIF89a\xff\xff\xff\xff",
        b"RIFF",
        b"WEBPVP8L",
    ),
    *(b"30 path=../../x\n", b"18 size=999999999\n", b"20 GNU.sparse.major=1\n", b"x" * 100, b"g", b"L", b"S", b"V"),
]


@cache
def picture(kind: str, seed: int) -> bytes:
    """An image file of 4 x 4 pixels, or something else in its place."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    out = io.BytesIO()
    match kind:
        case "grey":
            image.convert("L").save(out, "PNG")
        case "huge":
            # 50,000 x 50,000 pixels in the header, and none behind it.
            image.save(out, "PNG")
            data = bytearray(out.getvalue())
            data[16:24] = (50_000).to_bytes(4, "big") * 2
            import zlib

            data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
            return bytes(data)
        case "animated":
            image.save(out, "GIF", save_all=True, append_images=[image.rotate(90), image.rotate(180)])
        case "sixteen":
            Image.fromarray(pixels[..., 0].astype(np.int32)).convert("I;16").save(out, "PNG")
        case "zeros":
            return bytes(1000 * (1 + seed))
        case "nothing":
            return b""
        case "text":
            return b"<svg onload=alert(1)>"
        case _:
            image.save(out, kind.upper())
    return out.getvalue()


def honest() -> list[dict[str, Any]]:
    """The members of an archive that is as it should be."""
    names = [f"{split}/{name}/{i}.png" for split in ("train", "test") for name in "ab" for i in range(2)]
    return [{"name": name, "kind": "file", "content": ["png", i, []]} for i, name in enumerate(names)]


def build(case: dict[str, Any]) -> bytes:
    """The archive of a case."""
    members = [*(honest() if case["honest"] else []), *case["members"]]
    form = case["form"]
    data = _zip(members, form.partition("-")[2]) if form.startswith("zip") else _tar(members)
    data = apply(data, case["inside"])
    compress = {"tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}.get(form)
    return apply(compress(data) if compress else data, case["outside"])


def _content(member: dict[str, Any]) -> bytes:
    kind, number, changes = member["content"]
    return apply(picture(kind, number), changes)


_TYPES = {
    "file": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "block": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "contiguous": tarfile.CONTTYPE,
    "unknown": b"Z",
}


def _tar(members: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for member in members:
            info = tarfile.TarInfo(member["name"])
            content = _content(member)
            info.type, info.linkname = _TYPES[member["kind"]], member.get("target", "")
            info.size = len(content)
            info.pax_headers = member.get("pax", {})
            if member["kind"] in ("file", "contiguous", "unknown", "sparse"):
                archive.addfile(info, io.BytesIO(content))
            else:
                info.size = 0
                archive.addfile(info)
    return out.getvalue()


_METHODS = {
    "": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


def _zip(members: list[dict[str, Any]], method: str) -> bytes:
    import warnings

    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", _METHODS[method]) as archive:
        warnings.simplefilter("ignore")  # a name that is there twice
        for member in members:
            name = member["name"].encode("utf-8", "replace").decode("utf-8")
            info = zipfile.ZipInfo(name.replace("\x00", "0") or "x")
            info.compress_type = _METHODS[method]
            kinds = {"symlink": 0o120777, "device": 0o020666, "fifo": 0o010666, "folder": 0o040777}
            info.external_attr = kinds.get(member["kind"], 0o100666) << 16
            archive.writestr(info, _content(member))
    return out.getvalue()


_contents = st.tuples(
    st.sampled_from(PICTURES), st.integers(0, 9), st.one_of(st.just([]), st.just([]), edits(TOKENS, most=3))
).map(list)
_pax = st.dictionaries(
    st.sampled_from(
        ("path", "size", "linkpath", "mtime", "uid", "hdrcharset", "GNU.sparse.major", "GNU.sparse.map", "x")
    ),
    st.sampled_from(("", "-1", "1e999", "nan", "99999999999999999999", "../../x", "BINARY", "1,2,3", "\x00", "ä")),
    max_size=2,
)
_members = st.fixed_dictionaries(
    {
        "name": st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.text(max_size=10)),
        "kind": st.sampled_from(("file", "file", "file", *_TYPES)),
        "content": _contents,
    },
    optional={"target": st.sampled_from(("/etc/passwd", "../../x", "train/a/1.png", "")), "pax": _pax},
)
_none = st.just([])
_cases = st.fixed_dictionaries(
    {
        "form": st.sampled_from(FORMS),
        "honest": st.booleans() | st.just(True),
        "members": st.lists(_members, max_size=4),
        "inside": st.one_of(_none, edits(TOKENS, most=3)),
        "outside": st.one_of(_none, edits(TOKENS, most=3)),
        "size": st.sampled_from((None, None, None, 1, 3)),
    }
)


def _run(case: dict[str, Any], folder: Path) -> str:
    inside = folder / "room" / "inside"
    inside.mkdir(parents=True, exist_ok=True)
    archive, data = inside / "case.archive", inside / "data"
    archive.write_bytes(build(case))
    shutil.rmtree(data, ignore_errors=True)
    try:
        prepare("case", archive, DataContext(data), size=case["size"], max_bytes=MAX_BYTES)
        return "accepted"
    except LsnError as error:
        str(error).encode("utf-8", "surrogateescape")
        return "refused"
    finally:
        _check_nothing_else(folder, archive, data)


def _check_nothing_else(folder: Path, archive: Path, data: Path) -> None:
    """Nothing was written but the data set, and of it nothing that an archive could have named."""
    allowed = {
        "meta.json",
        *(f"{split}_{part}.npy" for split in ("train", "test") for part in ("images", "labels")),
    }
    for path in folder.rglob("*"):
        if path == archive or path.is_dir():
            continue
        if path.parent != DataContext(data).prepared_dir / "case" or path.name not in allowed:
            raise AssertionError(f"{path.relative_to(folder)} was written")


KIND = Kind("archive", _cases, _run)
