"""Registers the noise models and the data set of CIFAR-100's superclasses."""

from __future__ import annotations

from collections.abc import Callable

from lsncli import DatasetInfo, NoiseModelInfo, hookimpl
from lsncli.data.cifar import CifarParams

from lsn_human_noise import cifar_n, csv_noise, instance_dependent
from lsn_human_noise.coarse import SUPERCLASSES, CoarseCifar100

WEI = (
    "Wei, Zhu, Cheng, Liu, Niu, Liu: Learning with noisy labels revisited: a study using real-world human"
    " annotations. ICLR 2022"
)
XIA = "Xia et al.: Part-dependent label noise: towards instance-dependent label noise. NeurIPS 2020"


@hookimpl
def lsn_noise_models(register: Callable[[NoiseModelInfo], None]) -> None:
    """Register human labels, instance-dependent noise and labels from a file."""
    register(
        NoiseModelInfo(
            name="cifar10n",
            build=cifar_n.build_cifar10n,
            params=cifar_n.Cifar10NParams,
            summary="CIFAR-10N: the labels that three people gave each training image of CIFAR-10",
            reference=WEI,
            has_transition=False,
            check=cifar_n.check_cifar10n,
            find_files=cifar_n.find_cifar10n,
            suite="lsn_human_noise.conformance:Cifar10NSuite",
        )
    )
    register(
        NoiseModelInfo(
            name="cifar100n",
            build=cifar_n.build_cifar100n,
            params=cifar_n.Cifar100NParams,
            summary="CIFAR-100N: the labels that people gave the training images of CIFAR-100, fine or coarse",
            reference=WEI,
            has_transition=False,
            check=cifar_n.check_cifar100n,
            find_files=cifar_n.find_cifar100n,
            suite="lsn_human_noise.conformance:Cifar100NSuite",
        )
    )
    register(
        NoiseModelInfo(
            name="instance-dependent",
            build=instance_dependent.build,
            params=instance_dependent.InstanceDependentParams,
            summary="flips that depend on the image: random projections of its pixels choose the wrong class",
            reference=f"{XIA} (algorithm 2)",
            has_transition=False,
            needs=frozenset({"features"}),
        )
    )
    register(
        NoiseModelInfo(
            name="csv-labels",
            build=csv_noise.build,
            params=csv_noise.CsvParams,
            summary="labels from a CSV file, one for each training example",
            has_transition=False,
            check=csv_noise.check,
            suite="lsn_human_noise.conformance:CsvSuite",
        )
    )


@hookimpl
def lsn_datasets(register: Callable[[DatasetInfo], None]) -> None:
    """Register CIFAR-100 with its superclasses."""
    register(
        DatasetInfo(
            name="cifar100-coarse",
            build=CoarseCifar100(),
            params=CifarParams,
            summary="CIFAR-100 with its 20 superclasses as classes",
            reference="Krizhevsky: Learning multiple layers of features from tiny images. 2009",
            num_classes=20,
            image_shape=(32, 32, 3),
            class_names=SUPERCLASSES,
            train_size=50_000,
            test_size=10_000,
        )
    )
