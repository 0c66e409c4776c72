"""``lsn report --all --format html``: gathers what the one page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lsncli.cli.whole_report import WholeReport
    from lsncli.report.claims.claim import ClaimsReport
    from lsncli.report.figures.model import Figure
    from lsncli.report.listing import Listing
    from lsncli.report.page.document import CheckRow
    from lsncli.report.page.provenance import Origin
    from lsncli.report.table import Table
    from lsncli.store import Store


def page_of(
    whole: WholeReport,
    tables: Mapping[int, Table | Listing],
    figures: Mapping[int, Figure],
    claims: ClaimsReport,
) -> str:
    """The page as text: tables and figures, ``claims``, the theory's checks, and where it all comes from."""
    from lsncli.report.page.document import Contents, render_page
    from lsncli.report.page.runs import RunBook

    contents = Contents(
        tables=list(tables.values()),
        figures=list(figures.values()),
        claims=claims,
        checks=_checks(),
        origin=_origin(whole.store, whole.db, claims.profile),
        notes=whole.notes,
    )
    return render_page(contents, RunBook(whole.store, _database_words(whole.db)))


def _checks() -> list[CheckRow]:
    from lsncli.theory.check import all_checks

    relations = {"<=": "≤", ">=": "≥"}
    return [
        (
            f"{check.name}: {check.statement}",
            check.source,
            f"{check.measured:.2g}",
            f"{relations[check.relation]} {check.tolerance:g}",
            check.holds,
        )
        for check in all_checks()
    ]


def _origin(store: Store | None, db: str, profile: str) -> Origin:
    from datetime import UTC, datetime

    from lsncli import __version__
    from lsncli.cli.command_line import command_line
    from lsncli.report.page.provenance import Origin

    return Origin(
        made=datetime.now(UTC),
        command=command_line(db),
        version=__version__,
        profile=profile,
        database=None if store is None else store.location.shown,
        schema=None if store is None else store.schema_version,
        contents={} if store is None else dict(store.contents().runs),
        stand_ins={} if store is None else store.stand_ins(),
    )


def _database_words(db: str) -> list[str]:
    """What ``lsn runs show`` must be told to find the database; never a password."""
    from lsncli.cli.options import DEFAULT_DATABASE
    from lsncli.store.location import Location

    return ["--db", Location.parse(db).shown] if db != DEFAULT_DATABASE else []
