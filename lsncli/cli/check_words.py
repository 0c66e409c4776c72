"""What ``lsn db check`` prints: every finding, and what of a damaged database can be saved."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from lsncli.cli.output import say

if TYPE_CHECKING:
    from lsncli.store.check_report import CheckReport
    from lsncli.store.salvage import Salvaged

#: Findings of one kind that a person reads; the JSON has all.
MOST = 50


def print_check(report: CheckReport) -> None:
    """Print a check for people."""
    from lsncli.cli.output import print_table

    if report.findings:
        shown = report.findings[:MOST]
        print_table(("", "where", "what", "next"), [(f.severity, f.where, f.what, f.next or "") for f in shown])
        if len(report.findings) > MOST:
            say(f"and {len(report.findings) - MOST} more findings: --format json has all")
    looked = f"{report.runs} runs and {report.files} files looked at"
    say(f"{report.path}: {'sound' if report.sound else 'damaged'} ({looked})")
    if report.can_be_saved is not None:
        print_saved(report.can_be_saved, "can be saved")
        # Without a single run, but perhaps with numbers of computed figures.
        worth = bool(report.can_be_saved.rows.total())
        salvaging = f"{shlex.join(['lsn', 'db', 'check', '--db', report.path])} --salvage FILE"
        say(f"next: {salvaging if worth else 'go on with a backup'}")


def print_saved(saved: Salvaged, verb: str) -> None:
    """Say what a salvage saves, or has saved."""
    say(f"{verb}: {_count(len(saved.whole), 'run')} as they were, with {saved.rows['metric']} numbers")
    if saved.partial:
        say(f"  {_count(len(saved.partial), 'run')} in part, to be gone on with by lsn run: {_some(saved.partial)}")
    if saved.lost:
        say(f"  lost: {_count(len(saved.lost), 'run')}: {_some(saved.lost)}")
    elif saved.lost is None:
        say("  the list of runs is damaged, too: nobody can say which ones are lost")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _some(keys: list[str]) -> str:
    rest = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return ", ".join(key[:10] for key in keys[:5]) + rest
