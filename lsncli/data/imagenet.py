"""ImageNet (ILSVRC 2012) from its folders of photographs, decoded once to squares of one size."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lsncli.data import stored
from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext
from lsncli.data.layout import SUFFIXES
from lsncli.data.sources import GIB, MAX_FILE_BYTES
from lsncli.errors import LsnError
from lsncli.parameters import Params

#: The training set and the validation set, which has the part of the test set: the true test labels are secret.
FOLDERS = {"train": "train", "test": "val"}
SHAPE = "train/<wnid>/<image> and val/<wnid>/<image>, the same folders in both: n01440764, n01443537, …"
TRAIN_SIZE, TEST_SIZE, CLASSES = 1_281_167, 50_000, 1000
_TELL_EVERY = 100


class ImageNetParams(Params):
    """Parameters of ImageNet."""

    size: int = Field(
        224,
        ge=8,
        le=512,
        description="Every photograph is cropped to its central square and resized to size x size pixels.",
    )


@dataclass(frozen=True, slots=True)
class ImageNet:
    """Builds the set from ``<data_dir>/imagenet`` (the ``build`` of its :class:`~lsncli.components.DatasetInfo`).

    Each size has a decoded copy of its own in ``<data_dir>/cache``: ``imagenet`` at the default size, else
    ``imagenet-<size>``. The copy is written straight to the disk: at 224 pixels it is larger than most memories.
    """

    name: str = "imagenet"
    classes: int = CLASSES

    def available(self, data_dir: Path) -> bool:
        """Whether the folder or a decoded copy of the default size is there."""
        cache = DataContext(data_dir).cache_dir / self.copy_name(ImageNetParams())
        return (cache / stored.META).is_file() or all((data_dir / self.name / f).is_dir() for f in FOLDERS.values())

    def image_shape(self, params: ImageNetParams) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        return params.size, params.size, 3

    def copy_name(self, params: ImageNetParams) -> str:
        """The folder of the decoded copy of this size."""
        return self.name if params.size == ImageNetParams().size else f"{self.name}-{params.size}"

    def __call__(self, params: ImageNetParams, context: DataContext) -> Arrays:
        """1,281,167 training and 50,000 validation photographs, RGB, ``[N, size, size, 3]``, mapped into memory.

        Classes are in the order of their WordNet ids. Raises :class:`LsnError` where the folder is missing, is not
        of the shape :data:`SHAPE` or has other than 1000 classes, where an image is damaged, and where the disk has
        no room for the decoded copy.
        """
        cache = context.cache_dir / self.copy_name(params)
        with suppress(LsnError):  # never decoded, or a damaged copy: made again below
            return stored.load(cache)
        root = context.data_dir / self.name
        self._check_root(root, params.size)
        names = self._class_names(root)
        files = {part: _files(root / folder, names) for part, folder in FOLDERS.items()}
        self._check_room(cache, sum(map(len, files.values())), params.size)
        return self._decode(root, names, files, cache, params.size, context)

    def _check_root(self, root: Path, size: int) -> None:
        missing = [folder for folder in FOLDERS.values() if not (root / folder).is_dir()]
        if not missing:
            return
        what = (
            f"{self.name} is not on this machine"
            if len(missing) == 2
            else f"{self.name} has no folder {missing[0]}"
        )
        need = _bytes(TRAIN_SIZE + TEST_SIZE, size) / GIB
        raise LsnError(
            f"{what}: looked for {' and '.join(f'{root / folder}' for folder in missing)}",
            where=str(root),
            valid=SHAPE,
            next="get ILSVRC 2012 at https://image-net.org (it may not be passed on) and unpack it there, or choose"
            f" another folder: --data-dir DIR. It is decoded once into a copy of {need:.0f} GiB at {size} x {size}"
            " pixels (less with a smaller data.size)",
        )

    def _class_names(self, root: Path) -> tuple[str, ...]:
        found = {part: _folders(root / folder) for part, folder in FOLDERS.items()}
        for one, other in (("train", "test"), ("test", "train")):
            only = sorted(set(found[one]) - set(found[other]))
            if only:
                raise LsnError(
                    f"{FOLDERS[one]}/ and {FOLDERS[other]}/ have different classes: {only[0]!r} is in"
                    f" {FOLDERS[one]}/ only" + (f", and {len(only) - 1} more" if len(only) > 1 else ""),
                    where=str(root),
                    valid=SHAPE,
                )
        if len(found["train"]) != self.classes:
            raise LsnError(
                f"{self.name} has {self.classes} classes, and there are {len(found['train'])} folders in train/",
                where=str(root / "train"),
                valid=SHAPE,
                next="for a part of it: rename val to test and make a data set of its own, lsn data prepare NAME"
                " FOLDER --size N",
            )
        return tuple(found["train"])

    def _check_room(self, cache: Path, images: int, size: int) -> None:
        """Told before hours of decoding, not after them."""
        there = next(folder for folder in cache.parents if folder.exists())
        need, free = _bytes(images, size), shutil.disk_usage(there).free
        if need > free:
            raise LsnError(
                f"the decoded copy of {self.name} needs {need / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free",
                where=str(there),
                next="make room, choose another folder (--data-dir DIR), or a smaller data.size",
            )

    def _decode(
        self,
        root: Path,
        names: tuple[str, ...],
        files: dict[str, list[tuple[Path, int]]],
        cache: Path,
        size: int,
        context: DataContext,
    ) -> Arrays:
        staging = stored.reserve(cache)
        try:
            # The maps of the new files are closed when this returns: Windows renames no folder of open ones.
            self._write_all(root, names, files, staging, size, context)
            with suppress(LsnError):  # another process was faster, and may be reading its copy
                return stored.load(cache)
            if cache.exists():
                shutil.rmtree(cache)
            staging.rename(cache)
        except OSError as error:
            raise stored.unwritable(cache, error) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return stored.load(cache)

    def _write_all(
        self,
        root: Path,
        names: tuple[str, ...],
        files: dict[str, list[tuple[Path, int]]],
        staging: Path,
        size: int,
        context: DataContext,
    ) -> None:
        parts = {part: self._write(part, root, found, staging, size, context) for part, found in files.items()}
        arrays = Arrays.of(*parts["train"], *parts["test"], names)
        stored.save_meta(staging, stored.describe_arrays(self.name, arrays, source=self.name))

    def _write(
        self, part: str, root: Path, files: list[tuple[Path, int]], staging: Path, size: int, context: DataContext
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Decode one part into ``<part>_images.npy``, image after image, and write its labels."""
        from lsncli.data.decoding import decode_all  # Pillow: only once the pixels themselves are wanted

        labels = np.array([label for _, label in files], dtype=np.int64)
        np.save(staging / f"{part}_labels.npy", labels, allow_pickle=False)
        path, what = staging / f"{part}_images.npy", f"decoding {self.name}/{FOLDERS[part]}"
        with path.open("wb") as out:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(files), size, size, 3)}
            np.lib.format.write_array_header_1_0(out, header)
            for done, (_, image) in enumerate(decode_all(_contents(root, files), size=size, source=root), 1):
                out.write(np.broadcast_to(image, (size, size, 3)).tobytes())  # one channel becomes three
                if done % _TELL_EVERY == 0:
                    context.report(what, done, len(files))
            out.flush()
            os.fsync(out.fileno())
        context.report(what, len(files), len(files))
        return np.load(path, mmap_mode="r", allow_pickle=False), labels


def _bytes(images: int, size: int) -> int:
    return images * size * size * 3


def _folders(parent: Path) -> list[str]:
    try:
        return sorted(f.name for f in parent.iterdir() if f.is_dir() and not f.name.startswith("."))
    except OSError as error:
        raise _unreadable(parent, error) from None


def _files(parent: Path, names: tuple[str, ...]) -> list[tuple[Path, int]]:
    """The images of one part with their labels, by class and file name."""
    found = []
    for label, name in enumerate(names):
        try:
            images = sorted(file for file in (parent / name).iterdir() if file.name.lower().endswith(SUFFIXES))
        except OSError as error:
            raise _unreadable(parent / name, error) from None
        if not images:
            raise LsnError(f"no image in {parent.name}/{name}", where=str(parent / name), valid=SHAPE)
        found += [(file, label) for file in images]
    return found


def _contents(root: Path, files: list[tuple[Path, int]]) -> Iterator[tuple[str, bytes]]:
    for file, _ in files:
        try:
            with file.open("rb") as opened:
                data = opened.read(MAX_FILE_BYTES)
        except OSError as error:
            raise _unreadable(file, error) from None
        yield file.relative_to(root).as_posix(), data


def _unreadable(path: Path, error: OSError) -> LsnError:
    return LsnError(
        f"cannot read {path.name!r}: {error.strerror or error}", where=str(path), next="check its rights"
    )


IMAGENET = ImageNet()
