"""``lsn run``: plan, skip what is done, train the rest, store everything, print the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption
from lsncli.cli.selection import DataOption, OnlyOption, ProfileOption, SeedsOption, SetOption
from lsncli.cli.training import (
    CHECKPOINT_SECONDS,
    CheckpointOption,
    DeviceOption,
    DryRunOption,
    ExecutorOption,
    FailFastOption,
    ForceOption,
    NoDownloadOption,
    PrecisionOption,
    ReplicasOption,
    RetryOption,
    Training,
    train,
)

if TYPE_CHECKING:
    from lsncli.recipe.resolve import ResolvedRecipe
    from lsncli.store import Store


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
    device: DeviceOption = None,
    precision: PrecisionOption = None,
    replicas: ReplicasOption = "auto",
    executor: ExecutorOption = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
    no_download: NoDownloadOption = False,
    checkpoint_seconds: CheckpointOption = CHECKPOINT_SECONDS,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    retry_failed: RetryOption = False,
    fail_fast: FailFastOption = False,
) -> None:
    """Train every run of the recipes that the database does not have, and print their reports.

    Interrupted (Ctrl-C) and started again, it goes on where it was. Several may work on one database at the
    same time: they share the runs among them.
    """
    from lsncli.batch import resolve_recipes
    from lsncli.cli.computations import computations_of, compute
    from lsncli.cli.database import repeated_options
    from lsncli.cli.output import say, warn
    from lsncli.cli.selection import overrides_from
    from lsncli.data.context import default_data_dir
    from lsncli.recipe.documents import gather
    from lsncli.recorded_metrics import check_metrics, stored_metrics
    from lsncli.report.layout import check_layouts

    folder = data_dir or default_data_dir()
    documents = gather(recipes)
    overrides = overrides_from(profile, settings, only, data, seeds)
    resolved = resolve_recipes(documents.recipes, overrides, folder, lambda text: say(text, err=True))
    computations = computations_of(documents, overrides)
    check_metrics((recipe.loaded for recipe in resolved), lambda: stored_metrics(db), warn)
    check_layouts(resolved)
    options = Training(
        device=device,
        precision=precision,
        replicas=replicas,
        executor=executor,
        db=db,
        data_dir=folder,
        download=not no_download,
        checkpoint_seconds=checkpoint_seconds,
        dry_run=dry_run,
        force=force,
        retry_failed=retry_failed,
        fail_fast=fail_fast,
    )
    placing = repeated_options(db, data_dir)

    def report(store: Store) -> None:
        _print_reports(resolved, store, placing)

    raise typer.Exit(train(resolved, options, report, lambda store: compute(computations, store, db)))


def _print_reports(resolved: list[ResolvedRecipe], store: Store, run_options: list[str]) -> None:
    from lsncli.cli.output import stdout
    from lsncli.report.show import print_report

    console = stdout()
    for number, recipe in enumerate(resolved):
        if number:
            console.print()
        print_report(recipe, store, console, run_options=run_options)
