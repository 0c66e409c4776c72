"""What ``lsn db merge`` prints: a table of counts, then what a person should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsncli.cli.output import say

if TYPE_CHECKING:
    from lsncli.store.merge_report import MergeReport, SourceReport

#: Verdicts in the order of the table, with the words that head their columns.
HEADS = {
    "added": "new",
    "completed": "completed",
    "replaced": "replaced",
    "same": "already here",
    "kept": "differ, ours kept",
    "behind": "unfinished there",
    "busy": "being trained here",
    "refused": "refused",
}

#: Keys that a message shows; the JSON has all.
MOST = 5


def print_merge(report: MergeReport) -> None:
    """Print a merge for people."""
    from lsncli.cli.output import print_table, warn

    shown = [v for v in HEADS if any(source.runs[v] for source in report.sources)]  # type: ignore[index]
    print_table(
        ("from", "schema", *(HEADS[v] for v in shown), "computations", "weights"),
        [
            (s.path, s.schema, *(len(s.runs[v]) for v in shown), _added(s), _files(s))  # type: ignore[index]
            for s in report.sources
        ],
        title=f"Runs that come into {report.path}",
    )
    for source in report.sources:
        for line in _remarks(source):
            say(f"{source.path}: {line}")
        for what, why in source.refused:
            warn(f"{source.path}: {what} is refused: {why}")
    if report.dry_run:
        say("nothing was written (--dry-run)")


def _added(source: SourceReport) -> str:
    new = source.computations["added"] + source.computations["replaced"]
    return str(new) if new else ""


def _files(source: SourceReport) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(source.files.items()))


def _remarks(source: SourceReport) -> list[str]:
    lines = list(source.notes)
    kept = source.runs["kept"]
    if kept:
        lines.append(
            f"{_runs(kept)} ended with other results there than here, ours stay (--prefer theirs takes theirs):"
            f" {_some(kept)}"
        )
    if source.runs["busy"]:
        lines.append(
            f"{_runs(source.runs['busy'])} being trained here at this moment: {_some(source.runs['busy'])};"
            " merge again afterwards"
        )
    if source.computations["kept"]:
        lines.append(f"{source.computations['kept']} computations have other numbers there; ours stay")
    if source.files["missing"]:
        lines.append(
            f"{source.files['missing']} files of weights or predictions are not there: the results are whole; a run"
            " is trained again only where another one needs its weights"
        )
    if source.files["damaged"]:
        lines.append(f"{source.files['damaged']} files are not those that the database names: they are left there")
    if source.files["refused"]:
        lines.append(
            f"{source.files['refused']} files have paths outside the database's folder: they are left there"
        )
    return lines


def _runs(keys: list[str]) -> str:
    return "1 run" if len(keys) == 1 else f"{len(keys)} runs"


def _some(keys: list[str]) -> str:
    rest = f" and {len(keys) - MOST} more" if len(keys) > MOST else ""
    return ", ".join(key[:10] for key in keys[:MOST]) + rest
