"""The conformance suite of data sets.

::

    class TestFashion(DatasetSuite):
        component = "fashion"
        data_dir = Path("/data/lsn")  # optional

Beside what :mod:`lsncli.testing.suite` tells, class attributes: ``data_dir``, the folder of data sets (where it is
None, LSN_DATA_DIR or the user's own), ``download``, whether the network may be used, ``class_shares``, and
``shared_images``. Where the data are not on this machine, only the record is checked, and the rest is skipped. So
is ``another_process`` where the suite has a ``build`` of its own: another process builds what is registered.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from lsncli.data.arrays import Arrays, Images, content_digest
from lsncli.data.context import DataContext, TellsAvailability, default_data_dir
from lsncli.errors import LsnError
from lsncli.plain_params import plain_params
from lsncli.testing.expectations import expect, skip
from lsncli.testing.other_process import digest_elsewhere
from lsncli.testing.random_state import untouched_random_state
from lsncli.testing.suite import ComponentSuite
from lsncli.testing.variants import Variant

#: PYTHONHASHSEEDs of the processes that build the data again: two, as two strings may come in one order by chance.
HASH_SEEDS = (1, 2)


class DatasetSuite(ComponentSuite):
    """Subclass it with ``component``; see this module's and :mod:`lsncli.testing.suite`'s docstrings."""

    kind = "data set"
    data_dir: ClassVar[Path | None] = None
    download: ClassVar[bool] = False
    #: The least and the greatest share of a class, in multiples of 1/L.
    class_shares: ClassVar[tuple[float, float]] = (0.05, 20.0)
    #: The greatest share of test images that are, pixel by pixel, training images as well. Some published sets
    #: have a few, which their results include.
    shared_images: ClassVar[float] = 0.05

    def folder(self) -> Path:
        """The folder of data sets."""
        return self.data_dir or Path(os.environ.get("LSN_DATA_DIR") or default_data_dir())

    def build(self, variant: Variant) -> Arrays:
        """The arrays; skips where they are not on this machine and may not be downloaded."""
        folder = self.folder()
        builder: object = self.info.build
        if not self.download and isinstance(builder, TellsAvailability) and not builder.available(folder):
            skip(f"the data are not in {folder}")
        arrays = self.info.build(self.params(variant), DataContext(folder, self.download, None))
        expect(
            isinstance(arrays, Arrays),
            f"the builder returns {type(arrays).__name__}, not lsncli.data.arrays.Arrays",
        )
        built: Arrays = arrays
        return built

    # -- checks ----------------------------------------------------------------------------------------

    def test_sizes(self) -> None:
        """The record's numbers are plausible: a plan is validated by them before the data are read."""
        info = self.info
        for name in ("train_size", "test_size"):
            size = getattr(info, name)
            expect(size is None or size >= 1, f"the record says {name}={size}")
        expect(info.num_classes is None or info.num_classes >= 2, f"the record says num_classes={info.num_classes}")
        if info.class_names and info.num_classes is not None:
            expect(
                len(info.class_names) == info.num_classes,
                f"the record has {len(info.class_names)} class names and says num_classes={info.num_classes}",
            )
        if info.image_shape is not None:
            height, width, channels = info.image_shape
            expect(
                height >= 1 and width >= 1 and channels in (1, 3),
                f"the record's image_shape {info.image_shape} is not (height, width, 1 or 3 channels)",
            )

    def test_says_when_it_is_missing(self, variant: Variant) -> None:
        """In an empty folder and without a network: the data are there, or one LsnError says what to do."""
        builder: object = self.info.build
        if not isinstance(builder, TellsAvailability):
            skip("always there: its builder has no method available(data_dir)")
        with tempfile.TemporaryDirectory(prefix="lsn-conformance-") as folder:
            there = builder.available(Path(folder))
            try:
                self.info.build(self.params(variant), DataContext(Path(folder), False, None))
            except LsnError as error:
                expect(not there, f"it says that the data are available in an empty folder, but: {error.what}")
                expect(bool(error.next), f"its message says nothing of what to do next: {error.what}")
            else:
                expect(there, "it says that the data are not available in an empty folder, but builds them")

    def test_arrays(self, variant: Variant) -> None:
        """uint8 images ``[N, H, W, C]`` and int64 labels ``[N]``, as many as the record says (by the parameters'
        defaults)."""
        arrays, info = self.build(variant), self.info
        for part in ("train", "test"):
            images, labels = getattr(arrays, f"{part}_images"), getattr(arrays, f"{part}_labels")
            expect(
                images.dtype == np.uint8 and images.ndim == 4, f"{part} images are {images.dtype} {images.shape}"
            )
            expect(labels.dtype == np.int64, f"{part} labels are {labels.dtype}")
            expect(images.shape[3] in (1, 3), f"{part} images have {images.shape[3]} channels, not 1 or 3")
            size = getattr(info, f"{part}_size")
            if size is not None and not variant:
                expect(len(images) == size, f"there are {len(images)} {part} images, the record says {size}")
        for name in ("num_classes", "image_shape", "class_names"):
            told, found = getattr(info, name), getattr(arrays, name)
            if told is not None and told != () and not variant:
                expect(found == told, f"{name} is {found}, the record says {told}")

    def test_pixels(self, variant: Variant) -> None:
        """Images differ from each other and use more than one value: they are not empty, nor all alike."""
        arrays = self.build(variant)
        for part in ("train", "test"):
            images = getattr(arrays, f"{part}_images")[:100]
            expect(len(np.unique(images)) > 1, f"all pixels of the first {part} images are {images.flat[0]}")
            expect(
                len(images) < 2 or bool((images[1:] != images[0]).any()),
                f"the first {part} images are all the same",
            )

    def test_class_balance(self, variant: Variant) -> None:
        """Every class occurs, in both parts, neither hardly ever nor nearly always."""
        arrays = self.build(variant)
        low, high = self.class_shares
        for part in ("train", "test"):
            labels = getattr(arrays, f"{part}_labels")
            shares = np.bincount(labels, minlength=arrays.num_classes) / len(labels) * arrays.num_classes
            missing = [int(i) for i in np.flatnonzero(shares == 0)]
            expect(not missing, f"{part}: no example of class {', '.join(map(str, missing[:10]))}")
            odd = [int(i) for i in np.flatnonzero((shares < low) | (shares > high))]
            expect(
                not odd,
                f"{part}: class {odd[0] if odd else ''} has {shares[odd[0]] if odd else 1:.3g} times the share of"
                " balanced data (class_shares says what is allowed)",
            )

    def test_digest(self, variant: Variant) -> None:
        """The digest is that of the content, and the same when the data are built again."""
        first, second = self.build(variant), self.build(variant)
        expect(re.fullmatch(r"[0-9a-f]{64}", first.digest) is not None, f"digest {first.digest!r} is no SHA-256")
        expect(first.digest == second.digest, "two builds have different digests")
        computed = content_digest(
            first.train_images, first.train_labels, first.test_images, first.test_labels, first.class_names
        )
        expect(first.digest == computed, "the digest is not that of the arrays: build them with Arrays.of")

    def test_another_process(self, variant: Variant) -> None:
        """The digest is the same in processes with other PYTHONHASHSEEDs, in which a set has another order."""
        if type(self).build is not DatasetSuite.build:
            skip("the suite builds the data itself: another process builds what is registered")
        digest = self.build(variant).digest
        params = plain_params(self.params(variant))
        for seed in HASH_SEEDS:
            expect(
                digest_elsewhere(self.component, params, self.folder(), self.download, seed) == digest,
                f"a process with PYTHONHASHSEED={seed} gets other data: does their order depend on a set of"
                " strings? Sort it",
            )

    def test_test_images_are_new(self, variant: Variant) -> None:
        """Of the test images at most ``shared_images`` are training images as well, pixel by pixel."""
        arrays = self.build(variant)
        known = {_fingerprint(image) for image in arrays.train_images}
        shared = sum(_fingerprint(image) in known for image in arrays.test_images)
        expect(
            shared <= self.shared_images * len(arrays.test_images),
            f"{shared} of {len(arrays.test_images)} test images are training images too (shared_images says how"
            " many may be)",
        )

    def test_no_aliasing(self, variant: Variant) -> None:
        """Training and test images do not share memory."""
        arrays = self.build(variant)
        expect(
            not np.may_share_memory(arrays.train_images, arrays.test_images),
            "training and test images are the same memory",
        )

    def test_global_random_state(self, variant: Variant) -> None:
        """The generators of ``random``, numpy and torch that all the process shares are not used."""
        with untouched_random_state("the data set"):
            self.build(variant)


def _fingerprint(image: Images) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
