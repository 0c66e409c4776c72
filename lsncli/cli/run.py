"""``lsn run``: plan, skip what is done, train the rest, store everything, print the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption
from lsncli.cli.selection import DataOption, OnlyOption, ProfileOption, SeedsOption, SetOption

if TYPE_CHECKING:
    from lsncli.choosing import Chosen
    from lsncli.engine.settings import EngineSettings
    from lsncli.plan import Plan
    from lsncli.recipe.documents import Computation
    from lsncli.recipe.resolve import ResolvedRecipe
    from lsncli.recording import Outcomes
    from lsncli.store import Store


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
    device: Annotated[
        str | None, typer.Option("--device", envvar="LSN_DEVICE", help="cpu, cuda, cuda:1, … (default: the best).")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option("--precision", envvar="LSN_PRECISION", help="fp32 or bf16 (default: the device's own)."),
    ] = None,
    replicas: Annotated[
        str,
        typer.Option(
            "--replicas",
            envvar="LSN_REPLICAS",
            help="Runs trained at once: a number, or auto to fit the device. On a processor they are shared among a"
            " worker process per core, and runs of a small network (linear, mlp) are trained many in one step;"
            " 1 trains run after run.",
        ),
    ] = "auto",
    executor: Annotated[
        str | None,
        typer.Option("--executor", envvar="LSN_EXECUTOR", help="in-process or processes (default: what suits)."),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
    download: Annotated[
        bool, typer.Option("--download/--no-download", help="Whether missing data sets may be downloaded.")
    ] = True,
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            "--checkpoint-seconds",
            min=0.0,
            metavar="SECONDS",
            help="The least time between two checkpoints of a run: what a power cut costs at most.",
        ),
    ] = 20.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Train again what is already done.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again the runs that failed before; else they are left so.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")] = False,
) -> None:
    """Train every run of the recipes that the database does not have, and print their reports.

    Interrupted (Ctrl-C) and started again, it goes on where it was. Several may work on one database at the
    same time: they share the runs among them.
    """
    from dataclasses import replace

    from lsncli.batch import (
        artifact_prefix,
        check_data,
        checkpoint_dir,
        choose_executor,
        patient,
        plan_of,
        remember_stand_ins,
        resolve_recipes,
        stopping_on_signals,
    )
    from lsncli.choosing import choose_runs
    from lsncli.claims import Claims
    from lsncli.cli import output
    from lsncli.cli.display import display_for
    from lsncli.cli.plan import print_plan
    from lsncli.cli.selection import overrides_from
    from lsncli.data.context import default_data_dir
    from lsncli.engine.settings import EngineSettings
    from lsncli.executors.interface import Control
    from lsncli.recipe.documents import gather
    from lsncli.recording import Recorder
    from lsncli.store import Store

    folder = data_dir or default_data_dir()
    documents = gather(recipes)
    resolved = resolve_recipes(documents.recipes, overrides_from(profile, settings, only, data, seeds), folder)
    plan = plan_of(resolved)
    if dry_run:
        print_plan(plan, db)
        return
    stand_ins = check_data(plan, folder)
    weights = checkpoint_dir(db)
    engine = EngineSettings(
        data_dir=folder,
        checkpoint_dir=weights,
        device=device,
        precision=precision,
        download=download,
        checkpoint_seconds=checkpoint_seconds,
        command=_command_line(db),
    )
    # Every mistake in the request is told before the database is made.
    chosen = choose_executor(executor, replicas, engine, plan)
    to_be_made = _can_be_made(db)
    if to_be_made:
        _fetch(plan, engine)
    with Store.open(db) as store:
        states = store.statuses(plan.keys())
        runs = choose_runs(plan, states, engine, force=force, retry_failed=retry_failed)
        remember_stand_ins(store, stand_ins)
        for document in documents.computations:
            _compute(document, profile, store)
        claims = Claims(store, runs.pending, states, weights, weights_only=runs.weights_only)
        engine = replace(engine, attempt=claims.claimant.token)
        recorder = Recorder(
            store,
            plan,
            engine,
            artifact_prefix=artifact_prefix(weights, db),
            discard=runs.discard,
            claims=claims,
        )
        control = Control(fail_fast=fail_fast, gate=claims)
        store.patience = patient(lambda text: control.tell(text))
        with claims:
            recorder.together(runs.blocked)
            if len(runs.pending):
                if not to_be_made:
                    _fetch(runs.pending, engine)
                display = display_for(runs.pending, output.stderr())
                recorder.listener, control.tell = display, display.tell
                try:
                    with display, stopping_on_signals(control, display.stopping):
                        chosen.execute(runs.pending, engine, recorder, control)
                except KeyboardInterrupt:
                    output.stderr().print("stopped at once: what had ended is kept; the same command goes on")
                    raise typer.Exit(130) from None
        _print_reports(resolved, store, _placing(db, data_dir))
        status = _summarise(plan, runs, recorder.outcomes, control.interrupted)
    raise typer.Exit(status)


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
    from lsncli.store.location import Location

    options = [] if db == DEFAULT_DATABASE else ["--db", Location.parse(db).shown]
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

    for recipe in resolved:
        print_report(recipe, store, stdout(), run_options=run_options)


def _summarise(plan: Plan, runs: Chosen, outcomes: Outcomes, interrupted: bool) -> int:
    """Say on stderr what happened; returns the exit status."""
    from rich.text import Text

    from lsncli.cli.output import stderr
    from lsncli.naming import describe_run

    console = stderr()
    failed = [*outcomes.keys("failed"), *outcomes.keys("failed", elsewhere=True)]
    for key in failed:
        error = outcomes.ended[key].error or "while another lsn run trained it"
        console.print(
            Text.assemble(("failed: ", "bold red"), f"{describe_run(plan[key].spec)} ({key[:10]}): {error}"),
            soft_wrap=True,
        )
    if tell_more := [*failed, *runs.failed][:1]:
        console.print(
            Text(f"  next: lsn runs show {tell_more[0][:10]} tells more; --retry-failed tries again what failed")
        )
    for key in outcomes.keys("diverged"):
        line = f"diverged: {describe_run(plan[key].spec)} ({key[:10]}): {outcomes.ended[key].error}"
        console.print(Text(line), soft_wrap=True)
    there = len(runs.there) + len(outcomes.keys("done", "diverged", elsewhere=True))
    unstarted = len(runs.pending) + len(runs.blocked) - len(outcomes.ended)
    counts = {
        "trained": len(outcomes.keys("done")),
        "already there": there,
        "diverged": len(outcomes.keys("diverged")),
        "failed": len(failed),
        "failed before": len(runs.failed),
        "interrupted": len(outcomes.keys("interrupted")),
        "not started": unstarted,
    }
    told = [f"{count} {what}" for what, count in counts.items() if count or what == "trained"]
    console.print(Text(f"{len(plan)} run{'s' if len(plan) != 1 else ''}: " + ", ".join(told)))
    if interrupted:
        console.print(Text("interrupted: what is done is kept; the same command goes on from here"))
        return 130
    return 1 if failed or runs.failed else 0
