"""``lsn theory``: the paper's theorems and equations, checked numerically."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lsncli.cli.options import FormatOption, ListFormat
from lsncli.cli.output import say

if TYPE_CHECKING:
    from lsncli.theory.check import Check


def command(format: FormatOption = ListFormat.table) -> None:
    """Check the paper's theorems and equations numerically, and print how far each is from holding.

    Nothing is trained and no database is read. Exit status 1 if a statement does not hold.
    """
    from lsncli.cli.output import print_json, print_table
    from lsncli.theory.check import all_checks

    checks = all_checks()
    if format is ListFormat.json:
        print_json([_record(check) for check in checks])
    else:
        columns = ("check", "paper", "statement", "measured", "bound", "verdict")
        print_table(columns, [_row(check) for check in checks])
    failed = [check.name for check in checks if not check.holds]
    if failed:
        say(f"{len(failed)} of {len(checks)} statements do not hold: {', '.join(failed)}", err=True)
        raise typer.Exit(1)
    if format is ListFormat.table:
        say(f"all {len(checks)} statements hold", err=True)


def _row(check: Check) -> tuple[str, ...]:
    relation = {"<=": "≤", ">=": "≥"}[check.relation]
    verdict = "holds" if check.holds else "FAILS"
    bound = f"{relation} {check.tolerance:g}"
    return (check.name, check.source, check.statement, f"{check.measured:.2g}", bound, verdict)


def _record(check: Check) -> dict[str, object]:
    return {
        "name": check.name,
        "source": check.source,
        "statement": check.statement,
        "measured": check.measured,
        "relation": check.relation,
        "tolerance": check.tolerance,
        "holds": check.holds,
    }
