"""``lsn report --all``: every table and figure of the paper, and its claims, in one folder or on one page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lsncli.cli.deliver import ENDINGS
from lsncli.errors import LsnError, NoRunLeftError

if TYPE_CHECKING:
    from lsncli.recipe.loading import Overrides
    from lsncli.report.claims.claim import ClaimsReport
    from lsncli.report.figures.model import Figure
    from lsncli.report.listing import Listing
    from lsncli.report.table import Table
    from lsncli.store import Store

Shown = TypeVar("Shown")

DEFAULT_FOLDER = Path("report")
TABLES = range(1, 8)
FIGURES = range(1, 10)


def endings(format: str) -> tuple[str, str]:
    """The tables' format and the ending of their files; what a terminal shows is written as Markdown.

    Raises :class:`LsnError` for a format that not all tables and claims have.
    """
    if format not in ENDINGS:
        raise LsnError(f"tables and claims cannot be written as {format!r}", where="--format", valid=list(ENDINGS))
    return ("md" if format == "rich" else format), ENDINGS[format]


def check_folder(output: Path | None) -> None:
    """Raise :class:`LsnError` where the folder to write into is something else; makes nothing."""
    from lsncli.report.figures.canvas import FORMS

    if output is not None and output.suffix.lower().removeprefix(".") in {*ENDINGS.values(), *FORMS}:
        page = " --format html" if output.suffix.lower() == ".html" else ""
        raise LsnError(
            "--all writes a folder, not one file",
            where=f"--output {output}",
            next=f"lsn report --all{page} --output {shlex.quote(str(output.with_suffix('')))}"
            + (", which makes one page, index.html, in that folder" if page else ""),
        )
    if (output or DEFAULT_FOLDER).exists():
        folder_of(output)


def folder_of(output: Path | None) -> Path:
    """The folder to write into, made if need be; raises :class:`LsnError` where it cannot be."""
    folder = output or DEFAULT_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LsnError(
            f"cannot make the folder {folder}: {error.strerror or error}",
            where=f"--output {folder}" if output else "--all",
            next="name a folder, new or there: --output report",
        ) from None
    return folder


@dataclass(frozen=True, slots=True)
class WholeReport:
    """What is written, and from where.

    run_options: words that commands for missing runs must repeat. db: the database as it was named. data_dir: the
    folder of the prepared data sets.
    """

    overrides: Overrides
    store: Store | None
    format: str
    run_options: Sequence[str]
    notes: Sequence[str]
    db: str
    data_dir: Path

    def write(self, output: Path | None, say: Callable[[str], None]) -> None:
        """Write all files into the folder ``output``, each whole or not at all, and say which; under one profile.

        As HTML it is one file, ``index.html``. ``--data`` applies to those that use the data set, and what
        ``--only`` leaves no run is left out; raises :class:`LsnError` where that is everything. The folder is made
        when all that goes into it is there.
        """
        from lsncli.data.catalogue import has_true_labels
        from lsncli.report.claims.evaluate import claims_of_paper
        from lsncli.report.writing import write_report

        format, ending = endings(self.format)
        claims = claims_of_paper(
            self.overrides,
            self.store,
            run_options=self.run_options,
            notes=self.notes,
            true_labels=lambda name: has_true_labels(name, self.data_dir),
        )
        # The first of paper, quick and smoke that has results anywhere: what is written never mixes two.
        shared = replace(self.overrides, profile=claims.profile, shared=True)
        if format == "html":
            from lsncli.cli.report_page import page_of

            page = page_of(self, self.tables(shared, say), self.figures(shared, say), claims)
            path = folder_of(output) / "index.html"
            write_report(page, path)
            say(f"wrote {path}, all under profile {claims.profile}")
            return
        self._write_files(output, format, ending, shared, claims, say)

    def tables(self, overrides: Overrides, say: Callable[[str], None]) -> dict[int, Table | Listing]:
        """The paper's tables by number; says which are left out, as ``--only`` leaves them no run."""
        return _those_with_runs("table", TABLES, lambda number: self.table(number, overrides), say)

    def figures(self, overrides: Overrides, say: Callable[[str], None]) -> dict[int, Figure]:
        """The paper's figures in the same way."""
        return _those_with_runs("figure", FIGURES, lambda number: self.figure(number, overrides), say)

    def table(self, number: int, overrides: Overrides) -> Table | Listing:
        """The paper's table ``number``, computed or from the database."""
        from lsncli.cli.computed_tables import COMPUTED_TABLES, computed_listing
        from lsncli.recipe.loading import load
        from lsncli.report.build import build_report
        from lsncli.report.shipped import recipe_of_table

        if number in COMPUTED_TABLES:
            return computed_listing(number, [])
        loaded = load(recipe_of_table(number), overrides)
        return build_report(loaded, self.store, run_options=self.run_options, notes=self.notes)

    def figure(self, number: int, overrides: Overrides) -> Figure:
        """The paper's figure ``number``, computed or from the database."""
        from lsncli.recipe.loading import Overrides
        from lsncli.report.figures.build import build_figure, needs_runs
        from lsncli.report.figures.keeping import keep_in

        trained = needs_runs(number)
        return build_figure(
            number,
            self.store,
            overrides if trained else Overrides(profile=overrides.profile),
            keep=keep_in(self.store),
            run_options=self.run_options,
            notes=self.notes if trained else (),
            data_dir=self.data_dir,
        )

    def _write_files(
        self,
        output: Path | None,
        format: str,
        ending: str,
        overrides: Overrides,
        claims: ClaimsReport,
        say: Callable[[str], None],
    ) -> None:
        from lsncli.report.claims.formats import renderer
        from lsncli.report.figures.canvas import draw
        from lsncli.report.figures.files import write_figure
        from lsncli.report.writing import write_report

        tables = {number: _text(table, format) for number, table in self.tables(overrides, say).items()}
        figures = {number: draw(figure, "png") for number, figure in self.figures(overrides, say).items()}
        folder = folder_of(output)
        for number, text in tables.items():
            path = folder / f"table{number}.{ending}"
            write_report(text, path)
            say(f"wrote {path}")
        for number, picture in figures.items():
            path = folder / f"figure{number}.png"
            write_figure(picture, path)
            say(f"wrote {path}")
        path = folder / f"claims.{ending}"
        write_report(renderer(format)(claims), path)
        say(f"wrote {path}, all under profile {claims.profile}")


def _those_with_runs(
    what: str, numbers: Iterable[int], make: Callable[[int], Shown], say: Callable[[str], None]
) -> dict[int, Shown]:
    made = {}
    for number in numbers:
        try:
            made[number] = make(number)
        except NoRunLeftError as error:
            say(f"left out: {what} {number} ({error.what})")
    return made


def _text(table: Table | Listing, format: str) -> str:
    """A table as the file's text."""
    from lsncli.registry import registry
    from lsncli.report.formats.listing import renderer
    from lsncli.report.formats.rendering import table_renderer
    from lsncli.report.listing import Listing

    if isinstance(table, Listing):
        return renderer(format)(table)
    return table_renderer(format, registry())(table)
