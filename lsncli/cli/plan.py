"""``lsn plan``: every run with its key, state and expected time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption, FormatOption, ListFormat
from lsncli.cli.selection import DataOption, OnlyOption, ProfileOption, SeedsOption, SetOption

if TYPE_CHECKING:
    from lsncli.expectation import Expected
    from lsncli.plan import Plan


def command(
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE",
            help="Recipe files, or names of shipped recipes: quickstart, table7.",
            autocompletion=completing.recipes,
        ),
    ],
    profile: ProfileOption = None,
    settings: SetOption = None,
    only: OnlyOption = None,
    data: DataOption = None,
    seeds: SeedsOption = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
    format: FormatOption = ListFormat.table,
) -> None:
    """Print every run of the recipes with its key, state and expected time; train nothing.

    Times are judged by stored runs: of the same data, architecture and batch, or else, marked with ~, by others of
    the same architecture.
    """
    from lsncli.batch import plan_of, resolve_recipes
    from lsncli.cli.computations import computations_of
    from lsncli.cli.output import say, warn
    from lsncli.cli.selection import overrides_from
    from lsncli.data.context import default_data_dir
    from lsncli.data_sizes import check_data
    from lsncli.recipe.documents import gather
    from lsncli.recorded_metrics import check_metrics, stored_metrics
    from lsncli.report.layout import check_layouts

    folder = data_dir or default_data_dir()
    documents, overrides = gather(recipes), overrides_from(profile, settings, only, data, seeds)
    resolved = resolve_recipes(documents.recipes, overrides, folder, lambda text: say(text, err=True))
    computations_of(documents, overrides)  # refuses what lsn run would
    check_metrics((recipe.loaded for recipe in resolved), lambda: stored_metrics(db), warn)
    check_layouts(resolved)
    plan = plan_of(resolved)
    check_data(plan, folder, resolved)
    print_plan(plan, db, folder, format)


def print_plan(plan: Plan, db: str, data_dir: Path | None, format: ListFormat = ListFormat.table) -> None:
    """Print the plan beside what the database knows of it.

    data_dir: where the data sets are that stored runs are compared with; None compares nothing.
    """
    from lsncli.cli.output import print_json, print_table, stderr
    from lsncli.expectation import Expected, run_states
    from lsncli.naming import describe_run

    states, history = run_states(plan, db, data_dir)
    if data_dir is not None:
        _warn_of_replaced_data(plan, states, db, data_dir)
    rows = []
    for run in plan:
        state = states.get(run.key, "pending")
        expected = Expected(0.0) if state in ("done", "diverged") else history.expected(run.spec)
        rows.append((run, state, expected))
    if format is ListFormat.json:
        print_json(
            [
                {
                    "key": run.key,
                    "state": state,
                    "expected_seconds": None if expected is None else expected.seconds,
                    "expected_rough": expected is not None and expected.rough,
                    "description": describe_run(run.spec),
                    "recipes": run.titles,
                    "dependencies": list(run.dependencies),
                    "spec": run.spec.plain(),
                }
                for run, state, expected in rows
            ]
        )
        return
    print_table(
        ("key", "state", "expected", "run"),
        (
            (run.key[:10], state, "?" if expected is None else _time([expected]), describe_run(run.spec))
            for run, state, expected in rows
        ),
    )
    failed = sum(state == "failed" for _, state, _ in rows)
    waiting = [expected for _, state, expected in rows if state not in ("done", "diverged", "failed")]
    stderr().print(
        f"{len(rows)} run{'s' if len(rows) != 1 else ''}, {len(waiting)} to train"
        + (f", {failed} failed (lsn run --retry-failed tries again); " if failed else "; ")
        + _times_words(waiting),
        soft_wrap=True,
    )


def _times_words(expected: Sequence[Expected | None]) -> str:
    """How long the runs take that are to be trained, and how that is known."""
    known = [each for each in expected if each is not None]
    unknown, rough = len(expected) - len(known), sum(each.rough for each in known)
    words = []
    if known or not unknown:
        part = f" for {len(known)} of them" if unknown else ""
        words.append(f"expected time {_time(known)}{part}, one run at a time")
    if rough:
        sizes = "" if all(each.sizes_known for each in known) else ", whose images may be of another size"
        words.append(f"~ for {rough}: judged by other runs of the same architecture{sizes}")
    if unknown:
        words.append(f"no time known for {unknown}: no run like them in the database")
    return "; ".join(words)


def _time(expected: Sequence[Expected]) -> str:
    """The time of all of them; ``~`` before it where some is a rough one."""
    from lsncli.cli.display import duration

    return ("~" if any(each.rough for each in expected) else "") + duration(sum(each.seconds for each in expected))


def _warn_of_replaced_data(plan: Plan, states: Mapping[str, str], db: str, data_dir: Path) -> None:
    ended = {key for key, state in states.items() if state in ("done", "diverged")}
    if not ended:
        return  # what follows takes longer to import than the rest of a plan
    from lsncli.cli.output import warn
    from lsncli.replaced_data import of_prepared_sets, trained_on_others

    if runs := of_prepared_sets(plan, ended):
        from lsncli.store import Store

        with Store.open(db, create=False, read_only=True) as store:
            warning = trained_on_others(runs, store, data_dir)
        if warning:
            warn(warning)
