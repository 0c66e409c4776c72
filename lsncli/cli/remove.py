"""``lsn runs rm``: take runs out of the database, and what would be gone on from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption
from lsncli.cli.output import say
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.store import RunRecord, Store


def rm(
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY", help="Keys, or unique beginnings of keys.", autocompletion=completing.run_keys
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Remove runs with all their numbers and their checkpoints; the same recipe would train them anew.

    Runs that are being trained at this moment are not removed. Weights and predictions of finished runs stay as
    files in the database's folder of checkpoints, until the same run is trained again.
    """
    from lsncli.cli.output import stderr
    from lsncli.store import Store
    from lsncli.store.description import components

    with Store.open(db, create=False) as store:
        chosen = [store.run(key) for key in dict.fromkeys(store.resolve(key) for key in keys)]
        _refuse_claimed(store, chosen)
        lines = [
            f"{r.key}  {r.status}  {' · '.join(components(r.spec).values())} · seed {r.spec.get('seed')}"
            for r in chosen
        ]
        if not yes:
            # After the look at the keys: who names a run that is not there need not learn of --yes first.
            if not sys.stdin.isatty():
                raise LsnError("nobody is there to confirm that runs are to be removed", next="say --yes")
            say("\n".join(lines), err=True)
            if not typer.confirm(f"Remove {_runs(len(chosen))}?", err=True):
                stderr().print("nothing was removed")
                raise typer.Exit(1)
        with store.transaction():
            # Once more: the answer may have taken its time.
            _refuse_claimed(store, chosen)
            removed = store.discard_runs(r.key for r in chosen)
    say("\n".join([f"removed {_runs(removed)}", *(f"  {line}" for line in lines)]))
    _forget_files(db, chosen)


def _forget_files(db: str, removed: list[RunRecord]) -> None:
    """Remove the checkpoints of runs that were removed; raises :class:`LsnError` if one stays."""
    from lsncli.checkpoint_folder import checkpoint_dir
    from lsncli.engine.run_files import forget
    from lsncli.run_key import is_key

    folder = checkpoint_dir(db)
    for key in (r.key for r in removed):
        # A database may come from anywhere, and its keys lead nowhere else.
        if not is_key(key):
            continue
        try:
            forget(folder / key)
        except OSError as error:
            raise LsnError(
                f"run {key} is removed, but not its checkpoint, from which the same run would go on:"
                f" {error.strerror or error}",
                where=str(folder / key),
                next="remove that folder, or train the run with --force",
            ) from None


def _refuse_claimed(store: Store, chosen: list[RunRecord]) -> None:
    """Raise :class:`LsnError` where one of the runs is being trained: its trainer has more to store for it."""
    from lsncli.store.claimed import claimed_runs

    claimed, entries = claimed_runs(store), store.claims()
    busy = [r.key for r in chosen if r.key in claimed and r.key in entries]
    if busy:
        others = f" (and {len(busy) - 1} more)" if len(busy) > 1 else ""
        raise LsnError(
            f"run {busy[0]}{others} is being trained by {entries[busy[0]].who}",
            where=store.location.shown,
            next="stop that lsn run first, with Ctrl-C, or wait for its end",
        )


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"
