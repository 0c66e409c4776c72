"""``lsn runs verify``: train stored runs again, and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption, FormatOption, ListFormat
from lsncli.cli.output import say

if TYPE_CHECKING:
    from lsncli.verifying import Verification

#: Digits of a key that a table shows, as in the other listings of runs.
SHORT = 10


def verify(
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY", help="Keys, or unique beginnings of keys.", autocompletion=completing.run_keys
        ),
    ],
    device: Annotated[str | None, typer.Option("--device", help="Default: the kind that the run had.")] = None,
    precision: Annotated[str | None, typer.Option("--precision", help="Default: that of the run.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Default: as many as it had.")] = None,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0.0, help="Numbers a, b are close if |a − b| ≤ this · max(1, |a|, |b|)."),
    ] = 1e-3,
    exact: Annotated[bool, typer.Option("--exact", help="Close is not good enough: exit status 1.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
    format: FormatOption = ListFormat.table,
) -> None:
    """Train runs again in a temporary folder, and compare weights and metrics; the stored runs stay as they are.

    Identical, close, or different, with what was different about the training. Exit status 1 if one is different
    or cannot be trained.
    """
    from lsncli.checkpoint_folder import checkpoint_dir
    from lsncli.cli.display import display_for
    from lsncli.cli.output import print_json, stderr
    from lsncli.data.context import default_data_dir
    from lsncli.engine.settings import EngineSettings
    from lsncli.plan import Plan
    from lsncli.store import Store
    from lsncli.verifying import check_way, stored_spec
    from lsncli.verifying import verify as verify_run

    settings = EngineSettings(data_dir or default_data_dir(), checkpoint_dir(db), device, precision, threads)
    with Store.open(db, read_only=True) as store:
        wanted = list(dict.fromkeys(store.resolve(key) for key in keys))
        plan = Plan.of(stored_spec(store, key) for key in wanted)
        check_way(store, plan, settings)
        with display_for(plan, stderr()) as display:
            found = [verify_run(store, key, settings, tolerance=tolerance, listener=display) for key in wanted]
    if format is ListFormat.json:
        print_json([one.plain() for one in found])
    else:
        _print(found)
    good = ("identical",) if exact else ("identical", "close")
    raise typer.Exit(0 if all(one.verdict in good for one in found) else 1)


def _print(found: list[Verification]) -> None:
    from lsncli.cli.output import print_table

    def largest(one: Verification) -> str:
        difference = one.largest
        if difference is None:
            return one.error or ""
        return f"{difference.what}: {difference.stored:.9g} then, {difference.found:.9g} now"

    rows = ((one.key[:SHORT], one.verdict, one.weights, one.metrics, largest(one)) for one in found)
    print_table(("key", "verdict", "weights", "metrics", "largest difference"), rows)
    for one in found:
        if one.arrays:
            say(f"{one.key[:SHORT]}: other arrays: {', '.join(one.arrays)}")
        changes = [(name, then, now) for name, (then, now) in one.provenance.items()]
        if changes:
            say(f"{one.key[:SHORT]} was trained otherwise:")
            print_table(("provenance", "then", "now"), changes)
