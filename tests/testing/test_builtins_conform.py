"""The built-in components pass the suites that plugins must pass."""

from __future__ import annotations

from lsncli.testing import (
    ArchitectureSuite,
    BackendSuite,
    DatasetSuite,
    EstimatorSuite,
    LossSuite,
    NoiseModelSuite,
)


class TestStandard(LossSuite):
    component = "standard"
    variants = ({}, {"floor": 1e-3})


class TestLabelSmoothing(LossSuite):
    component = "label-smoothing"


class TestBackward(LossSuite):
    component = "backward-correction"
    variants = ({"alpha": 0.2}, {"transition": "true"})


class TestForward(LossSuite):
    component = "forward-correction"
    variants = ({"alpha": 0.2}, {"transition": "true"})


class TestSymmetric(NoiseModelSuite):
    component = "symmetric"
    variants = ({"rate": 0.3}, {"rate": 0.3, "count": "exact"}, {"rate": 0})


class TestMlp(ArchitectureSuite):
    component = "mlp"


class TestResNet8(ArchitectureSuite):
    component = "resnet8"


class TestCpu(BackendSuite):
    component = "cpu"


class TestCuda(BackendSuite):
    component = "cuda"


class TestDigits(DatasetSuite):
    component = "digits"


class TestAnchor(EstimatorSuite):
    component = "anchor"


class TestTrue(EstimatorSuite):
    component = "true"
