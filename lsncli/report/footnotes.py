"""Collects the footnotes of a report: each text once, numbered in the order in which cells need them."""

from __future__ import annotations

from lsncli.report.table import Footnote

#: Marks a cell that differs from the published number; the numbered marks are for everything else.
DIFFERENCE = "*"


class Footnotes:
    """Footnotes under construction."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._general: dict[str, None] = {}
        self._difference = False

    def mark(self, text: str) -> str:
        """The mark of a footnote on single cells."""
        return self._marks.setdefault(text, str(len(self._marks) + 1))

    def add(self, text: str) -> None:
        """A footnote on the whole table."""
        self._general.setdefault(text)

    def add_difference(self) -> None:
        """The footnote that explains the star."""
        self._difference = True

    def all(self) -> tuple[Footnote, ...]:
        """The footnotes in the order in which they are printed."""
        star = (
            Footnote(
                "differs from the published mean by more than two combined standard errors,"
                " |ours − paper| > 2·sqrt(SE² + SE²) with SE = std/sqrt(n); said only of the paper's own setting"
                " and data.",
                DIFFERENCE,
            ),
        )
        return (
            *(star if self._difference else ()),
            *(Footnote(text, mark) for text, mark in self._marks.items()),
            *(Footnote(text) for text in self._general),
        )
