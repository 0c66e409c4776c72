"""``lsn plugins check``: the conformance suites, run for everything that an installed package registers."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli.options import FormatOption, ListFormat

if TYPE_CHECKING:
    from lsncli.registry import Plugin, Registry
    from lsncli.testing.running import Verdict


def check(
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(help="An installed distribution or plugin; lsn for what is built in.")],
    component: Annotated[
        list[str] | None, typer.Option("--component", help="Only this component; may be said several times.")
    ] = None,
    format: FormatOption = ListFormat.table,
) -> None:
    """Check that a plugin's components do what lsn relies on; exit status 1 where one does not."""
    from lsncli.cli.main import debugging
    from lsncli.cli.output import print_json
    from lsncli.registry import registry
    from lsncli.testing.running import check_plugin

    known = registry()
    plugins = _plugins(known, package)
    only = frozenset(component or ())
    _refuse_unknown(plugins, only, package)
    verdicts: list[Verdict] = []
    for plugin in plugins:
        for verdict in check_plugin(known, plugin, only):
            verdicts.append(verdict)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r\x1b[2K{verdict.kind} {verdict.component}: {verdict.check}\r")
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[2K")
    if debugging(ctx.find_root()):
        for verdict in verdicts:
            sys.stderr.write(verdict.traceback)
    if format is ListFormat.json:
        print_json([asdict(verdict) for verdict in verdicts])
    else:
        _print(verdicts)
    if any(verdict.status == "failed" for verdict in verdicts):
        raise typer.Exit(1)


def _plugins(known: Registry, package: str) -> list[Plugin]:
    """The plugins of a distribution, or those of this name."""
    from lsncli.errors import UnknownNameError

    def spelling(name: str) -> str:
        return name.lower().replace("_", "-").replace(".", "-")

    wanted = spelling(package)
    found = [p for p in known.plugins if spelling(p.origin.distribution) == wanted]
    found = found or [p for p in known.plugins if spelling(p.name) == wanted]
    if not found:
        names = {p.origin.distribution for p in known.plugins}
        hint = "it must be installed in this environment: uv pip install -e FOLDER"
        raise UnknownNameError.of("plugin", package, names, next=hint)
    return found


def _refuse_unknown(plugins: list[Plugin], only: frozenset[str], package: str) -> None:
    from lsncli.errors import UnknownNameError

    names = {info.name for plugin in plugins for info in plugin.components}
    for name in sorted(only - names):
        raise UnknownNameError.of(f"component of {package}", name, names, where="--component")


def _print(verdicts: list[Verdict]) -> None:
    """A row for each check; of one that was run with several sets of parameters, the worst outcome."""
    from lsncli.cli.output import print_table, stdout

    rows: list[tuple[str, ...]] = []
    for (kind, name), of_component in groupby(verdicts, key=lambda v: (v.kind, v.component)):
        title = f"{kind} {name}"
        for check, of_check in groupby(of_component, key=lambda v: v.check):
            rows.append((title, check, *_worst(list(of_check))))
            title = ""
    print_table(("component", "check", "verdict", "reason"), rows)
    counts = Counter(verdict.status for verdict in verdicts)
    told = ", ".join(f"{counts[status]} {status}" for status in ("passed", "failed", "skipped") if counts[status])
    stdout().print(f"{told or 'nothing to check'}", markup=False)


def _worst(verdicts: list[Verdict]) -> tuple[str, str]:
    """The outcome of the sets of parameters of one check, with the reasons of those that did worst."""
    for status in ("failed", "skipped", "passed"):
        found = [verdict for verdict in verdicts if verdict.status == status]
        if status == "skipped" and len(found) < len(verdicts):
            continue  # it was checked with other parameters
        if found:
            reasons = {verdict.reason: verdict.variant for verdict in reversed(found) if verdict.reason}
            several = len(verdicts) > 1 and len(found) < len(verdicts)
            told = [
                f"{reason} [{variant}]" if several and variant else reason for reason, variant in reasons.items()
            ]
            return status, "; ".join(reversed(told))
    return "passed", ""
