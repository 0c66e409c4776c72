"""Images and labels as plain arrays: the form in which every data set reaches the engine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lsncli.errors import LsnError

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

#: Images handled at once where a whole array would need a large temporary copy.
_CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """A data set in memory (or mapped into it).

    train_images, test_images: uint8 ``[N, H, W, C]``. train_labels, test_labels: int64 ``[N]`` in
    ``0 .. L-1``. class_names: L names. digest: see :func:`content_digest`. train_labels_clean: False for
    natural noise, where the true training labels are unknown and clean-label metrics do not exist.
    train_positions: of a subset, int64 ``[N]``: where its training examples stand in the whole set, which has
    train_total of them.

    Raises ValueError where the arrays do not fit together.
    """

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    class_names: tuple[str, ...]
    digest: str
    train_labels_clean: bool = True
    train_positions: Labels | None = None
    train_total: int | None = None

    def __post_init__(self) -> None:
        for part, images, labels in (
            ("train", self.train_images, self.train_labels),
            ("test", self.test_images, self.test_labels),
        ):
            if images.dtype != np.uint8 or images.ndim != 4 or not images.size:
                raise ValueError(f"{part} images are uint8 [N, H, W, C], not {images.dtype} {list(images.shape)}")
            if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
                raise ValueError(
                    f"{part} labels are int64 [{len(images)}], not {labels.dtype} {list(labels.shape)}"
                )
            if labels.min() < 0 or labels.max() >= self.num_classes:
                raise ValueError(f"{part} labels are outside 0 .. {self.num_classes - 1}")
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            raise ValueError(
                f"train images are {self.image_shape}, test images {tuple(self.test_images.shape[1:])}"
            )

    @classmethod
    def of(
        cls,
        train_images: Images,
        train_labels: Labels,
        test_images: Images,
        test_labels: Labels,
        class_names: tuple[str, ...],
        *,
        train_labels_clean: bool = True,
    ) -> Arrays:
        """The arrays with their digest computed."""
        digest = content_digest(train_images, train_labels, test_images, test_labels, class_names)
        return cls(train_images, train_labels, test_images, test_labels, class_names, digest, train_labels_clean)

    @property
    def num_classes(self) -> int:
        """Number of classes L."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        _, height, width, channels = self.train_images.shape
        return height, width, channels

    def subset(self, train_size: int | None, test_size: int | None, seed: int) -> Arrays:
        """A random, class-balanced subset; None keeps a part whole.

        Class counts differ by at most one, unless a class has too few images: then all of its images
        are taken. The images keep their order. The choice depends on ``seed`` alone: a smaller subset of
        the same seed lies inside a larger one, and the training part does not depend on ``test_size``.
        The digest is that of the subset's own content.

        Raises :class:`LsnError` where a size is below 1 or above what there is.
        """
        train = self._choose("train", self.train_labels, train_size, seed, stream=0)
        test = self._choose("test", self.test_labels, test_size, seed, stream=1)
        if train is None and test is None:
            return self
        chosen = Arrays.of(
            self.train_images if train is None else self.train_images[train],
            self.train_labels if train is None else self.train_labels[train],
            self.test_images if test is None else self.test_images[test],
            self.test_labels if test is None else self.test_labels[test],
            self.class_names,
            train_labels_clean=self.train_labels_clean,
        )
        if train is None:
            return replace(chosen, train_positions=self.train_positions, train_total=self.train_total)
        positions = train.astype(np.int64) if self.train_positions is None else self.train_positions[train]
        return replace(chosen, train_positions=positions, train_total=self.train_total or len(self.train_labels))

    def _choose(
        self, part: str, labels: Labels, size: int | None, seed: int, *, stream: int
    ) -> npt.NDArray[np.intp] | None:
        if size is None or size == len(labels):
            return None
        if not 1 <= size <= len(labels):
            raise LsnError(
                f"a {part} subset of {size} images was asked for, of {len(labels)} that there are",
                where=f"data.{part}_size",
                valid=f"1 to {len(labels)}, or nothing for all",
            )
        generator = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(stream,)))
        return _balanced(labels, self.num_classes, size, generator)


def _balanced(labels: Labels, num_classes: int, size: int, generator: np.random.Generator) -> npt.NDArray[np.intp]:
    """Sorted positions of ``size`` examples, dealt out class by class in rounds.

    Every example gets the round in which its class deals it; rounds are filled one after the other, and
    within the last, incomplete round the classes come in a random order of their own.
    """
    rounds = np.empty(len(labels), dtype=np.int64)
    for label in range(num_classes):
        members = np.flatnonzero(labels == label)
        rounds[members] = generator.permutation(len(members))
    order = generator.permutation(num_classes)
    return np.sort(np.lexsort((order[labels], rounds))[:size])


def content_digest(
    train_images: Images,
    train_labels: Labels,
    test_images: Images,
    test_labels: Labels,
    class_names: tuple[str, ...],
) -> str:
    """SHA-256 (hexadecimal) of class names and arrays: the same for the same content on any machine.

    Hashed are the class names as a line of JSON, then for every array, in the order of the arguments, a
    line of JSON with its little-endian type and shape, followed by its bytes in C order.
    """
    state = hashlib.sha256(_line(list(class_names)))
    for array, dtype in (
        (train_images, "|u1"),
        (train_labels, "<i8"),
        (test_images, "|u1"),
        (test_labels, "<i8"),
    ):
        state.update(_line([dtype, list(array.shape)]))
        for start in range(0, len(array), _CHUNK):
            chunk = np.ascontiguousarray(array[start : start + _CHUNK], dtype=dtype)
            state.update(chunk.reshape(-1).view(np.uint8).data)
    return state.hexdigest()


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def channel_statistics(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation (ddof 0) of every channel of uint8 ``[N, H, W, C]``, in units of 0..1.

    Computed from the exact histogram of the 256 values, so the result does not depend on the order of
    a floating-point sum.
    """
    means, deviations = [], []
    values = np.arange(256, dtype=np.float64) / 255
    for channel in range(images.shape[3]):
        counts = np.zeros(256, dtype=np.int64)
        for start in range(0, len(images), _CHUNK):
            counts += np.bincount(images[start : start + _CHUNK, :, :, channel].reshape(-1), minlength=256)
        share = counts / counts.sum()
        mean = float(share @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(share @ (values - mean) ** 2)))
    return tuple(means), tuple(deviations)
