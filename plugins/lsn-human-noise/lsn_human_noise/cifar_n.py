"""CIFAR-10N and CIFAR-100N: the labels that people gave (Wei et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lsncli import CheckContext, LsnError, NoiseContext, Params
from pydantic import Field

from lsn_human_noise.aligned import AlignedNoise
from lsn_human_noise.label_files import Labels, read_label_file

PUBLISHED = "github.com/UCSC-REAL/cifar-10-100n (folder data) or www.noisylabels.com"

CIFAR10N_FILES = ("CIFAR-10_human.pt", "CIFAR-10_human.npy")
#: The _ordered files, which are published as well, are in the order of TensorFlow Datasets, not in CIFAR's own.
CIFAR100N_FILES = ("CIFAR-100_human.pt", "CIFAR-100_human.npy")

#: How recipes call the label sets of CIFAR-10N, and how the files do.
CIFAR10N = {
    "clean": "clean_label",
    "aggre": "aggre_label",
    "random1": "random_label1",
    "random2": "random_label2",
    "random3": "random_label3",
    "worst": "worse_label",
}
#: By the number of classes: the names of the true and of the noisy labels. The two published files of the fine
#: labels do not agree on the latter.
CIFAR100N = {
    100: (("clean_label",), ("noisy_label", "noise_label")),
    20: (("clean_coarse_label",), ("noisy_coarse_label",)),
}


class Cifar10NParams(Params):
    """The human labels of CIFAR-10."""

    labels: Literal["clean", "aggre", "random1", "random2", "random3", "worst"] = Field(
        "worst",
        description="of the three labels of each image: worst: a wrong one where there is one; random1, random2,"
        " random3: the first, second, third; aggre: their majority; clean: the true ones",
    )


class Cifar100NParams(Params):
    """The human labels of CIFAR-100."""

    labels: Literal["clean", "noisy"] = Field(
        "noisy",
        description="noisy: what people said; clean: the true ones. Fine labels for data of 100 classes (cifar100),"
        " coarse ones for 20 (cifar100-coarse)",
    )


def check_cifar10n(params: Cifar10NParams, context: CheckContext) -> None:
    """Raise ValueError unless the data set has ten classes."""
    if context.num_classes not in (None, 10):
        raise ValueError(
            f"CIFAR-10N has labels of 10 classes, data set {context.dataset!r} has {context.num_classes}"
        )


def check_cifar100n(params: Cifar100NParams, context: CheckContext) -> None:
    """Raise ValueError unless the data set has CIFAR-100's fine or coarse classes."""
    if context.num_classes not in (None, *CIFAR100N):
        raise ValueError(
            f"CIFAR-100N has labels of 100 fine and of 20 coarse classes, data set {context.dataset!r} has"
            f" {context.num_classes}"
        )


def find_cifar10n(params: Cifar10NParams, data_dir: Path) -> None:
    """Raise LsnError where the file is missing."""
    find_file(CIFAR10N_FILES, data_dir)


def find_cifar100n(params: Cifar100NParams, data_dir: Path) -> None:
    """Raise LsnError where the file is missing."""
    find_file(CIFAR100N_FILES, data_dir)


def build_cifar10n(params: Cifar10NParams, context: NoiseContext) -> AlignedNoise:
    """The labels of the file in the data folder; raises LsnError where there is none, or it is damaged."""
    path = find_file(CIFAR10N_FILES, context.data_dir)
    found = read_label_file(path)
    clean = _entry(found, (CIFAR10N["clean"],), path)
    return AlignedNoise.of(_entry(found, (CIFAR10N[params.labels],), path), clean, path.name, context)


def build_cifar100n(params: Cifar100NParams, context: NoiseContext) -> AlignedNoise:
    """The labels of the file in the data folder; raises LsnError where there is none, or it is damaged."""
    path = find_file(CIFAR100N_FILES, context.data_dir)
    if context.num_classes not in CIFAR100N:
        raise LsnError(f"CIFAR-100N has no labels of {context.num_classes} classes", valid="100 or 20 classes")
    clean_names, noisy_names = CIFAR100N[context.num_classes]
    found = read_label_file(path)
    clean = _entry(found, clean_names, path)
    noisy = clean if params.labels == "clean" else _entry(found, noisy_names, path)
    return AlignedNoise.of(noisy, clean, path.name, context)


def find_file(names: Sequence[str], data_dir: Path | None) -> Path:
    """The first of the files that is in the data folder or in a folder of CIFAR in it.

    Raises LsnError where there is none, with where to get it.
    """
    if data_dir is None:
        raise LsnError("human labels are read when a run begins: no data folder is known yet")
    folders = [
        data_dir,
        *(
            data_dir / name
            for name in ("cifar-n", "CIFAR-N", "cifar10n", "cifar100n", "cifar10", "cifar100", "noise_label")
        ),
    ]
    for name in names:
        for folder in folders:
            if (folder / name).is_file():
                return folder / name
    raise LsnError(
        f"{names[0]} is not on this machine; looked for {' and '.join(names)} in {data_dir} and its folders",
        where=str(data_dir),
        next=f"get it from {PUBLISHED} and put it there",
    )


def _entry(found: dict[str, Labels], names: Sequence[str], path: Path) -> Labels:
    for name in names:
        if name in found:
            return found[name]
    raise LsnError(f"{path.name} has no labels {names[0]!r}", where=str(path), valid=sorted(found))
