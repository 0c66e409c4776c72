"""Trains recipes and tells what came of it, for the commands that do: their options, and the work itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.command_line import command_line

if TYPE_CHECKING:
    from lsncli.choosing import Chosen
    from lsncli.engine.settings import EngineSettings
    from lsncli.plan import Plan
    from lsncli.recipe.resolve import ResolvedRecipe
    from lsncli.recording import Outcomes
    from lsncli.store import Store

DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        envvar="LSN_DEVICE",
        autocompletion=completing.devices,
        metavar="NAME",
        help="cpu, cuda, cuda:1, …, or a device of a plugin (default: the best). Without a number, all devices of"
        " that kind: the runs are spread over them.",
    ),
]

PrecisionOption = Annotated[
    str | None,
    typer.Option(
        "--precision",
        envvar="LSN_PRECISION",
        autocompletion=completing.precisions,
        metavar="NAME",
        help="fp32 or bf16 (default: the device's own).",
    ),
]

ReplicasOption = Annotated[
    str,
    typer.Option(
        "--replicas",
        envvar="LSN_REPLICAS",
        metavar="N",
        help="Runs trained at once: a number, or auto to fit the device. On a processor they are shared among a"
        " worker process per core, and runs of a small network (linear, mlp) are trained many in one step;"
        " of several devices, each trains so many; 1 trains run after run.",
    ),
]

ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        envvar="LSN_EXECUTOR",
        autocompletion=completing.executors,
        metavar="NAME",
        help="in-process, which uses one device, or processes (default: what suits: processes for several runs"
        " on several cores or devices).",
    ),
]

NoDownloadOption = Annotated[
    bool, typer.Option("--no-download", help="Download nothing: a data set that is missing ends the command.")
]


def _not_negative(value: float) -> float:
    if not value >= 0:
        raise typer.BadParameter(f"{value:g} is not 0 or more.")
    return value


CheckpointOption = Annotated[
    float,
    typer.Option(
        "--checkpoint-seconds",
        # Not min=0, which puts the range behind the metavar: in 80 columns that leaves little room for the texts.
        callback=_not_negative,
        metavar="SECONDS",
        help="The least time between two checkpoints of a run: what a power cut costs at most.",
    ),
]

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")]

ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Train everything anew: what is done, and what would go on from a checkpoint."),
]

RetryOption = Annotated[
    bool,
    typer.Option("--retry-failed", help="Try again the runs that failed before; without it they are passed over."),
]

FailFastOption = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")]

CHECKPOINT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How runs are trained and where they are stored: the options of that, as they were given."""

    device: str | None
    precision: str | None
    replicas: str
    executor: str | None
    db: str
    data_dir: Path
    download: bool
    checkpoint_seconds: float
    dry_run: bool
    force: bool
    retry_failed: bool
    fail_fast: bool

    @property
    def asks_for_a_way(self) -> bool:
        """Whether there is anything to check of how to train: the best device is looked for only by training."""
        return (self.device, self.precision, self.executor, self.replicas) != (None, None, None, "auto")


def train(
    resolved: list[ResolvedRecipe],
    options: Training,
    report: Callable[[Store], None],
    before: Callable[[Store], None] = lambda store: None,
) -> int:
    """Train every run of the recipes that the database does not have, then ``report``; the exit status.

    With ``dry_run`` the request is checked, the plan printed, and nothing else done. before: called with the open
    store.
    """
    from lsncli.batch import (
        artifact_prefix,
        choose_executor,
        patient,
        plan_of,
        remember_stand_ins,
        stopping_on_signals,
    )
    from lsncli.checkpoint_folder import checkpoint_dir, keep_checkpoint_dir
    from lsncli.choosing import choose_runs
    from lsncli.claims import Claims
    from lsncli.cli import output
    from lsncli.cli.display import display_for
    from lsncli.cli.plan import print_plan
    from lsncli.data_sizes import check_data
    from lsncli.engine.settings import EngineSettings
    from lsncli.executors.interface import Control
    from lsncli.recording import Recorder
    from lsncli.replaced_data import of_prepared_sets, trained_on_others
    from lsncli.store import Store

    plan = plan_of(resolved)
    stand_ins = check_data(plan, options.data_dir, resolved)
    engine = EngineSettings(
        data_dir=options.data_dir,
        checkpoint_dir=checkpoint_dir(options.db),
        device=options.device,
        precision=options.precision,
        download=options.download,
        checkpoint_seconds=options.checkpoint_seconds,
        command=command_line(options.db),
    )
    if options.dry_run:
        if options.asks_for_a_way:
            choose_executor(options.executor, options.replicas, engine, plan)
        print_plan(plan, options.db, None if options.force else options.data_dir)
        return 0
    # Every mistake in the request is told before the database is made.
    chosen = choose_executor(options.executor, options.replicas, engine, plan)
    to_be_made = _can_be_made(options.db)
    if to_be_made:
        _fetch(plan, engine)
    with Store.open(options.db) as store:
        weights = keep_checkpoint_dir(options.db)
        engine = replace(engine, checkpoint_dir=weights)
        states = store.statuses(plan.keys())
        runs = choose_runs(plan, states, engine, force=options.force, retry_failed=options.retry_failed)
        if told := trained_on_others(
            of_prepared_sets(plan, {*runs.there, *runs.weights_only}), store, options.data_dir
        ):
            output.warn(told)
        remember_stand_ins(store, stand_ins)
        before(store)
        claims = Claims(store, runs.pending, states, weights, weights_only=runs.weights_only, anew=runs.anew)
        engine = replace(engine, attempt=claims.claimant.token)
        recorder = Recorder(
            store,
            plan,
            engine,
            artifact_prefix=artifact_prefix(weights, options.db),
            discard=runs.discard,
            claims=claims,
        )
        control = Control(fail_fast=options.fail_fast, gate=claims)
        store.patience = patient(lambda text: control.tell(text))
        with claims:
            recorder.blocked(runs.blocked)
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
        report(store)
        return _summarise(plan, runs, recorder.outcomes, control.interrupted)


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
            Text(f"  next: lsn runs show {tell_more[0][:10]} tells more; --retry-failed tries again what failed"),
            soft_wrap=True,
        )
    for key in outcomes.keys("diverged"):
        line = f"diverged: {describe_run(plan[key].spec)} ({key[:10]}): {outcomes.ended[key].error}"
        console.print(Text(line), soft_wrap=True)
    if ended := [*outcomes.keys("diverged"), *runs.diverged][:1]:
        console.print(
            Text(f"  next: it would diverge again; after a change in its plugin: lsn runs rm {ended[0][:10]}"),
            soft_wrap=True,
        )
    there = len(runs.there) - len(runs.diverged) + len(outcomes.keys("done", "diverged", elsewhere=True))
    unstarted = len(runs.pending) + len(runs.blocked) - len(outcomes.ended)
    counts = {
        "trained": len(outcomes.keys("done")),
        "already there": there,
        "diverged": len(outcomes.keys("diverged")),
        "diverged before": len(runs.diverged),
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
