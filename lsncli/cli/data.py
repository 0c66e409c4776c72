"""``lsn data``: list, prepare, verify and remove data sets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DataDirOption, FormatOption, ListFormat
from lsncli.cli.output import say
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.data.context import DataContext, Progress

app = typer.Typer(help="List, prepare, verify and remove data sets.", no_args_is_help=True)


@app.command("list")
def list_(data_dir: DataDirOption = None, format: FormatOption = ListFormat.table) -> None:
    """List the data sets: registered by plugins, and prepared from images of your own."""
    from dataclasses import asdict

    from lsncli.cli.output import print_json, print_table
    from lsncli.data.catalogue import known

    found = known(_folder(data_dir))
    if format is ListFormat.json:
        print_json([asdict(entry) for entry in found])
        return
    rows = [
        (
            entry.name,
            entry.num_classes,
            entry.train_size,
            entry.test_size,
            "×".join(map(str, entry.image_shape or ())),
            "yes" if entry.available else "no",
            entry.stands_in_for,
            entry.origin,
        )
        for entry in found
    ]
    print_table(("name", "classes", "train", "test", "shape", "available", "stands in for", "origin"), rows)


@app.command()
def prepare(
    name: Annotated[
        str,
        typer.Argument(
            help="Name for the new data set; or a registered one, to download it.",
            autocompletion=completing.data_sets,
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Argument(help="Folder or archive (tar, tar.gz, tar.xz, zip) of train/<class>/* and test/<class>/*."),
    ] = None,
    stands_in_for: Annotated[
        str | None,
        typer.Option("--stands-in-for", metavar="OTHER", help="Reports may show it, marked, in OTHER's place."),
    ] = None,
    noisy_labels: Annotated[
        bool,
        typer.Option("--noisy-labels", help="The training labels are noisy by nature; the true ones are unknown."),
    ] = False,
    size: Annotated[
        int | None,
        typer.Option("--size", metavar="N", help="Crop every image to a square and resize it to N x N pixels."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="CSV file with the columns file, label and split, for images that do not lie in class folders.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a data set of this name, and what was declared of it.")
    ] = False,
    max_gib: Annotated[
        float, typer.Option("--max-gib", metavar="N", min=0, help="Most that the source may unpack to, in GiB.")
    ] = 50,
    data_dir: DataDirOption = None,
) -> None:
    """Decode images once into a data set, or download a registered one.

    The archive is read as a stream; nothing of it is unpacked to disk.
    """
    from lsncli.data.context import DataContext

    if not math.isfinite(max_gib):
        raise LsnError("a finite number is expected", where=f"--max-gib {max_gib}", valid="for example 50")
    notes: list[str] = []
    with _progress() as progress:
        context = DataContext(_folder(data_dir), download=True, progress=progress)
        if source is None:
            options = {
                "--stands-in-for": stands_in_for,
                "--noisy-labels": noisy_labels,
                "--size": size,
                "--labels": labels,
            }
            told = _fetch(name, context, [option for option, given in options.items() if given])
        else:
            from lsncli.data.prepare import prepare as prepare_images
            from lsncli.data.sources import GIB

            result = prepare_images(
                name,
                source,
                context,
                stands_in_for=stands_in_for,
                noisy_labels=noisy_labels,
                size=size,
                labels=labels,
                force=force,
                max_bytes=int(max_gib * GIB),
            )
            meta = result.meta
            notes += result.notes
            told = (
                f"{name}: {result.outcome}; {meta.train_size} training and {meta.test_size} test images, "
                f"{'×'.join(map(str, meta.image_shape))}, {len(meta.class_names)} classes, "
                f"digest {meta.digest[:12]}…"
            )
            if meta.stands_in_for:
                notes.append(f"use it in {meta.stands_in_for}'s place: --data {meta.stands_in_for}={name}")
    say(told, err=True)
    for note in notes:
        say(f"note: {note}", err=True)


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Data sets to verify; without, all on disk.", autocompletion=completing.data_sets),
    ] = None,
    data_dir: DataDirOption = None,
    format: FormatOption = ListFormat.table,
) -> None:
    """Compute the digests again and compare; exit status 1 if something is damaged."""
    from lsncli.cli.output import print_json, print_table
    from lsncli.data.catalogue import describe, on_disk
    from lsncli.data.stored import problem

    folder = _folder(data_dir)
    there = on_disk(folder)
    for name in names or ():
        if name not in there:
            describe(name, folder, where="NAME")  # an unknown name is an error; one without files is not
    rows = []
    for name in dict.fromkeys(names) if names else there:
        wrong = problem(there[name]) if name in there else None
        state = "damaged" if wrong else "ok" if name in there else "nothing on disk"
        rows.append({"name": name, "state": state, "problem": wrong})
    if format is ListFormat.json:
        print_json(rows)
    elif rows:
        print_table(("name", "state", "problem"), [tuple(row.values()) for row in rows])
    else:
        say(f"no decoded data set in {folder}", err=True)
    damaged = [str(row["name"]) for row in rows if row["state"] == "damaged"]
    if damaged:
        say(f"damaged: {', '.join(damaged)}; prepare again: lsn data prepare NAME …", err=True)
        raise typer.Exit(1)


@app.command()
def rm(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Data sets on disk.", autocompletion=completing.data_sets),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Remove the decoded copies of data sets from this machine; stored runs stay.

    A set that was prepared from images is unknown then, until it is prepared again from its source. One that is
    registered is decoded, or downloaded, when it is next needed.
    """
    import shutil
    import sys

    from lsncli.data.catalogue import describe, on_disk

    folder = _folder(data_dir)
    there = on_disk(folder)
    for name in names:
        if name not in there:
            describe(name, folder, where="NAME")
            raise LsnError(f"nothing of data set {name!r} is on disk", where=str(folder), valid=list(there))
    chosen = {name: there[name] for name in dict.fromkeys(names)}
    if not yes:
        if not sys.stdin.isatty():
            raise LsnError("nobody is there to confirm that data sets are to be removed", next="say --yes")
        say("\n".join(f"{name}  {place}" for name, place in chosen.items()), err=True)
        if not typer.confirm(f"Remove {len(chosen)} data set{'s' if len(chosen) > 1 else ''}?", err=True):
            say("nothing was removed", err=True)
            raise typer.Exit(1)
    for name, place in chosen.items():
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise LsnError(
                f"data set {name!r} cannot be removed: {error.strerror or error}", where=str(place)
            ) from None
        say(f"removed {name}")


def _fetch(name: str, context: DataContext, useless: list[str]) -> str:
    """Download and decode a registered data set; its options are its own."""
    from lsncli.data.prepare import fetch

    if useless:
        raise LsnError(
            f"without a SOURCE of images {' and '.join(useless)} means nothing",
            next=f"give one: lsn data prepare {name} SOURCE (a folder or an archive)",
        )
    arrays = fetch(name, context)
    sizes = f"{len(arrays.train_images)} training and {len(arrays.test_images)} test images"
    return f"{name}: ready; {sizes}, digest {arrays.digest[:12]}…"


def _folder(data_dir: Path | None) -> Path:
    from lsncli.data.context import default_data_dir

    return default_data_dir() if data_dir is None else data_dir


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on standard error where it is a terminal, silence elsewhere."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from lsncli.cli.output import stderr

    console = stderr()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None, counted="")
            counted = f"{done:,} / {total:,}" if total else f"{done:,}"
            bars.update(tasks[what], completed=done, total=total or None, counted=counted)

        yield tell
