"""Results without a database, and the request of a battery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from lsncli.battery.request import BatteryRequest
from lsncli.recipe.loading import Overrides
from lsncli.registry import registry


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


@pytest.fixture
def request_of() -> Callable[..., BatteryRequest]:
    """The request for a loss; ``settings`` are pairs of ``--set``, other words as of the command."""

    def read(loss: str = "label-smoothing", *settings: tuple[str, Any], **words: Any) -> BatteryRequest:
        about = {name: words.pop(name) for name in ("data", "base", "parts") if name in words}
        return BatteryRequest.read(loss, Overrides(settings=settings, **words), registry(), **about)

    return read
