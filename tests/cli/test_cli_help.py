"""The application itself: help pages, version, wrong words, error messages, encodings."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from lsncli import __version__
from lsncli.cli import main as main_module
from lsncli.cli.config import KEYS, commands_by_option
from lsncli.cli.main import build_app
from lsncli.errors import LsnError
from lsncli.report.figures.canvas import FORMS


def tree(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from tree(inner, (*path, name))


COMMANDS = dict(tree(get_command(build_app())))


def test_the_commands_are_those_of_the_contract() -> None:
    tops = {path[0] for path in COMMANDS if path}
    assert {"run", "plan", "report", "runs", "plugins", "data", "db", "recipe", "doctor"} <= tops
    for group, members in {
        "runs": {"list", "show", "rm", "export"},
        "plugins": {"list", "show", "new", "check", "reference"},
        "data": {"list", "prepare", "verify"},
        "db": {"info", "check", "merge", "backup", "upgrade"},
        "recipe": {"list", "copy", "schema"},
    }.items():
        assert members <= {path[1] for path in COMMANDS if len(path) == 2 and path[0] == group}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "lsn")
def test_help_fits_80_columns(lsn: Any, path: tuple[str, ...]) -> None:
    result = lsn(*path, "--help", COLUMNS="80")
    assert (result.status, result.err) == (0, "")
    assert "Usage: " in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    # A command says what it is for, and each option what it does.
    assert COMMANDS[path].help
    for parameter in COMMANDS[path].params:
        assert parameter.name == "help" or getattr(parameter, "help", None), parameter.name
        # Nothing is cut off for want of room.
        names = [name for name in parameter.opts if name.startswith("-")]
        for word in [*names, *(getattr(parameter, "help", None) or "").split()]:
            assert word in result.out, word
    # Paragraphs are filled, wherever the lines of the docstring end.
    above = result.out.partition("╭")[0]
    for paragraph in COMMANDS[path].help.split("\n\n"):
        assert "\n".join(f" {line}" for line in textwrap.wrap(paragraph, 78)) in "\n".join(
            line.rstrip() for line in above.splitlines()
        )
    if path:
        assert lsn(*path, "-h", COLUMNS="80").out == result.out


def test_metavars_bring_no_brackets_of_their_own() -> None:
    """Typer and the reference write what may be left out, or repeated; given twice it reads ``[[KEY…]]...``."""
    arguments = [p for c in COMMANDS.values() for p in c.params if p.param_type_name == "argument"]
    assert arguments
    assert [p.metavar for p in arguments if set(p.metavar or "") & set("[]….")] == []


def test_the_help_of_report_names_the_formats_of_figures() -> None:
    told = {parameter.name: parameter.help for parameter in COMMANDS["report",].params}
    assert all(form in told["format"] for form in FORMS)
    assert "figureN.png" in told["output"]


def test_version(lsn: Any) -> None:
    assert lsn("--version").out == f"lsn {__version__}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("trane", "trane"),
        ("run", "RECIPE"),
        ("run quickstart --no-such-option", "--no-such-option"),
        ("plugins remove x", "remove"),
        ("plan quickstart --format xml", "xml"),
        ("run quickstart --seeds many", "--seeds"),
    ],
)
def test_wrong_words_are_status_2(lsn: Any, words: str, told: str) -> None:
    result = lsn(words)
    assert (result.status, result.out) == (2, "")
    assert told in result.err
    assert "Traceback" not in result.err


def test_the_configuration_reaches_every_command_with_the_option() -> None:
    """``db = …`` in lsn.toml must hold wherever --db is an option."""
    reached = commands_by_option(COMMANDS[()])
    assert set(reached) == set(KEYS)
    assert {("run",), ("plan",), ("report",), ("doctor",), ("runs", "list"), ("db", "info")} <= set(reached["db"])
    assert set(reached["profile"]) == {("run",), ("plan",), ("report",), ("select",), ("battery",)}
    for key, commands in reached.items():
        # A stored run is trained again as it was trained, whatever is configured for new ones.
        apart = {("runs", "verify")} if key in ("device", "precision") else set()
        assert set(commands) | apart == {
            p for p, c in COMMANDS.items() if f"--{key.replace('_', '-')}" in options(c)
        }, key


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def shipped() -> dict[str, Any]:
        raise error

    monkeypatch.setattr("lsncli.recipe.loading.shipped_recipes", shipped)


def test_an_error_says_what_where_valid_next_and_only_debug_shows_the_traceback(
    lsn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, LsnError("it broke", where="[here]:3", valid=["a", "b"], next="mend it"))
    told = "error: it broke\n  where: [here]:3\n  valid: a, b\n  next: mend it\n"
    result = lsn("recipe list")
    assert (result.status, result.out, result.err) == (2, "", told)
    for debugged in (lsn("--debug recipe list"), lsn("recipe list", LSN_DEBUG="1")):
        assert (debugged.status, debugged.out) == (2, "")
        assert debugged.err.startswith("Traceback")
        assert debugged.err.endswith(told)
    assert lsn("recipe list", LSN_DEBUG="0").err == told


def test_a_fault_of_ours_is_not_hidden(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        lsn("recipe list")


def test_a_wrong_request_before_any_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build() -> None:
        raise LsnError("plugin 'x' did not load")

    monkeypatch.setattr(main_module, "build_app", build)
    with pytest.raises(SystemExit) as caught:
        main_module.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: plugin 'x' did not load\n"


def test_a_stream_that_cannot_write_greek_ends_nothing(repository: Any) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "lsncli", "recipe", "schema", "--builtin"],
        cwd=repository,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert result.stdout.isascii()
