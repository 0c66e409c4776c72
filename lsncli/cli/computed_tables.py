"""``lsn report --table 1`` and ``--table 6``: tables that are computed, with no run behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.report.listing import Listing

#: Table 1 takes ``--set classes=…``, and ``alpha=…`` or ``rate=…``; Table 6 takes nothing.
COMPUTED_TABLES = (1, 6)


def report_computed(
    number: int,
    settings: Iterable[str],
    format: str,
    output: Path | None,
    *,
    meaningless: Mapping[str, object] | None = None,
) -> None:
    """Print the computed table ``number`` of the paper, or write it to ``output``.

    meaningless: options that only trained tables have, with what was given for them. Raises :class:`LsnError` where
    one was given, and for a setting or a format that the table does not have.
    """
    from lsncli.cli.deliver import deliver
    from lsncli.recipe.loading import parse_setting
    from lsncli.report.formats.listing import ListingView, renderer

    given = [option for option, value in (meaningless or {}).items() if value]
    if given:
        raise LsnError(
            f"table {number} is computed, not trained: {', '.join(given)} means nothing to it",
            where=f"--table {number}",
            valid="--set classes=10, --set alpha=0.1 (or rate=0.09)" if number == 1 else "--format and --output",
            next="leave the option out",
        )
    render = renderer(format)
    changes = [parse_setting(text) for text in settings]
    listing = computed_listing(number, changes)
    deliver(listing, render, ListingView, format, output)


def computed_listing(number: int, changes: Sequence[tuple[str, Any]]) -> Listing:
    """The computed table ``number`` with its settings; raises :class:`LsnError` for one that it does not have."""
    if number == 1:
        from lsncli.report.smearing_table import setting_of, smearing_table

        return smearing_table(setting_of(changes))
    from lsncli.report.architecture_table import architecture_table

    if changes:
        raise LsnError(f"table {number} has no settings", where=f"--set {changes[0][0]}", next="leave it out")
    return architecture_table()
