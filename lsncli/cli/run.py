"""``lsn run``: plan, skip what is done, train the rest, store everything, print the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption
from lsncli.cli.selection import DataOption, OnlyOption, ProfileOption, SeedsOption, SetOption

if TYPE_CHECKING:
    from lsncli.engine.settings import EngineSettings
    from lsncli.plan import Plan
    from lsncli.recipe.documents import Computation
    from lsncli.recipe.resolve import ResolvedRecipe
    from lsncli.recording import Outcomes
    from lsncli.store import Store


DeviceOption = Annotated[
    str | None, typer.Option("--device", envvar="LSN_DEVICE", help="cpu, cuda, cuda:1, … (default: the best).")
]

PrecisionOption = Annotated[
    str | None,
    typer.Option("--precision", envvar="LSN_PRECISION", help="fp32 or bf16 (default: the device's own)."),
]

ReplicasOption = Annotated[
    str,
    typer.Option(
        "--replicas",
        envvar="LSN_REPLICAS",
        help="Runs trained at once: a number, or auto to fit the device. On a processor they are shared among a"
        " worker process per core, and runs of a small network (linear, mlp) are trained many in one step;"
        " 1 trains run after run.",
    ),
]

ExecutorOption = Annotated[
    str | None,
    typer.Option("--executor", envvar="LSN_EXECUTOR", help="in-process or processes (default: what suits)."),
]


def command(
    recipes: Annotated[
        list[str],
        typer.Argument(metavar="RECIPE", help="Recipe files, or names of shipped recipes: quickstart, table7."),
    ],
    profile: ProfileOption = None,
    settings: SetOption = None,
    only: OnlyOption = None,
    data: DataOption = None,
    seeds: SeedsOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    replicas: ReplicasOption = "auto",
    executor: ExecutorOption = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
    download: Annotated[
        bool, typer.Option("--download/--no-download", help="Whether missing data sets may be downloaded.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Train again what is already done.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")] = False,
) -> None:
    """Train every run of the recipes that the database does not have, and print their reports.

    Interrupted (Ctrl-C) and started again, it goes on where it was.
    """
    from lsncli.batch import resolve_recipes
    from lsncli.cli.selection import overrides_from
    from lsncli.data.context import default_data_dir
    from lsncli.recipe.documents import gather

    folder = data_dir or default_data_dir()
    documents = gather(recipes)
    resolved = resolve_recipes(documents.recipes, overrides_from(profile, settings, only, data, seeds), folder)
    options = Training(device, precision, replicas, executor, db, folder, download, dry_run, force, fail_fast)
    placing = _placing(db, data_dir)

    def compute(store: Store) -> None:
        for document in documents.computations:
            _compute(document, profile, store)

    raise typer.Exit(train(resolved, options, lambda store: _print_reports(resolved, store, placing), compute))


@dataclass(frozen=True, slots=True)
class Training:
    """How runs are trained and where they are stored: the options of that, as they were given."""

    device: str | None
    precision: str | None
    replicas: str
    executor: str | None
    db: str
    data_dir: Path
    download: bool = True
    dry_run: bool = False
    force: bool = False
    fail_fast: bool = False


def train(
    resolved: list[ResolvedRecipe],
    options: Training,
    report: Callable[[Store], None],
    before: Callable[[Store], None] = lambda store: None,
) -> int:
    """Train every run of the recipes that the database does not have, then ``report``; the exit status.

    With ``dry_run`` the plan is printed, and nothing else done. before: called with the open store.
    """
    from lsncli.batch import (
        artifact_prefix,
        check_data,
        checkpoint_dir,
        choose_executor,
        finished_runs,
        plan_of,
        remember_stand_ins,
        stopping_on_signals,
    )
    from lsncli.cli import output
    from lsncli.cli.display import display_for
    from lsncli.cli.plan import print_plan
    from lsncli.engine.settings import EngineSettings
    from lsncli.executors.interface import Control
    from lsncli.recording import Recorder
    from lsncli.store import Store

    plan = plan_of(resolved)
    if options.dry_run:
        print_plan(plan, options.db)
        return 0
    stand_ins = check_data(plan, options.data_dir)
    weights = checkpoint_dir(options.db)
    engine = EngineSettings(
        data_dir=options.data_dir,
        checkpoint_dir=weights,
        device=options.device,
        precision=options.precision,
        download=options.download,
        command=_command_line(options.db),
    )
    # Every mistake in the request is told before the database is made.
    chosen = choose_executor(options.executor, options.replicas, engine, plan)
    to_be_made = _can_be_made(options.db)
    if to_be_made:
        _fetch(plan, engine)
    with Store.open(options.db) as store:
        states = store.statuses(plan.keys())
        finished = finished_runs(plan, states, engine)
        pending = plan if options.force else plan.without(finished)
        remember_stand_ins(store, stand_ins)
        control = Control(fail_fast=options.fail_fast)
        recorder = Recorder(
            store,
            pending,
            engine,
            artifact_prefix=artifact_prefix(weights, options.db),
            discard=frozenset(finished) if options.force else frozenset(),
        )
        before(store)
        if len(pending):
            if not to_be_made:
                _fetch(pending, engine)
            display = display_for(pending, output.stderr())
            recorder.listener = display
            try:
                with display, stopping_on_signals(control, display.stopping):
                    chosen.execute(pending, engine, recorder, control)
            except KeyboardInterrupt:
                output.stderr().print("stopped at once: what had ended is kept; the same command goes on")
                raise typer.Exit(130) from None
        report(store)
        return _summarise(plan, pending, recorder.outcomes, control.interrupted)


def _can_be_made(db: str) -> bool:
    """Whether the database is a file that is not there yet, in a folder that takes it."""
    import os

    from lsncli.store.location import Location

    path = Location.parse(db).path
    return path is not None and not path.exists() and os.access(path.absolute().parent, os.W_OK)


def _fetch(plan: Plan, engine: EngineSettings) -> None:
    from lsncli.batch import fetch_data
    from lsncli.cli.display import fetching
    from lsncli.cli.output import stderr
    from lsncli.data.context import DataContext

    with fetching(stderr()) as progress:
        fetch_data(plan, DataContext(engine.data_dir, engine.download, progress))


def _placing(db: str, data_dir: Path | None) -> list[str]:
    """The options on where things are, as a command that fills the report's gaps must repeat them."""
    options = [] if db == DEFAULT_DATABASE else ["--db", db]
    return options if data_dir is None else [*options, "--data-dir", str(data_dir)]


def _command_line(db: str) -> str:
    """The command as it was typed, for the provenance, less a password in ``--db``."""
    import shlex
    import sys

    from lsncli.store.location import Location

    shown = Location.parse(db).shown
    return shlex.join(["lsn", *(word.replace(db, shown) for word in sys.argv[1:])])


def _compute(document: Computation, profile: str | None, store: Store) -> None:
    """Compute a figure that needs no training, and keep its numbers in the database."""
    from lsncli.cli.output import stderr
    from lsncli.recipe.loading import Overrides
    from lsncli.report.figures.computed import computed_figure

    overrides = Overrides(settings=tuple(document.parameters(profile).items()))
    computed_figure(document.figure, overrides, store, store.record_computation)
    stderr().print(
        f"figure {document.figure} is computed and stored: lsn report --figure {document.figure} draws it",
        markup=False,
    )


def _print_reports(resolved: list[ResolvedRecipe], store: Store, run_options: list[str]) -> None:
    from lsncli.cli.output import stdout
    from lsncli.report.show import print_report

    console = stdout()
    for number, recipe in enumerate(resolved):
        if number:
            console.print()
        print_report(recipe, store, console, run_options=run_options)


def _summarise(plan: Plan, pending: Plan, outcomes: Outcomes, interrupted: bool) -> int:
    """Say on stderr what happened; returns the exit status."""
    from rich.text import Text

    from lsncli.cli.output import stderr
    from lsncli.naming import describe_run

    console = stderr()
    failed = outcomes.keys("failed")
    for key in failed:
        event = outcomes.ended[key]
        console.print(
            Text.assemble(("failed: ", "bold red"), f"{describe_run(plan[key].spec)} ({key[:10]}): {event.error}"),
            soft_wrap=True,
        )
    if failed:
        console.print(Text(f"  next: lsn runs show {failed[0][:10]} tells more; the same command tries again"))
    for key in outcomes.keys("diverged"):
        line = f"diverged: {describe_run(plan[key].spec)} ({key[:10]}): {outcomes.ended[key].error}"
        console.print(Text(line), soft_wrap=True)
    skipped = len(plan) - len(pending)
    counts = [f"{len(outcomes.keys('done'))} trained", f"{skipped} already there" if skipped else ""]
    counts += [f"{len(outcomes.keys(s))} {s}" for s in ("diverged", "failed", "interrupted") if outcomes.keys(s)]
    unstarted = len(pending) - len(outcomes.ended)
    counts += [f"{unstarted} not started"] if unstarted else []
    console.print(Text(f"{len(plan)} run{'s' if len(plan) != 1 else ''}: " + ", ".join(c for c in counts if c)))
    if interrupted:
        console.print(Text("interrupted: what is done is kept; the same command goes on from here"))
        return 130
    return 1 if failed else 0
