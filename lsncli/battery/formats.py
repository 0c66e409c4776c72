"""A battery's outcome as one text, or as a file for each of its tables."""

from __future__ import annotations

import json

from lsncli.battery.outcome import BatteryOutcome
from lsncli.errors import LsnError
from lsncli.registry import Registry
from lsncli.report.claims.formats import renderer
from lsncli.report.formats.rendering import table_renderer
from lsncli.report.json_text import json_text

#: Formats of which several documents, one after the other, are one again.
_JOINED = ("rich", "md", "latex")
_JSON = "json"


def check_format(format: str, components: Registry, *, one_text: bool) -> None:
    """Raise :class:`LsnError` for a format that tables and claims do not both have, or not in one text."""
    components.get("report format", format, where="--format")
    renderer(format)
    if one_text and format not in (*_JOINED, _JSON):
        raise LsnError(
            f"several tables cannot be one {format} text",
            where="--format",
            valid=[*_JOINED, _JSON],
            next="add --output FOLDER for a file of each",
        )


def as_text(outcome: BatteryOutcome, format: str, components: Registry) -> str:
    """The tables, then the hypotheses; as JSON an object with ``title``, ``profile``, ``tables`` and ``claims``."""
    parts = as_files(outcome, format, components)
    if format != _JSON:
        return "\n".join(parts.values())
    claims = json.loads(parts.pop("hypotheses"))["claims"]
    tables = {name: json.loads(text) for name, text in parts.items()}
    value = {"title": outcome.title, "profile": outcome.profile, "tables": tables, "claims": claims}
    return json_text(value)


def as_files(outcome: BatteryOutcome, format: str, components: Registry) -> dict[str, str]:
    """The text of each table by its part, and of the hypotheses."""
    render = table_renderer(format, components)
    tables = {part: render(table) for part, table in outcome.tables.items()}
    return {**tables, "hypotheses": renderer(format)(outcome.claims)}
