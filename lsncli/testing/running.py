"""Runs the suites of installed components without test files and without pytest, and says what came of it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from unittest import SkipTest

from lsncli import testing
from lsncli.errors import LsnError
from lsncli.registry import Plugin, Registered, Registry
from lsncli.testing.suite import ComponentSuite, plugin_module
from lsncli.testing.variants import Variant, shown

Status = Literal["passed", "failed", "skipped"]

#: The suite of each kind that has one of its own.
SUITES = {
    "loss": "LossSuite",
    "noise model": "NoiseModelSuite",
    "architecture": "ArchitectureSuite",
    "backend": "BackendSuite",
    "data set": "DatasetSuite",
    "estimator": "EstimatorSuite",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one check of one component, with one set of parameters (``variant``, where it takes any).

    reason: why it failed or was skipped; traceback: of an error that is none of the suite's own.
    """

    kind: str
    component: str
    check: str
    status: Status
    reason: str = ""
    variant: str = ""
    traceback: str = ""


def check_plugin(known: Registry, plugin: Plugin, only: frozenset[str] = frozenset()) -> Iterator[Verdict]:
    """The verdicts on a plugin and on every component that it registers (or on those named in ``only``)."""
    if plugin.error:
        yield Verdict("plugin", plugin.name, "loading", "failed", plugin.error, traceback=plugin.traceback or "")
        return
    if not only:
        hooks = known.hooks_of(plugin)
        reason = "" if hooks else "it implements no hook: is the entry point's module the right one?"
        yield Verdict("plugin", plugin.name, "loading", "passed" if hooks else "failed", reason)
    for info in plugin.components:
        if not only or info.name in only:
            yield from check_component(known, Registered(info, plugin))


def check_component(known: Registry, registered: Registered) -> Iterator[Verdict]:
    """The verdicts on one component: every check of its suite, once for each set of parameters."""
    info = registered.info
    try:
        known.find(info.kind, info.name)
        suite = suite_of(registered)()
        variants = suite.parameter_sets()
    except LsnError as error:
        yield Verdict(info.kind, info.name, "registration", "failed", error.what)
        return
    except Exception as error:  # noqa: BLE001 - a third party's code
        yield _fault(registered, "registration", "", error)
        return
    for method in methods(type(suite)):
        takes_variant = "variant" in signature(getattr(suite, method)).parameters
        if takes_variant and not variants:
            reason = "no set of parameters to check with (see the check 'parameters')"
            yield Verdict(info.kind, info.name, _title(method), "skipped", reason)
        for variant in variants if takes_variant else [None]:
            yield _run(registered, type(suite), method, variant)


def suite_of(registered: Registered) -> type[ComponentSuite]:
    """The suite that the record names, or else its kind's; :class:`LsnError` if the record names no such class."""
    info = registered.info
    if not info.suite:
        base = getattr(testing, SUITES.get(info.kind, "ComponentSuite"))
        return type("Suite", (base,), {"kind": info.kind, "component": info.name})
    module, _, name = info.suite.partition(":")
    try:
        found = getattr(import_module(module), name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what pytest.importorskip raises is no Exception
        raise LsnError(f"its suite {info.suite!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, ComponentSuite)):
        raise LsnError(f"its suite {info.suite!r} is no subclass of a suite of lsncli.testing")
    if (found.kind, found.component) != (info.kind, info.name):
        raise LsnError(f"its suite {info.suite!r} is that of {found.kind} {found.component!r}")
    return found


def methods(suite: type[ComponentSuite]) -> list[str]:
    """The checks of a suite, those of the record first, each in the order in which they are written."""
    names = {name: None for base in reversed(suite.__mro__) for name in vars(base) if name.startswith("test_")}
    return [name for name in names if callable(getattr(suite, name))]


def _run(registered: Registered, suite: type[ComponentSuite], method: str, variant: Variant | None) -> Verdict:
    info, check = registered.info, _title(method)
    told = "" if variant is None else shown(variant)
    try:
        # What a component prints is not part of the verdicts.
        with redirect_stdout(sys.stderr):
            instance = suite()
            instance.setup_method(getattr(instance, method))
            getattr(instance, method)(*([] if variant is None else [variant]))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a third party's code; what pytest raises is no Exception
        if isinstance(error, SkipTest) or _is_of_pytest(error, "skip", "xfail"):
            return Verdict(info.kind, info.name, check, "skipped", str(error), told)
        if isinstance(error, AssertionError) or _is_of_pytest(error, "fail"):
            return Verdict(info.kind, info.name, check, "failed", " ".join(str(error).split()), told)
        return _fault(registered, check, told, error)
    return Verdict(info.kind, info.name, check, "passed", "", told)


def _is_of_pytest(error: BaseException, *ways: str) -> bool:
    """Whether a check of a suite's own ended by ``pytest.skip``, ``pytest.fail``, …; pytest need not be there."""
    pytest: Any = sys.modules.get("pytest")
    return pytest is not None and isinstance(error, tuple(getattr(pytest, way).Exception for way in ways))


def _fault(registered: Registered, check: str, variant: str, error: BaseException) -> Verdict:
    place = _place(error.__traceback__, plugin_module(registered.plugin))
    reason = " ".join(f"{type(error).__name__}: {error}".split()) + (f" ({place})" if place else "")
    told = "".join(traceback.format_exception(error))
    return Verdict(registered.info.kind, registered.info.name, check, "failed", reason, variant, told)


def _place(trace: TracebackType | None, module: str) -> str:
    """The last line of the plugin's own code that the error came through: ``lsn_gce/loss.py:12``."""
    loaded: Any = sys.modules.get(module)
    if loaded is None or not getattr(loaded, "__file__", None):
        return ""
    home = Path(loaded.__file__)
    folder = home.parent if "." in module or home.name == "__init__.py" else None
    place = ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file == home or (folder is not None and folder in file.parents):
            place = (
                f"{file.parent.name}/{file.name}:{trace.tb_lineno}" if folder else f"{file.name}:{trace.tb_lineno}"
            )
        trace = trace.tb_next
    return place


def _title(method: str) -> str:
    return method.removeprefix("test_").replace("_", " ")
