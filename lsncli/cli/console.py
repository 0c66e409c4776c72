"""A console that shows what it is given and obeys none of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

from lsncli.inert import for_terminal

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType


class InertConsole(Console):
    """rich's console; colours are rich's own, and control characters inside a text are written out."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of ``renderable``; rich itself lets escape sequences of a text through."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(for_terminal(segment.text), segment.style)
