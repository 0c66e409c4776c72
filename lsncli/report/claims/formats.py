"""Finds how a report of claims is written."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from lsncli.errors import UnknownNameError
from lsncli.report.claims.claim import ClaimsReport

#: Format → module and function.
_FORMATS = {
    "rich": ("terminal", "render_terminal"),
    "md": ("documents", "render_markdown"),
    "html": ("documents", "render_html"),
    "latex": ("documents", "render_latex"),
    "csv": ("data_formats", "render_csv"),
    "json": ("data_formats", "render_json"),
}


def renderer(name: str) -> Callable[[ClaimsReport], str]:
    """The function that writes claims in format ``name``; :class:`LsnError` for one that claims do not have."""
    if name not in _FORMATS:
        raise UnknownNameError.of(
            "format of claims", name, _FORMATS, where="--format", next="a plugin's format is for tables"
        )
    module, function = _FORMATS[name]
    render: Callable[[ClaimsReport], str] = getattr(import_module(f"lsncli.report.claims.{module}"), function)
    return render
