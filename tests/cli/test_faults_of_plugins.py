"""What fails in a plugin's report format or executor is one message that names its distribution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsncli.components import ExecutorInfo, ReportInfo
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.executors.foreign import ForeignExecutor
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control
from lsncli.plan import Plan
from lsncli.registry import Origin, Plugin, Registered, registry
from lsncli.report.formats.rendering import table_renderer


def raising(*words: Any) -> Any:
    raise RuntimeError("out\nof order")


class Executing:
    def execute(self, *words: Any) -> None:
        raise KeyError("device")


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, Callable[..., Any]], Registered]:
    """Registers a component called ``odd`` of a distribution called ``odd-dist``."""

    def add(kind: type, build: Callable[..., Any]) -> Registered:
        info = kind(name="odd", build=build)
        registered = Registered(info, Plugin("odd", Origin("odd-dist", "2.0")))
        monkeypatch.setitem(registry()._components, (info.kind, "odd"), registered)
        return registered

    return add


FORMATS = {
    "when it is built": (raising, "RuntimeError: out of order"),
    "when it writes": (lambda params, context: raising, "RuntimeError: out of order"),
    "when it is no text": (
        lambda params, context: lambda table: b"table",
        "TypeError: it writes a table as bytes, not as text",
    ),
    "when it ends lsn": (lambda params, context: lambda table: exit(3), "SystemExit: 3"),
}


@pytest.mark.parametrize("build", FORMATS)
def test_a_report_format(build: str, odd: Any, lsn: Any) -> None:
    failing, told = FORMATS[build]
    odd(ReportInfo, failing)
    answer = lsn("report tiny.toml --profile smoke --format odd")
    assert answer.one_message
    assert f"report format 'odd' of odd-dist 2.0 failed: {told}" in answer.err
    assert "where: --format" in answer.err
    with pytest.raises(LsnError, match="report format 'odd' of odd-dist"):
        table_renderer("odd", registry())(None)  # type: ignore[arg-type]


EXECUTORS = {
    "when it is built": (raising, "RuntimeError: out of order"),
    "when it is none": (
        lambda params, context: None,
        "AttributeError: 'NoneType' object has no attribute 'execute'",
    ),
    "when it trains": (lambda params, context: Executing(), "KeyError: 'device'"),
}


@pytest.mark.parametrize("build", EXECUTORS)
def test_an_executor(build: str, odd: Any, lsn: Any) -> None:
    failing, told = EXECUTORS[build]
    odd(ExecutorInfo, failing)
    answer = lsn("run tiny.toml --profile smoke --executor odd")
    assert answer.status == 2
    assert f"executor 'odd' of odd-dist 2.0 failed: {told}" in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


def test_debug_shows_the_traceback(odd: Any, lsn: Any) -> None:
    odd(ReportInfo, raising)
    answer = lsn("--debug report tiny.toml --profile smoke --format odd")
    assert answer.status == 2
    assert 'raise RuntimeError("out\\nof order")' in answer.err


def test_a_sound_executor_trains(odd: Any, lsn: Any) -> None:
    odd(ExecutorInfo, lambda params, context: InProcessExecutor())
    answer = lsn("run tiny.toml --profile smoke --executor odd")
    assert answer.status == 0
    assert answer.err.splitlines()[-1] == "2 runs: 2 trained"


@pytest.mark.parametrize("together", [False, True])
def test_what_cannot_be_stored_is_not_the_executors_fault(together: bool, odd: Any, tmp_path: Path) -> None:
    class Emitting:
        def execute(self, plan: Any, settings: Any, emit: Any, control: Any) -> None:
            emit.together([None]) if together else emit(None)

    executor = ForeignExecutor(Emitting(), odd(ExecutorInfo, raising))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="out\nof order"):
        executor.execute(Plan(), EngineSettings(tmp_path), raising, Control())
