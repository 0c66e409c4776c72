"""Options that several commands share, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ListFormat(StrEnum):
    """How a listing is printed."""

    table = "table"
    json = "json"


FormatOption = Annotated[
    ListFormat, typer.Option("--format", help="Table for people, JSON for programs (on stdout).")
]

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--db",
        envvar="LSN_DB",
        metavar="FILE|URL",
        help="Result database: a SQLite file or a PostgreSQL URL.",
        show_default="results.db",
    ),
]

DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="LSN_DATA_DIR",
        metavar="DIR",
        help="Folder of data sets and their caches. Default: the user's data folder for lsn.",
    ),
]

DEFAULT_DATABASE = "results.db"
