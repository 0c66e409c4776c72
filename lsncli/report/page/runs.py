"""The runs behind the page's numbers: read once, opened from every cell, and listed at its end."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from lsncli.report.formats.html import escape
from lsncli.report.page.grid import Entry, Head, commands, grid, sort_value, text
from lsncli.report.results import DONE, Results
from lsncli.report.table import Cell
from lsncli.report.wording import ABSENT, in_unit, metric_words, number
from lsncli.store.description import components

#: Digits of a key that the page shows; any unique beginning is accepted by the commands.
SHORT = 12


class RunSource(Results, Protocol):
    """Where runs and their provenance are read from; :class:`lsncli.store.Store` is one."""

    def runs(self) -> Sequence[Any]:
        """All runs, as :class:`lsncli.store.records.RunRecord`."""
        ...

    def latest_provenance(self, keys: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Of each of those runs, with what it was trained last."""
        ...


@dataclass
class RunBook:
    """The runs that the page's cells are made of, gathered as cells ask for them.

    options: words that commands on the database repeat. Ask for a cell's button with :meth:`opener`, and put what
    :meth:`take_panels` gives after its table.
    """

    source: RunSource | None
    options: Sequence[str] = ()
    used: dict[str, None] = field(default_factory=dict)
    _panels: list[str] = field(default_factory=list)
    _opened: int = 0

    @cached_property
    def records(self) -> dict[str, Any]:
        """Every run of the database by key; read once."""
        return {} if self.source is None else {record.key: record for record in self.source.runs()}

    @cached_property
    def provenance(self) -> Mapping[str, Mapping[str, Any]]:
        """With what each of them was trained last; read once."""
        return {} if self.source is None else self.source.latest_provenance(list(self.records))

    def opener(self, shown: str, cell: Cell, where: str, *, fill: str | None = None) -> str:
        """A button with ``shown`` (ready HTML) that opens the cell's runs; ``where`` names the cell in words."""
        if not cell.keys:
            return shown
        values = self._cell_values(cell)
        lines = []
        for key in cell.keys:
            value = values.get(key)
            said = None if value is None else f"{metric_words(cell.metric)}: {number(value, cell.metric)}"
            lines.append(self._line(key, said))
        missing = any(key not in self.records or self.records[key].status != DONE for key in cell.keys)
        return self.panel(shown, where, lines, [fill] if fill and missing else [])

    def pairs_opener(self, shown: str, where: str, pairs: Sequence[tuple[str, str, str]]) -> str:
        """The same for pairs of runs: the keys of reference and compared, and their difference in words."""
        lines = [
            f"<li>{escape(said)}<ul>{self._line(compared, None)}{self._line(reference, None)}</ul></li>"
            for reference, compared, said in pairs
        ]
        return self.panel(shown, where, lines, []) if lines else shown

    def panel(self, shown: str, where: str, lines: Sequence[str], fill: Sequence[str]) -> str:
        """A button that opens a panel with ``lines`` (ready list items); needs no script."""
        self._opened += 1
        name = f"runs-{self._opened}"
        close = f'popovertarget="{name}" popovertargetaction="hide"'
        self._panels.append(
            "\n".join(
                [
                    f'<div class="panel" popover id="{name}" role="dialog" aria-labelledby="{name}-of">',
                    f'<h4 id="{name}-of">Runs: {escape(where)}</h4>',
                    "<ul>",
                    *lines,
                    "</ul>",
                    commands(fill),
                    f'<button type="button" class="close" {close}>Close</button>',
                    "</div>",
                ]
            )
        )
        return f'<button type="button" class="runs" popovertarget="{name}" aria-haspopup="dialog">{shown}</button>'

    def take_panels(self) -> str:
        """The panels of the buttons made since the last time."""
        panels, self._panels = "\n".join(self._panels), []
        return panels

    def command(self, key: str) -> str:
        """The command that shows everything of one run."""
        return shlex.join(["lsn", "runs", "show", key[:SHORT], *self.options])

    def _line(self, key: str, said: str | None) -> str:
        record = self.records.get(key)
        if record is None:
            return f"<li><code>{escape(key[:SHORT])}</code> · missing: not trained yet</li>"
        self.used[key] = None
        device = str(self.provenance_of(key).get("device") or "")
        parts = [f"seed {record.spec.get('seed', ABSENT)}", said, record.status, device]
        words = " · ".join(escape(part) for part in parts if part)
        link = f'<a href="#run-{escape(key)}"><code>{escape(key[:SHORT])}</code></a>'
        return f'<li>{link} · {words}<code class="command">{escape(self.command(key))}</code></li>'

    def provenance_of(self, key: str) -> Mapping[str, Any]:
        """With what a run was trained last; empty where nothing is known."""
        return self.provenance.get(key, {})

    def _cell_values(self, cell: Cell) -> dict[str, float]:
        """The cell's metric of each of its runs; a cell that is not whole does not say whose its values are."""
        if len(cell.values) == len(cell.keys):
            return dict(zip(cell.keys, cell.values, strict=True))
        if self.source is None or not cell.values:
            return {}
        ways: tuple[Literal["last", "best"], ...] = ("last", "best")
        for which in ways:
            stored = self.source.values(cell.keys, [cell.metric], which)
            found = {
                k: in_unit(stored[k][cell.metric], cell.unit) for k in cell.keys if cell.metric in stored.get(k, {})
            }
            if tuple(found.values()) == cell.values:
                return found
        return {}


def run_list(book: RunBook) -> str:
    """All runs that the page used, one row each, with an anchor for the links of the panels."""
    heads = [
        *map(Head, ("key", "status")),
        *(Head(name, "words") for name in ("data", "noise", "model", "loss")),
        *(Head(name, "number") for name in ("seed", "steps", "seconds")),
        *map(Head, ("finished (UTC)", "device")),
    ]
    rows = [_row(book, key) for key in book.used]
    return grid(f"{len(rows)} runs, in the order in which the page uses them.", "Runs", heads, rows)


def _row(book: RunBook, key: str) -> list[Entry]:
    record = book.records[key]
    device = book.provenance_of(key).get("device")
    shown = f"<code>{escape(key[:SHORT])}</code>"
    return [
        Entry(shown, None, "", heads_row=True, anchor=f"run-{key}"),
        text(record.status),
        *(text(part, "words") for part in components(record.spec).values()),
        Entry(escape(str(record.spec.get("seed", ABSENT))), None, "number"),
        Entry(f"{record.steps}", None, "number"),
        Entry("" if record.seconds is None else f"{record.seconds:.1f}", sort_value(record.seconds), "number"),
        text(f"{record.finished_at:%Y-%m-%d %H:%M}" if record.finished_at else ""),
        text(device or "", "words"),
    ]
