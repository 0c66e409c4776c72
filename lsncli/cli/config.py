"""Defaults of options from ``lsn.toml`` or ``[tool.lsn]`` in ``pyproject.toml``.

Options on the command line go first, then ``LSN_*`` environment variables, then this file. Keys are option
names with underscores, at the top for all commands or in a table of the command's name::

    db = "lab.db"

    [run]
    profile = "quick"

Relative paths are relative to the file that holds them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsncli.errors import LsnError, UnknownNameError

#: Options that the file may give: at its top for every command that takes them, or in a command's own table.
KEYS = ("db", "data_dir", "device", "precision", "executor", "replicas", "profile")
COMMANDS = ("run", "plan", "report", "select", "battery")

#: A command by its words, such as ``("runs", "list")``.
Words = tuple[str, ...]

#: Options whose default is how each stored run was trained, which no configuration knows better.
OF_THE_RUN: Mapping[Words, Sequence[str]] = {("runs", "verify"): ("device", "precision")}

#: Of these, numbers may be written without quotes.
NUMBERS = ("replicas",)


def find_config(start: Path | None = None) -> tuple[Path, Mapping[str, Any]] | None:
    """The nearest ``lsn.toml``, or ``pyproject.toml`` with a table ``[tool.lsn]``, from ``start`` upwards."""
    try:
        here = (start or Path.cwd()).absolute()
    except FileNotFoundError:  # the working folder was removed
        return None
    for folder in (here, *here.parents):
        own, project = folder / "lsn.toml", folder / "pyproject.toml"
        if os.path.isfile(own):  # noqa: PTH113 - false, unlike Path's, where a folder may not be entered
            return own, _read(own)
        if os.path.isfile(project) and _mentions_lsn(project):  # noqa: PTH113
            table = _read(project).get("tool", {}).get("lsn")
            if isinstance(table, Mapping):
                return project, table
    return None


def _mentions_lsn(project: Path) -> bool:
    """The text is searched first: reading TOML costs more than most commands' own work."""
    try:
        text = project.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not ours to complain of
        return False
    return re.search(r"""\btool\s*\.\s*["']?lsn\b""", text) is not None


def _read(path: Path) -> Mapping[str, Any]:
    from lsncli.recipe.toml_text import UnreadableTomlError, read_toml

    try:
        return read_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, UnreadableTomlError) as error:
        raise LsnError(f"cannot read the configuration: {error}", where=str(path)) from None


def commands_by_option(command: Any) -> dict[str, list[Words]]:
    """Every command below ``command`` (one of Click's), by each of :data:`KEYS` that a configuration gives it."""
    found: dict[str, list[Words]] = {key: [] for key in KEYS}

    def walk(inner: Any, words: Words) -> None:
        for parameter in inner.params:
            if parameter.name in found and parameter.name not in OF_THE_RUN.get(words, ()):
                found[parameter.name].append(words)
        for name, member in getattr(inner, "commands", {}).items():
            walk(member, (*words, name))

    walk(command, ())
    return found


def load_defaults(takers: Mapping[str, Sequence[Words]], start: Path | None = None) -> dict[str, Any]:
    """The configured defaults as a nested map, command → option → value.

    ``takers`` are the commands by option, from :func:`commands_by_option`. An environment variable ``LSN_`` +
    key goes before the file, also for options that do not name it.
    """
    defaults: dict[str, Any] = {}
    found = find_config(start)
    if found is not None:
        _from_file(*found, takers, defaults)
    for key, commands in takers.items():
        if value := os.environ.get(f"LSN_{key.upper()}"):
            for command in commands:
                _put(defaults, (*command, key), value)
    return defaults


def _from_file(
    path: Path, config: Mapping[str, Any], takers: Mapping[str, Sequence[Words]], defaults: dict[str, Any]
) -> None:
    for key, value in config.items():
        if key in COMMANDS:
            if not isinstance(value, Mapping):
                raise LsnError(f"{key!r} is a table of options: [{key}]", where=str(path))
        elif key in takers:
            for command in takers[key]:
                _put(defaults, (*command, key), _value(key, value, path, str(path)))
        else:
            raise UnknownNameError.of("configuration key", key, [*KEYS, *COMMANDS], where=str(path))
    # A command's own table goes before what is said for all, wherever in the file it stands.
    for name in COMMANDS:
        for key, value in config.get(name, {}).items():
            where = f"{path}, [{name}]"
            if (name,) not in takers.get(key, ()):
                valid = [k for k, commands in takers.items() if (name,) in commands]
                raise UnknownNameError.of("configuration key", key, valid, where=where)
            _put(defaults, (name, key), _value(key, value, path, where))


def _put(target: dict[str, Any], keys: Iterable[str], value: Any) -> None:
    *path, last = keys
    for key in path:
        target = target.setdefault(key, {})
    target[last] = value


def _value(key: str, value: Any, path: Path, where: str) -> str:
    if key in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise LsnError(f"{key} = {value!r} is no text", where=where, valid=f'{key} = "…"')
    is_path = key == "data_dir" or (key == "db" and "://" not in value)
    if not is_path or not value:
        return value
    expanded = os.path.expanduser(value)  # noqa: PTH111 - as it is, unlike Path's, where there is no such user
    return expanded if path.parent == Path.cwd() else os.path.relpath(path.parent / expanded)
