"""CIFAR-10 and CIFAR-100 by way of torchvision: a folder or archive that is there, or a download."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from lsncli.data import stored
from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext
from lsncli.data.download import download, md5_of
from lsncli.errors import LsnError
from lsncli.parameters import Params

#: Width and height of the images in the files.
FULL_SIZE = 32


class CifarParams(Params):
    """Parameters of CIFAR-10 and CIFAR-100."""

    size: int = Field(
        FULL_SIZE,
        ge=8,
        le=FULL_SIZE,
        description="Every image is resized to size x size pixels, as lsn data prepare --size does.",
    )


@dataclass(frozen=True, slots=True)
class Cifar:
    """Builds one of the two sets (the ``build`` of its :class:`~lsncli.components.DatasetInfo`).

    Each size has a decoded copy of its own in ``<data_dir>/cache``: ``cifar10`` as the files have them, else
    ``cifar10-<size>``, which is made from that one.

    folder, archive: what torchvision and the authors call them. torchvision_name: the class that knows
    the files' checksums and reads them.
    """

    name: str
    torchvision_name: str
    folder: str
    archive: str

    def available(self, data_dir: Path) -> bool:
        """Whether a decoded copy of the full size, the folder or the archive is there."""
        return (
            (DataContext(data_dir).cache_dir / self.name / stored.META).is_file()
            or self._find(data_dir, self.folder) is not None
            or self._find(data_dir, self.archive) is not None
        )

    def image_shape(self, params: CifarParams) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        return params.size, params.size, 3

    def copy_name(self, params: CifarParams) -> str:
        """The folder of the decoded copy of this size."""
        return self.name if params.size == FULL_SIZE else f"{self.name}-{params.size}"

    def __call__(self, params: CifarParams, context: DataContext) -> Arrays:
        """50,000 training and 10,000 test images, RGB, ``[N, size, size, 3]``.

        Decoded once into ``<data_dir>/cache``. Raises :class:`LsnError` where the files are damaged, or
        where there are none and none can be downloaded.
        """
        cache = context.cache_dir / self.copy_name(params)
        with suppress(LsnError):  # never decoded, or a damaged copy: made again below
            return stored.load(cache)
        if params.size == FULL_SIZE:
            return self._decode_and_keep(context)
        return self._keep(cache, self._resized(params.size, context), self.name)

    def _resized(self, size: int, context: DataContext) -> Arrays:
        from lsncli.data.decoding import resized  # Pillow: only once the pixels themselves are wanted

        cache = context.cache_dir / self.name
        # A full copy that has changed would be passed on under a digest that fits what it has become.
        full = self._decode_and_keep(context) if stored.changed(cache) else stored.load(cache)
        context.report(f"resizing the images of {self.name}", 0)
        return Arrays.of(
            resized(full.train_images, size),
            full.train_labels,
            resized(full.test_images, size),
            full.test_labels,
            full.class_names,
        )

    def _decode_and_keep(self, context: DataContext) -> Arrays:
        arrays, source = self._decode(context)
        return self._keep(context.cache_dir / self.name, arrays, source)

    def _keep(self, cache: Path, arrays: Arrays, source: str) -> Arrays:
        with suppress(LsnError):  # a shared folder that only others may write: decode each time
            stored.save(cache, arrays, stored.describe_arrays(self.name, arrays, source=source))
        return arrays

    def _decode(self, context: DataContext) -> tuple[Arrays, str]:
        folder = self._find(context.data_dir, self.folder)
        if folder is not None:
            return self._read(folder.parent), self.folder
        archive = self._find(context.data_dir, self.archive)
        if archive is None:
            archive = self._download(context)
        elif md5_of(archive) != self._torchvision().tgz_md5:
            raise self._damaged(archive)
        context.report(f"unpacking {self.archive}", 0)
        with tempfile.TemporaryDirectory(prefix="lsn-") as scratch:
            self._unpack(archive, Path(scratch))
            return self._read(Path(scratch)), self.archive

    def _download(self, context: DataContext) -> Path:
        places = [str(place) for place in self._places(context.data_dir)]
        advice = (
            f"put {self.archive} (or the folder {self.folder}) into {places[0]}; or give images of your own: "
            f"lsn data prepare NAME SOURCE --stands-in-for {self.name}, then --data {self.name}=NAME"
        )
        looked = f"looked for {self.folder} and {self.archive} in {' and '.join(places)}"
        if not context.download:
            raise LsnError(
                f"{self.name} is not on this machine; {looked}",
                where=places[0],
                next=f"download it: lsn data prepare {self.name}; or {advice}",
            )
        dataset = self._torchvision()
        try:
            return download(dataset.url, context.data_dir / self.archive, dataset.tgz_md5, context)
        except LsnError as error:
            raise LsnError(
                f"{self.name} is not on this machine and the download failed; {looked}; {error.what}",
                where=error.where,
                next=advice,
            ) from None

    def _unpack(self, archive: Path, target: Path) -> None:
        """Take out the files that torchvision lists, and nothing else."""
        dataset = self._torchvision()
        wanted = {name for name, _ in (*dataset.train_list, *dataset.test_list)} | {dataset.meta["filename"]}
        (target / self.folder).mkdir()
        try:
            with tarfile.open(archive) as files:
                for member in files:
                    folder, _, base = member.name.rpartition("/")
                    if folder == self.folder and base in wanted and (file := files.extractfile(member)):
                        with (target / self.folder / base).open("wb") as out:
                            shutil.copyfileobj(file, out)
        except (tarfile.TarError, EOFError) as error:
            raise LsnError(f"cannot read {archive.name!r}: {error}", where=str(archive)) from None

    def _read(self, root: Path) -> Arrays:
        """The arrays of ``root/folder``; every file's checksum is verified before it is unpickled."""
        dataset = self._torchvision()
        files = [*dataset.train_list, *dataset.test_list, [dataset.meta["filename"], dataset.meta["md5"]]]
        for name, md5 in files:
            path = root / self.folder / name
            try:
                intact = md5_of(path) == md5
            except OSError as error:
                raise LsnError(
                    f"{self.name} is not complete: {name} cannot be read ({error.strerror})",
                    where=str(path),
                    next=f"remove {path.parent} and download it again: lsn data prepare {self.name}",
                ) from None
            if not intact:
                raise self._damaged(path)
        train, test = dataset(root, train=True), dataset(root, train=False)
        return Arrays.of(
            np.ascontiguousarray(train.data),
            np.asarray(train.targets, dtype=np.int64),
            np.ascontiguousarray(test.data),
            np.asarray(test.targets, dtype=np.int64),
            tuple(train.classes),
        )

    def _damaged(self, path: Path) -> LsnError:
        return LsnError(
            f"{path.name} of {self.name} does not have its published MD5, so it was not opened",
            where=str(path),
            next=f"remove it and get {self.archive} again: lsn data prepare {self.name}",
        )

    def _places(self, data_dir: Path) -> tuple[Path, Path]:
        return data_dir, data_dir / self.name

    def _find(self, data_dir: Path, name: str) -> Path | None:
        return next((p / name for p in self._places(data_dir) if (p / name).exists()), None)

    def _torchvision(self) -> Any:
        from torchvision import datasets  # imports torch: only once the pixels themselves are wanted

        return getattr(datasets, self.torchvision_name)


CIFAR10 = Cifar("cifar10", "CIFAR10", "cifar-10-batches-py", "cifar-10-python.tar.gz")
CIFAR100 = Cifar("cifar100", "CIFAR100", "cifar-100-python", "cifar-100-python.tar.gz")

CIFAR10_CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())  # noqa: SIM905

#: The fine labels in the authors' order, which is alphabetical.
CIFAR100_CLASSES = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel
    can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur
    dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion
    lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree
    pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
    seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank
    telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """.split()  # noqa: SIM905 - a hundred quotation marks would not help the eye
)
