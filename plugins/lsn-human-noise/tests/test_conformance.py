"""Every noise model, and the data set, pass lsn's conformance suites."""

from __future__ import annotations

from lsncli.testing import DatasetSuite, NoiseModelSuite

from lsn_human_noise.conformance import Cifar10NSuite, Cifar100NSuite, CsvSuite


class TestCifar10N(Cifar10NSuite):
    pass


class TestCifar100N(Cifar100NSuite):
    pass


class TestCsvLabels(CsvSuite):
    pass


class TestInstanceDependent(NoiseModelSuite):
    component = "instance-dependent"


class TestCoarseCifar100(DatasetSuite):
    component = "cifar100-coarse"
