"""Results without a database, and the request of a battery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pydantic import Field

from lsncli import ArchitectureInfo, LossInfo, NoiseModelInfo, Params, hookimpl
from lsncli.battery.request import BatteryRequest
from lsncli.recipe.loading import Overrides
from lsncli.registry import Registry, registry


@dataclass
class FakeResults:
    """What a database would say of finished runs: key → metrics."""

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)

    def statuses(self, keys: Sequence[str]) -> Mapping[str, Any]:
        return {key: SimpleNamespace(status="done") for key in keys if key in self.metrics}

    def values(self, keys: Sequence[str], names: Sequence[str], which: str = "last") -> dict[str, dict[str, float]]:
        return {k: {n: v for n, v in self.metrics[k].items() if n in names} for k in keys if k in self.metrics}

    def data_digests(self, keys: Sequence[str]) -> dict[str, str]:
        return {}

    def stand_ins(self) -> dict[str, str]:
        return {}


@pytest.fixture
def results() -> FakeResults:
    return FakeResults()


OF_THE_BATTERY = ("kind", "data", "base", "parts", "true_labels")


@pytest.fixture
def request_of() -> Callable[..., BatteryRequest]:
    """The request for a component; ``settings`` are pairs of ``--set``, other words as of the command."""

    def read(name: str = "label-smoothing", *settings: tuple[str, Any], **words: Any) -> BatteryRequest:
        about = {word: words.pop(word) for word in OF_THE_BATTERY if word in words}
        components = words.pop("components", None) or registry()
        return BatteryRequest.read(name, Overrides(settings=settings, **words), components, **about)

    return read


class Annotators(Params):
    """A noise model without a rate."""

    people: int = Field(ge=1, description="how many people gave each label")
    experts: bool = False


class Percent(Params):
    """A rate that is none of the battery's."""

    rate: int = Field(ge=1, le=99, description="in percent")


class Dropped(Params):
    """A rate that must not be zero."""

    rate: float = Field(gt=0, lt=1)


class Tower(Params):
    """An architecture that must be told its depth."""

    depth: int = Field(ge=1)
    wide: bool = False


def build(params: Any, context: Any) -> Any:
    raise NotImplementedError("only planned")


@hookimpl
def lsn_losses(register: Callable[[LossInfo], None]) -> None:
    register(LossInfo(name="twin", build=build))


@hookimpl
def lsn_noise_models(register: Callable[[NoiseModelInfo], None]) -> None:
    register(NoiseModelInfo(name="annotators", build=build, params=Annotators, has_transition=False))
    register(NoiseModelInfo(name="percent", build=build, params=Percent, has_transition=False))
    register(NoiseModelInfo(name="dropped", build=build, params=Dropped, has_transition=False))
    register(NoiseModelInfo(name="twin", build=build, has_transition=False))


@hookimpl
def lsn_architectures(register: Callable[[ArchitectureInfo], None]) -> None:
    register(ArchitectureInfo(name="tower", build=build, params=Tower))


@pytest.fixture(scope="session")
def third_party() -> Registry:
    """What is built in, and a plugin with components as a third party's may be."""
    plugin = ModuleType("lsn_third_party")
    vars(plugin).update({f.__name__: f for f in (lsn_losses, lsn_noise_models, lsn_architectures)})
    entry: Any = SimpleNamespace(name="third", value="lsn_third_party", dist=None, load=lambda: plugin)
    found = Registry()
    found.load([entry], strict=True)
    return found
