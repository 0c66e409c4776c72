"""``lsn battery``: the paper's evaluation for any registered loss, noise model or architecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption
from lsncli.cli.selection import OnlyOption, ProfileOption, SeedsOption
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
    from collections.abc import Sequence

    from lsncli.battery.request import BatteryRequest
    from lsncli.store import Store


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A registered loss, noise model or architecture: lsn plugins list shows them.",
            autocompletion=completing.subjects,
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            autocompletion=completing.subject_kinds,
            help="What NAME is, where it is the name of several: loss, noise or architecture.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter of NAME, a list for one row each: loss.PARAMETER=VALUE, noise.… of a noise model,"
            " model.… of an architecture; or a key of all runs: train.steps=500, noise.rate=[0.2,0.4],"
            " model.name=linear (repeatable).",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="NAME[=OTHER]",
            autocompletion=completing.data_sets,
            help="The data set: digits (the default, minutes on a laptop), cifar100 or cifar10 in the paper's"
            " setting, images of your own; with =OTHER that one instead of it.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="RECIPE",
            autocompletion=completing.recipes,
            help="Take data, noise, architecture, training and profiles from this recipe (default: quickstart for"
            " digits, table7 for images).",
        ),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            metavar="NAME",
            help="Only this part (repeatable): accuracy, denoising, calibration, distillation.",
        ),
    ] = None,
    profile: ProfileOption = None,
    only: OnlyOption = None,
    seeds: SeedsOption = None,
    report: Annotated[bool, typer.Option("--report", help="Train nothing; report what the database has.")] = False,
    format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="rich, md, latex or json; csv and html with --output.")
    ] = "rich",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="Write a file for each table into this folder.")
    ] = None,
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
    """Put a loss, a noise model or an architecture through the paper's evaluation.

    Accuracy over noise rates, the clean and the noisy part of the training set, calibration, and the losses on the
    teacher of a distilled student: a table of each, then hypotheses paired over seeds, each with difference, 95 %
    interval, p-value and verdict. A loss is compared with the paper's methods; under a noise model and with an
    architecture these are compared with each other, and the paper's findings tested. A device is --device NAME.
    What the database has is not trained again, the paper's own tables included.
    """
    from lsncli.battery.formats import check_format
    from lsncli.battery.request import BatteryRequest
    from lsncli.cli.output import say
    from lsncli.cli.selection import overrides_from
    from lsncli.data.catalogue import has_true_labels
    from lsncli.data.context import default_data_dir
    from lsncli.registry import registry

    overrides = overrides_from(profile, settings, only, None, seeds)
    folder = data_dir or default_data_dir()
    request = BatteryRequest.read(
        name,
        overrides,
        registry(),
        kind=kind,
        data=data or (),
        base=base,
        parts=list(dict.fromkeys(part or ())),
        true_labels=lambda name: has_true_labels(name, folder),
    )
    check_format(format, registry(), one_text=output is None)
    showing = _Showing(request, format, output, db, data_dir)
    if report:
        showing.stored()
        return
    from lsncli.batch import resolve_loaded

    resolved = resolve_loaded(list(request.recipes().values()), request.overrides, folder)
    for note in request.possible().notes:
        say(f"note: {note}", err=True)
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
    raise typer.Exit(train(resolved, options, showing.show))


class _Showing:
    """Shows the outcome, from a store that is open or from the database."""

    def __init__(
        self, request: BatteryRequest, format: str, output: Path | None, db: str, data_dir: Path | None
    ) -> None:
        self.request, self.format, self.output, self.db, self.data_dir = request, format, output, db, data_dir

    def stored(self) -> None:
        """Show what the database has."""
        from lsncli.cli.database import absent_note, open_database
        from lsncli.cli.unknown_data import warn_of_unknown_data

        # What is wrong with the request is told before the database is opened.
        self.request.recipes()
        store = open_database(self.db)
        try:
            self._show(store, absent_note(self.db, store))
            warn_of_unknown_data(self.request.overrides, store, self.data_dir)
        finally:
            if store is not None:
                store.close()

    def show(self, store: Store) -> None:
        """Show what was trained: the profile that was asked for, which is the paper's if none was."""
        from dataclasses import replace

        from lsncli.recipe.loading import DEFAULT_PROFILE

        profile = self.request.overrides.profile or DEFAULT_PROFILE
        self.request = replace(self.request, overrides=replace(self.request.overrides, profile=profile))
        self._show(store, ())

    def _show(self, store: Store | None, notes: Sequence[str]) -> None:
        import sys

        from lsncli.battery.formats import as_files, as_text
        from lsncli.battery.outcome import outcome_of
        from lsncli.cli.database import repeated_options
        from lsncli.cli.output import stdout
        from lsncli.cli.whole_report import endings
        from lsncli.registry import registry
        from lsncli.report.claims.terminal import ClaimsView
        from lsncli.report.formats.terminal import TableView

        options = repeated_options(self.db, self.data_dir)
        found = outcome_of(self.request, store, registry(), run_options=options, notes=notes)
        if self.output is not None:
            # What a terminal shows is written as Markdown.
            format, ending = endings(self.format)
            self._write(as_files(found, format, registry()), ending)
        elif self.format == "rich":
            console = stdout()
            for table in found.tables.values():
                console.print(TableView(table))
                console.print()
            console.print(ClaimsView(found.claims))
        else:
            sys.stdout.write(as_text(found, self.format, registry()))

    def _write(self, texts: dict[str, str], ending: str) -> None:
        from lsncli.cli.output import say
        from lsncli.cli.whole_report import folder_of
        from lsncli.report.writing import write_report

        folder = folder_of(self.output)
        for name, text in texts.items():
            path = folder / f"{name}.{ending}"
            write_report(text, path)
            say(f"wrote {path}", err=True)
