"""``lsn runs``: list, show, compare, verify, remove and export what the database holds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, FormatOption, ListFormat
from lsncli.cli.output import say
from lsncli.cli.remove import rm
from lsncli.cli.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsncli.store import RunRecord, Store

app = typer.Typer(help="List, show, compare, verify, remove and export stored runs.", no_args_is_help=True)

#: The metric whose last and best value a listing shows.
ACCURACY = "test_accuracy"

#: Digits of a key that a table shows; any unique beginning of a key is accepted.
SHORT = 10


class RunStatus(StrEnum):
    """How a run stands."""

    running = "running"
    done = "done"
    failed = "failed"
    diverged = "diverged"
    interrupted = "interrupted"


class ExportFormat(StrEnum):
    """How numbers are exported."""

    csv = "csv"
    json = "json"


KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="The run's key, or a unique beginning of it.", autocompletion=completing.run_keys
    ),
]
KeysArgument = Annotated[
    list[str],
    typer.Argument(metavar="KEY", help="Keys, or unique beginnings of keys.", autocompletion=completing.run_keys),
]


@app.command("list")
def list_(
    status: Annotated[
        RunStatus | None, typer.Option("--status", metavar="|".join(RunStatus), help="Only runs with this status.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="NAME", help="Only runs on this data set.", autocompletion=completing.data_sets
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option("--loss", metavar="NAME", help="Only runs with this loss.", autocompletion=completing.losses),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the latest first.")] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = ListFormat.table,
) -> None:
    """List the runs, those begun last first."""
    from lsncli.cli.output import print_json, print_table, warn
    from lsncli.store import Store
    from lsncli.store.description import PARTS, components, matches, plain

    with Store.open(db, read_only=True) as store:
        records = store.runs(None if status is None else status.value)
        chosen = [r for r in records if matches(r.spec, data=data, loss=loss)][:limit]
        keys = [r.key for r in chosen]
        last = store.values(keys, [ACCURACY], statuses=None)
        best = store.values(keys, [ACCURACY], "best", statuses=None)
    if not chosen and (told := _none_fits(records, status, data=data, loss=loss)):
        warn(told)
    if format is ListFormat.json:
        print_json([{**plain(r), "last": last.get(r.key, {}), "best": best.get(r.key, {})} for r in chosen])
        return
    columns = ("key", "status", *PARTS, "seed", "steps", "accuracy, last", "best", "finished (UTC)")
    accuracy = {r.key: _percent(last.get(r.key, {}).get(ACCURACY)) for r in chosen}
    # Most listings have no errors; one of what failed says why.
    with_errors = any(r.error for r in chosen)
    print_table(
        (*columns, "error") if with_errors else columns,
        (
            (
                r.key[:SHORT],
                r.status,
                *components(r.spec).values(),
                r.spec.get("seed"),
                r.steps,
                accuracy[r.key],
                _percent(best.get(r.key, {}).get(ACCURACY)),
                f"{r.finished_at:%Y-%m-%d %H:%M}" if r.finished_at else "",
                *([r.error] if with_errors else []),
            )
            for r in chosen
        ),
        narrow=(
            ("key", "status", "last", "run"),
            (
                (
                    r.key[:SHORT],
                    r.status,
                    accuracy[r.key],
                    " · ".join([*components(r.spec).values(), f"seed {r.spec.get('seed')}"]),
                )
                for r in chosen
            ),
        ),
    )


def _none_fits(records: Sequence[RunRecord], status: RunStatus | None, **names: str | None) -> str | None:
    """Why a listing by ``names`` is empty: a name that no run has, and those that there are; None without names."""
    from lsncli.store.description import names_of

    among = f" among those that are {status.value}" if status is not None else ""
    for part, wanted in names.items():
        known = names_of(part, (r.spec for r in records))
        if wanted is not None and wanted not in known:
            return f"no run has --{part} {wanted}{among}; there are: {', '.join(sorted(known)) or 'none'}"
    given = " and ".join(f"--{part} {wanted}" for part, wanted in names.items() if wanted is not None)
    return f"no run has {given}{among}" if given else None


@app.command()
def show(key: KeyArgument, db: DatabaseOption = DEFAULT_DATABASE, format: FormatOption = ListFormat.table) -> None:
    """Show one run: its spec, numbers, files, where it was trained, and its error if it failed."""
    from lsncli.cli.output import print_json
    from lsncli.store import Store

    with Store.open(db, read_only=True) as store:
        found = _everything(store, store.resolve(key))
    if format is ListFormat.json:
        print_json(found)
    else:
        _print_run(found)


@app.command()
def compare(
    keys: KeysArgument,
    best: Annotated[
        bool, typer.Option("--best", help="Each at its best test accuracy in place of its end.")
    ] = False,
    over_seeds: Annotated[
        bool, typer.Option("--over-seeds", help="Each with all done runs that differ from it only by seed.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = ListFormat.table,
) -> None:
    """Compare runs: what differs in their specs, then their numbers and the difference to the first.

    Over seeds: mean ± sample standard deviation, and the mean of the differences paired by seed with its 95 %
    interval (t distribution). Runs whose noise or teachers have different seeds are no pair.
    """
    from lsncli.cli.output import print_json, print_table
    from lsncli.report.claims.compare import compare as compare_runs
    from lsncli.report.claims.compare_wording import comparison_tables, plain_comparison
    from lsncli.store import Store

    with Store.open(db, read_only=True) as store:
        found = compare_runs(store, keys, which="best" if best else "last", over_seeds=over_seeds)
    if format is ListFormat.json:
        print_json(plain_comparison(found))
        return
    for table in comparison_tables(found, SHORT):
        print_table(table.columns, table.rows, title=table.title)
        for note in table.notes:
            say(note)


app.command()(verify)


app.command()(rm)


@app.command()
def export(
    keys: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY", help="Keys, or unique beginnings; none: all runs.", autocompletion=completing.run_keys
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of to stdout.")
    ] = None,
    format: Annotated[
        ExportFormat | None, typer.Option("--format", help="csv or json. Default: the file's ending, else csv.")
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Export every stored number, one row each: run, step, metric, value.

    In JSON, values that are not finite are the strings "NaN", "Infinity" and "-Infinity".
    """
    from lsncli.cli.output import stderr
    from lsncli.errors import LsnError
    from lsncli.store import Store
    from lsncli.store.export import export as write

    if format is None:
        ending = output.suffix.lower() if output else ""
        if ending not in ("", ".csv", ".json", ".txt"):
            raise LsnError(
                f"numbers are not exported as {ending}",
                where=f"--output {output}",
                valid=[".csv", ".json"],
                next="or say --format csv",
            )
        format = ExportFormat.json if ending == ".json" else ExportFormat.csv
    with Store.open(db, read_only=True) as store:
        count = write(store, [store.resolve(key) for key in keys] if keys else None, output, format.value)
    if output is not None:
        stderr().print(f"{_count(count, 'row')} written to {output}", markup=False, soft_wrap=True)


def _everything(store: Store, key: str) -> dict[str, Any]:
    """All that is known of a run, as plain data."""
    from dataclasses import asdict

    from lsncli.cli.transitions import transition_arrays
    from lsncli.store.description import plain

    record = store.run(key)
    arrays = store.arrays(key)
    provenance = store.provenance(key)
    return {
        **plain(record),
        "traceback": record.traceback,
        "last": store.values([key], statuses=None).get(key, {}),
        "best": store.values([key], None, "best", statuses=None).get(key, {}),
        **transition_arrays(store, key, arrays),
        "arrays": [asdict(entry) for entry in arrays],
        "artifacts": [asdict(entry) for entry in store.artifacts(key)],
        "provenance": provenance[-1] if provenance else {},
        "earlier_provenance": provenance[:-1],
    }


def _print_run(found: dict[str, Any]) -> None:
    from lsncli.cli.output import print_table
    from lsncli.cli.transitions import transition_tables
    from lsncli.store.description import indented

    facts = {name: found[name] for name in ("key", "title", "status", "error", "started_at", "finished_at")}
    facts["steps"] = (
        f"{found['steps']}" if found["final_step"] is None else f"{found['final_step']} of {found['steps']}"
    )
    facts["seconds"] = None if found["seconds"] is None else f"{found['seconds']:.1f}"
    for name, value in facts.items():
        if value is not None:
            say(f"{name}: {value}")
    _section("spec", indented(found["spec"]))
    if found["last"]:
        say()
        best = found["best"]
        names = sorted(found["last"])
        print_table(
            ("metric", "last", "best"), ((n, _number(found["last"][n]), _number(best.get(n))) for n in names)
        )
    for title, heads, rows in transition_tables(found):
        print_table(heads, rows, title=title)
    _section(
        "arrays", [f"  {a['name']} at step {a['step']}: {a['dtype']} {list(a['shape'])}" for a in found["arrays"]]
    )
    _section("artifacts", [f"  {a['name']}: {a['path']} ({a['size']} bytes)" for a in found["artifacts"]])
    _section("provenance", indented(found["provenance"]))
    if found["earlier_provenance"]:
        say(f"  (begun {_count(len(found['earlier_provenance']), 'time')} before; --format json shows all)")
    if found["traceback"]:
        _section("traceback", [f"  {line}" for line in found["traceback"].splitlines()])


def _section(title: str, lines: list[str]) -> None:
    if lines:
        say("\n".join(("", f"{title}:", *lines)))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.2f} %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
