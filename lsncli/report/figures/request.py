"""What a request for a figure asks for: a picture in a file, or its numbers as JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsncli.errors import LsnError
from lsncli.inert import for_terminal
from lsncli.report.figures.model import Figure
from lsncli.report.figures.recipes import check_number

if TYPE_CHECKING:
    from lsncli.report.figures.canvas import Form

_JSON = "json"
#: The tables' default format, which a figure does not have.
_UNSAID = "rich"


@dataclass(frozen=True, slots=True)
class FigureRequest:
    """A checked request; ``form`` is None where the numbers are asked for."""

    number: int
    output: Path | None
    form: Form | None

    @classmethod
    def read(cls, number: int, contradictions: list[str], format: str, output: Path | None) -> FigureRequest:
        """Check the request before anything is read; raises :class:`LsnError` for one that cannot be answered.

        contradictions: options that do not go with a figure.
        """
        if contradictions:
            raise LsnError(
                f"a figure and {' and '.join(contradictions)} cannot be reported together",
                where="--figure",
                next="make two reports",
            )
        check_number(number)
        if format == _JSON:
            return cls(number, output, None)
        from lsncli.report.figures.files import choose_file

        path, form = choose_file(number, output, None if format == _UNSAID else format)
        return cls(number, path, form)

    def answer(self, figure: Figure) -> None:
        """Write the picture, and say where; or the numbers, to standard output or a file."""
        if self.form is None:
            self._numbers(figure)
            return
        from lsncli.report.figures.canvas import draw
        from lsncli.report.figures.files import write_figure

        assert self.output is not None
        write_figure(draw(figure, self.form), self.output)
        for note in figure.notes:
            print(for_terminal(f"note: {note}"), file=sys.stderr)
        print(for_terminal(f"wrote {self.output}"), file=sys.stderr)

    def _numbers(self, figure: Figure) -> None:
        from lsncli.report.figures.figure_json import render_figure_json
        from lsncli.report.writing import write_report

        text = render_figure_json(figure)
        if self.output is not None and str(self.output) != "-":
            write_report(text, self.output)
            print(for_terminal(f"wrote {self.output}"), file=sys.stderr)
        else:
            sys.stdout.write(text)
