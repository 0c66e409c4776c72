"""The paper's claims on the page: the verdicts, and each tested setting with the pairs of runs behind it."""

from __future__ import annotations

from collections.abc import Sequence

from lsncli.report.claims.claim import ClaimResult, ClaimsReport, SettingResult
from lsncli.report.claims.wording import Block, blocks, decisive, fill_line, footnotes, signed
from lsncli.report.formats.html import escape
from lsncli.report.page.grid import Entry, Head, commands, grid, notes, sort_value, text
from lsncli.report.page.runs import RunBook

#: Columns of numbers; the others are words.
_NUMBERS = ("pairs", "difference", "95 % interval", "d_z", "p", "Holm")


def claims_section(report: ClaimsReport, book: RunBook) -> str:
    """The summary, then a table for each claim that was tested, then how the tests were made."""
    summary, *details = blocks(report)
    tested = [result for result in report.claims if any(s.statistics.n for s in result.settings)]
    parts = [_summary(summary)]
    for block, result in zip(details, tested, strict=True):
        parts += [
            f"<h3>{escape(block.heading)}</h3>",
            _details(block, result, book),
            book.take_panels(),
            notes(map(escape, block.notes)),
        ]
    parts.append(notes(map(escape, footnotes(report))))
    if lead := fill_line(report):
        parts.append(commands(report.fill, lead))
    return "\n".join(parts)


def _summary(block: Block) -> str:
    heads = [Head(escape(column), "words") for column in block.columns]
    rows = [[text(part, "words", heads_row=index == 0) for index, part in enumerate(row)] for row in block.rows]
    return grid(block.lead, block.heading, heads, rows)


def _details(block: Block, result: ClaimResult, book: RunBook) -> str:
    settings = [setting for setting in result.settings if setting.statistics.n]
    rows = [
        _row(block.columns, row, setting, result, book) for row, setting in zip(block.rows, settings, strict=True)
    ]
    heads = [Head(escape(column), "number" if column in _NUMBERS else "words") for column in block.columns]
    return grid(block.lead, f"Settings of the claim {result.claim.id}", heads, rows)


def _row(
    columns: Sequence[str], row: Sequence[str], setting: SettingResult, result: ClaimResult, book: RunBook
) -> list[Entry]:
    found = setting.statistics
    p, p_holm = decisive(setting)
    sorts = {
        "pairs": found.n,
        "difference": found.mean,
        "95 % interval": found.ci_low,
        "d_z": found.effect_size,
        "p": p,
        "Holm": p_holm,
    }
    entries = []
    for index, (column, shown) in enumerate(zip(columns, row, strict=True)):
        content = escape(shown)
        if column in ("pairs", "difference"):
            content = book.pairs_opener(content, _where(setting), _pairs(setting, result))
        sort = sort_value(sorts[column]) if column in sorts else None
        kind = "number" if column in _NUMBERS else "words"
        entries.append(Entry(content, sort, kind, heads_row=index == 0))
    return entries


def _where(setting: SettingResult) -> str:
    comparison = setting.comparison
    return f"{comparison.compared} with {comparison.reference}, {comparison.setting}"


def _pairs(setting: SettingResult, result: ClaimResult) -> list[tuple[str, str, str]]:
    """The pairs that were trained; where a claim is computed there are none."""
    if len(setting.keys) != len(setting.differences):
        return []
    return [
        (reference, compared, f"difference {signed(result.claim, difference)}; compared, then reference:")
        for (reference, compared), difference in zip(setting.keys, setting.differences, strict=True)
    ]
