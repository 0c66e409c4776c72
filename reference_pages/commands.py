"""The reference of the command line, from the Typer application."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from typer.main import get_command

from lsncli.cli.config import COMMANDS, KEYS
from lsncli.cli.main import build_app
from reference_pages.tables import code, table

HEAD = """\
# Command reference

Made from the code by `python -m reference_pages`. Every listing has `--format json` on standard output; progress
and warnings go to standard error. Exit status: 0 done, 1 a run failed (or a check did), 2 the request was wrong,
130 interrupted. Defaults come from options, then `LSN_*` environment variables, then [a file](#defaults).
`--debug` before the command shows the traceback of an error: `lsn --debug run …`. Every command has `--help`, and
`lsn --install-completion` lets the shell complete them, with the names of recipes, profiles, components, data sets
and runs.
"""

DEFAULTS = """\
## Defaults

The nearest `lsn.toml`, or `[tool.lsn]` of the nearest `pyproject.toml`, in the working folder or above, holds
defaults of options: {keys}. At its top they are those of every command that has the option, in a table
({commands}) those of one command. Paths are relative to the file.

```text
db = "lab.db"
data_dir = "/data/lsn"

[run]
profile = "quick"
```

Environment variables go before the file: {variables}.
"""


def command_page() -> str:
    """The whole page."""
    root = get_command(build_app())
    defaults = DEFAULTS.format(
        keys=", ".join(map(code, KEYS)),
        commands=", ".join(code(f"[{command}]") for command in COMMANDS),
        variables=", ".join(code(f"LSN_{key.upper()}") for key in KEYS),
    )
    parts = [HEAD, f"## lsn\n\n{_text(root.help)}\n{_parameters(root)}"]
    parts += [
        f"{'##' if len(path) == 1 else '###'} lsn {' '.join(path)}\n\n{_told(path, c)}" for path, c in _tree(root)
    ]
    return "\n".join([*parts, defaults])


def _tree(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield (*path, name), child
            yield from _tree(child, (*path, name))


def _told(path: tuple[str, ...], command: Any) -> str:
    if getattr(command, "commands", None):
        return _text(command.help)
    arguments = [_argument(p) for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["lsn", *path, "[OPTIONS]", *arguments])
    return f"```text\n{usage}\n```\n\n{_text(command.help)}\n{_parameters(command)}"


def _parameters(command: Any) -> str:
    # Those of Typer itself, whose words depend on its release.
    ours = [p for p in command.params if p.name not in ("help", "install_completion", "show_completion")]
    rows = [_row(parameter) for parameter in ours if not getattr(parameter, "hidden", False)]
    return table(("parameter", "default", "meaning"), rows) if rows else ""


def _row(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        name = code(_argument(parameter))
    else:
        takes = "" if parameter.is_flag else f" {_metavar(parameter)}"
        names = [*parameter.opts, *parameter.secondary_opts]
        name = ", ".join(code(f"{option}{takes}") for option in names)
    variable = parameter.envvar if isinstance(parameter.envvar, str) else ""
    told = " ".join((parameter.help or "").split())
    return name, _default(parameter), f"{told} Environment: `{variable}`." if variable else told


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    name = f"{name}…" if parameter.nargs == -1 else name
    return name if parameter.required else f"[{name}]"


def _metavar(parameter: Any) -> str:
    """What an option takes; read off what every release of Typer has."""
    if parameter.metavar:
        return str(parameter.metavar)
    if isinstance(parameter.default, Enum):
        return "|".join(str(choice.value) for choice in type(parameter.default))
    # An option without a default, of which only the type knows the choices; Typer 0.29 has none.
    choices = getattr(getattr(parameter, "type", None), "choices", ())
    if choices:
        return "|".join(str(getattr(choice, "value", choice)) for choice in choices)
    return str(parameter.name).upper()


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return code(parameter.show_default)
    default = parameter.default
    if parameter.required:
        return "required"
    if default is None or default is False or callable(default) or default in ("", (), []):
        return ""
    if default is True:
        return code(parameter.opts[0])
    return code(str(default.value if isinstance(default, Enum) else default))


def _text(help: str | None) -> str:
    """A docstring's paragraphs."""
    paragraphs = (help or "").replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs) + "\n"
