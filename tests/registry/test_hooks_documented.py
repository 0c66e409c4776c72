"""Every hook is documented with its exact signature, and every hook does something."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_plugins import entry, module

from lsncli import components, hookimpl, hookspecs
from lsncli.registry import KINDS, REGISTERING_HOOKS, Registry

HOOKS: dict[str, Callable[..., Any]] = {n: f for n, f in vars(hookspecs).items() if n.startswith("lsn_")}

#: The record of each kind, by the hook's own annotation.
RECORDS = {
    hook: getattr(components, str(inspect.signature(HOOKS[hook]).parameters["register"].annotation)[10:-8])
    for hook in REGISTERING_HOOKS
}


def signature(hook: str) -> str:
    # Annotations are kept as text, which inspect shows in quotes.
    return f"{hook}{inspect.signature(HOOKS[hook])}".replace("'", "")


@pytest.mark.parametrize("hook", HOOKS)
def test_it_is_documented(hook: str, repository: Path) -> None:
    documentation = HOOKS[hook].__doc__
    assert documentation
    text = (repository / "docs" / "plugins-reference.md").read_text(encoding="utf-8")
    heading = f"### `{signature(hook)}`\n"
    assert text.count(heading) == 1
    section = text.partition(heading)[2].partition("\n### ")[0]
    told = " ".join(documentation.replace("``", "`").replace(":mod:", "").split())
    assert told in " ".join(section.split())


def test_nothing_else_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "plugins-reference.md").read_text(encoding="utf-8")
    text = text.partition("\n## Hooks\n")[2].partition("\n## ")[0]
    assert {line.split("`")[1].split("(")[0] for line in text.splitlines() if line.startswith("### `")} == set(
        HOOKS
    )


def test_every_registering_hook_is_collected() -> None:
    takes_register = {hook for hook, f in HOOKS.items() if "register" in inspect.signature(f).parameters}
    assert set(REGISTERING_HOOKS) == takes_register
    assert len(set(KINDS)) == len(KINDS)


@pytest.mark.parametrize("hook", REGISTERING_HOOKS)
def test_what_it_registers_is_found(hook: str) -> None:
    info = RECORDS[hook](name="of-a-plugin", build=print)
    assert info.kind == REGISTERING_HOOKS[hook]

    def implementation(register: Callable[[Any], None]) -> None:
        register(info)

    registry = Registry()
    registry.load([entry("dist", module(**{hook: hookimpl(implementation)}))], strict=False)
    assert registry.failed() == []
    assert registry.get(info.kind, "of-a-plugin") is info
    assert registry.hooks_of(registry.plugins[-1]) == [hook]


@pytest.mark.parametrize("hook", REGISTERING_HOOKS)
def test_it_takes_no_record_of_another_kind(hook: str) -> None:
    other = components.LossInfo if hook != "lsn_losses" else components.ReportInfo

    def implementation(register: Callable[[Any], None]) -> None:
        register(other(name="x", build=print))

    registry = Registry()
    registry.load([entry("dist", module(**{hook: hookimpl(implementation)}))], strict=False)
    assert f"{hook} takes records of kind" in (registry.failed()[0].error or "")


@pytest.mark.parametrize("record", {r.__name__: r for r in RECORDS.values()}.values())
def test_records_are_frozen(record: Any) -> None:
    info = record(name="x", build=print)
    with pytest.raises(AttributeError):
        info.name = "y"
