"""Claims for a terminal: the summary, the settings of each claim, and how they were tested."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from lsncli.report.claims.claim import ClaimsReport
from lsncli.report.claims.wording import Block, blocks, fill_line, footnotes
from lsncli.report.formats.fitting import Fitted, fitted
from lsncli.report.wording import command_line, one_line

#: Width of the text that goes to a file, where there is no terminal to ask.
FILE_WIDTH = 140

_STYLES = {"supported": "green", "contradicted": "red", "mixed": "yellow", "not enough runs": "dim"}
#: Columns of words that are folded, and those of names, which are folded between words; all others are kept whole.
_SENTENCES = ("what the paper finds", "what is asked", "settings")
_NAMES = ("setting", "compared", "with", "verdict", "after Holm")
_IDS = ("claim", "hypothesis")
#: The least width that sentences can be read in.
_SENTENCE = 20


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """A rich renderable of a report of claims."""

    report: ClaimsReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Block after block, then the footnotes and the commands."""
        for block in blocks(self.report):
            yield Text(one_line(block.heading), style="bold")
            yield Text(one_line(block.lead), style="dim")
            yield from _drawn(block, options.max_width)
            for note in block.notes:
                yield Text(one_line(note), style="dim")
            yield Text()
        for note in footnotes(self.report):
            yield Text(one_line(note), style="dim")
        if line := fill_line(self.report):
            yield Text(line)
            for command in self.report.fill:
                yield Text(f"  {command_line(command)}", overflow="fold")


def render_terminal(report: ClaimsReport, width: int = FILE_WIDTH) -> str:
    """The report as plain text of at most ``width`` columns, without colours."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, color_system=None, force_terminal=False)
    console.print(ClaimsView(report))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _drawn(block: Block, width: int) -> RenderResult:
    """The grid; values that all rows share are told once above it, where many columns would not fit."""
    columns, rows, said = _without_common(block)
    if said:
        yield Text(one_line(said))
    texts = [[Text(one_line(cell), style=_STYLES.get(cell, "")) for cell in row] for row in rows]
    each = [_column(name, [row[at].plain for row in texts]) for at, name in enumerate(columns)]
    yield from fitted(each, texts, width)


def _column(name: str, cells: Sequence[str]) -> Fitted:
    """How a column fits: sentences are folded, names between words; numbers and ids of claims never."""
    if name in _SENTENCES:
        return Fitted(name, _SENTENCE)
    if name in _NAMES:
        longest = max((cell_len(word) for text in (name, *cells) for word in text.split()), default=1)
        return Fitted(name, min(longest, _SENTENCE))
    return Fitted(name, right=name not in _IDS)


def _without_common(block: Block) -> tuple[tuple[str, ...], list[tuple[str, ...]], str]:
    """The grid without its setting column where one setting is all there is, and the setting."""
    if not block.rows or block.columns[0] != "setting" or len({row[0] for row in block.rows}) > 1:
        return block.columns, list(block.rows), ""
    return block.columns[1:], [row[1:] for row in block.rows], block.rows[0][0]
