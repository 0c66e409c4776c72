"""From the bytes of image files to one uint8 array per split."""

from __future__ import annotations

import io
import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from lsncli.data.arrays import Images
from lsncli.data.sources import GIB, too_large
from lsncli.errors import LsnError

#: Only these decoders are tried, whatever a file's name says.
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF")
_GREY_MODES = ("1", "L", "LA", "La")
_COLOUR_MODES = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr")

#: What turns an image upright, by its EXIF orientation; by those from 5 on width and height change places.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: Most pixels of one image. Far above any training image, far below what exhausts the memory.
MAX_PIXELS = 2**26
#: Images that a thread decodes at once, at most as many as take so many bytes; and bytes that are read ahead.
_CHUNK = 64
_CHUNK_BYTES = 2**25
_AHEAD = 2**28


@dataclass(frozen=True, slots=True)
class First:
    """The first image that was decoded; the others must be of its width and height."""

    name: str
    width: int
    height: int

    def check(self, name: str, width: int, height: int, source: Path) -> None:
        """Raise :class:`LsnError` for an image of another size."""
        if (width, height) != (self.width, self.height):
            raise LsnError(
                f"images differ in size: {self.name!r} has {self.width} x {self.height} pixels, "
                f"{name!r} has {width} x {height}",
                where=str(source),
                next="give --size N: every image is cropped to a square and resized to N x N pixels",
            )


def decode(name: str, data: bytes, *, size: int | None, source: Path, first: First | None = None) -> Images:
    """One image as uint8 ``[H, W, C]``; C is 1 for grey images, 3 for all others (transparency is dropped).

    It is turned upright where its EXIF data say how the camera was held.
    With ``size`` the image is cropped to its central square and resized (Lanczos) to size x size pixels. Without,
    it must be of the size of ``first``, which its header tells before the pixels take memory.
    Raises :class:`LsnError`, naming the file, where it is damaged, animated, too large or not of 8 bits.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check(image)
            orientation = _orientation(image)
            if size is None and first is not None:
                first.check(name, *(image.size if orientation < 5 else image.size[::-1]), source)
            picture = image.convert("L" if image.mode in _GREY_MODES else "RGB")
            if image.format == "PNG":
                orientation = _orientation(image)  # it may stand behind the pixels
    except LsnError as error:
        if error.where is not None:
            raise
        raise LsnError(f"image {name!r} {error.what}", where=str(source), next=error.next) from None
    except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged input
        raise LsnError(
            f"image {name!r} cannot be decoded: {_reason(error)}",
            where=str(source),
            next="it may be damaged: replace it or take it out, and prepare again",
        ) from None
    if orientation in _TURNS:
        picture = picture.transpose(_TURNS[orientation])
    if size is not None:
        picture = _fit(picture, size)
    pixels = np.asarray(picture)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def resized(images: Images, size: int) -> Images:
    """RGB ``images`` that are decoded already, each cropped and resized as :func:`decode` does it."""
    small = np.empty((len(images), size, size, 3), dtype=np.uint8)
    for row, image in enumerate(images):
        small[row] = np.asarray(_fit(Image.fromarray(image), size))
    return small


def _fit(picture: Image.Image, size: int) -> Image.Image:
    return ImageOps.fit(picture, (size, size), method=Image.Resampling.LANCZOS)


def _check(image: Image.Image) -> None:
    """Refuse by the header alone, before the pixels are decoded."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise LsnError(
            f"has {width} x {height} pixels, more than the {MAX_PIXELS:,} that one image may have",
            next="reduce it, or take it out if it is no picture",
        )
    if image.mode not in _GREY_MODES + _COLOUR_MODES:
        raise LsnError(f"has pixels of kind {image.mode!r}", next="convert it to 8 bits per channel")
    if getattr(image, "is_animated", False):
        raise LsnError("is animated", next="keep one frame of it")


#: Where a PNG may say it: its own chunk, ImageMagick's text, and XMP.
_PNG_ORIENTATIONS = {"exif", "Raw profile type exif", "XML:com.adobe.xmp"}


def _orientation(image: Image.Image) -> int:
    """How the image lies, 1 (upright) to 8, read from the header alone.

    Pillow's own ``exif_transpose`` decodes the pixels first, which an image of another size must not cost; so would
    asking a PNG that has no such data before its pixels. Damaged EXIF data say nothing.
    """
    if image.format == "PNG" and not _PNG_ORIENTATIONS & image.info.keys():
        return 1
    try:
        found = image.getexif().get(ExifTags.Base.Orientation)
        return int(found) if found in _TURNS else 1
    except Exception:  # noqa: BLE001 - Pillow raises anything on damaged data
        return 1


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it does not start like one of " + ", ".join(_FORMATS)
    return str(error) or type(error).__name__


def decode_all(
    contents: Iterable[tuple[str, bytes]], *, size: int | None, source: Path
) -> Iterator[tuple[str, Images]]:
    """Every image of ``contents`` decoded, in order, while the next ones are being read.

    Threads, not processes: on large images Pillow works outside the interpreter lock, and on small ones
    carrying them between processes costs about what it gains. What is read and decoded ahead is bounded in bytes:
    the header of a tiny file may promise hundreds of megabytes.
    """

    first: First | None = None
    each = 0

    def work(chunk: list[tuple[str, bytes]]) -> list[tuple[str, Images]]:
        return [(name, decode(name, data, size=size, source=source, first=first)) for name, data in chunk]

    workers = min(8, os.cpu_count() or 1)
    waiting: deque[tuple[Future[list[tuple[str, Images]]], int]] = deque()
    remaining = iter(contents)
    # Pillow's own warnings (odd metadata, many pixels) say nothing beyond what is checked here.
    with warnings.catch_warnings(), ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        warnings.simplefilter("ignore")
        try:
            # By itself: until one is known, nobody can say how much the others take.
            for name, image in work(list(islice(remaining, 1))):
                yield name, image
                first, each = First(name, image.shape[1], image.shape[0]), image.nbytes
            while chunk := _chunk(remaining, each):
                weight = sum(each + len(data) for _, data in chunk)
                waiting.append((pool.submit(work, chunk), weight))
                while len(waiting) > 2 * workers or sum(weight for _, weight in waiting) > _AHEAD:
                    yield from waiting.popleft()[0].result()
            while waiting:
                yield from waiting.popleft()[0].result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _chunk(remaining: Iterator[tuple[str, bytes]], each: int) -> list[tuple[str, bytes]]:
    """The next images, of which each takes ``each`` bytes when it is decoded: some, but not too many at once."""
    chunk: list[tuple[str, bytes]] = []
    weight = 0
    while len(chunk) < _CHUNK and weight < _CHUNK_BYTES and (found := next(remaining, None)):
        chunk.append(found)
        weight += each + len(found[1])
    return chunk


@dataclass(slots=True)
class Collector:
    """Puts decoded images into one array per split, checking that all have one size.

    Grey images among coloured ones become coloured; where all are grey, there is one channel.
    """

    source: Path
    counts: dict[str, int]
    max_bytes: int
    images: dict[str, Images] = field(default_factory=dict)
    _first: First | None = None

    def add(self, name: str, split: str, row: int, image: Images) -> None:
        """Place ``image`` at ``row`` of ``split``; raises :class:`LsnError` if its size differs."""
        if self._first is None:
            self._first = First(name, image.shape[1], image.shape[0])
            self._allocate(image.shape)
        self._first.check(name, image.shape[1], image.shape[0], self.source)
        shape = next(iter(self.images.values())).shape[1:]
        if image.shape[2] > shape[2]:
            self._check_memory((*shape[:2], image.shape[2]))
            self.images = {split: np.repeat(array, 3, axis=3) for split, array in self.images.items()}
        self.images[split][row] = image  # one channel is broadcast to three

    def _allocate(self, shape: tuple[int, ...]) -> None:
        self._check_memory(shape)
        try:
            self.images = {split: np.empty((count, *shape), dtype=np.uint8) for split, count in self.counts.items()}
        except MemoryError:
            need = sum(self.counts.values()) * int(np.prod(shape)) / GIB
            raise LsnError(
                f"the decoded images need {need:.1f} GiB, more memory than there is",
                where=str(self.source),
                next="give --size N to make them smaller",
            ) from None

    def _check_memory(self, shape: tuple[int, ...]) -> None:
        if sum(self.counts.values()) * int(np.prod(shape)) > self.max_bytes:
            raise too_large(self.source, self.max_bytes)
