"""The built-in components pass the suites that plugins must pass, with the parameters of their own examples."""

from __future__ import annotations

import pytest

from lsncli.registry import Registry
from lsncli.testing import (
    ArchitectureSuite,
    BackendSuite,
    ComponentSuite,
    DatasetSuite,
    EstimatorSuite,
    LossSuite,
    NoiseModelSuite,
)
from lsncli.testing.running import SUITES


class TestStandard(LossSuite):
    component = "standard"


class TestLabelSmoothing(LossSuite):
    component = "label-smoothing"


class TestBackwardCorrection(LossSuite):
    component = "backward-correction"


class TestForwardCorrection(LossSuite):
    component = "forward-correction"


class TestSmearing(LossSuite):
    component = "smearing"


class TestNoNoise(NoiseModelSuite):
    component = "none"


class TestSymmetric(NoiseModelSuite):
    component = "symmetric"


class TestUniform(NoiseModelSuite):
    component = "uniform"


class TestClassConditional(NoiseModelSuite):
    component = "class-conditional"


class TestAsymmetric(NoiseModelSuite):
    component = "asymmetric"


class TestPair(NoiseModelSuite):
    component = "pair"


class TestLinear(ArchitectureSuite):
    component = "linear"


class TestMlp(ArchitectureSuite):
    component = "mlp"


class TestResNet8(ArchitectureSuite):
    component = "resnet8"
    variants = ({}, {"shortcut": "projection", "width": 4})
    input_shapes = ((3, 16, 16), (1, 8, 8))


class TestResNet50V2(ArchitectureSuite):
    component = "resnet50v2"
    variants = ({"width": 4, "stem": "small"}, {"width": 4})
    # With the stem for large images the last map but one is of 1×1, the least that there can be.
    input_shapes = ((3, 16, 16),)


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


#: Data sets that a machine may not have, and the deeper ones of a family whose smallest is checked.
ELSEWHERE = {"cifar10", "cifar100", "imagenet", *(f"resnet{depth}" for depth in (14, 20, 32, 44, 56, 110))}


@pytest.mark.parametrize("kind", SUITES)
def test_none_is_forgotten(kind: str) -> None:
    suites = [s for s in globals().values() if isinstance(s, type) and issubclass(s, ComponentSuite)]
    registry = Registry()
    registry.load([])
    names = {suite.component for suite in suites if suite.kind == kind and suite.component}
    assert names == set(registry.names(kind)) - ELSEWHERE
