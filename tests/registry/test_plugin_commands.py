"""``lsn_commands`` adds commands; one that goes wrong breaks neither ``lsn --help`` nor any other command."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from fake_plugins import entry, module
from typer.testing import CliRunner

from lsncli import hookimpl
from lsncli.errors import LsnError
from lsncli.registry import Registry


def commands(function: Any) -> Any:
    function.__name__ = "lsn_commands"
    return module(lsn_commands=hookimpl(function))


@commands
def good(app: typer.Typer) -> None:
    @app.command("greet")
    def greet(name: str = "you") -> None:
        """Say hello."""
        typer.echo(f"hello {name}")

    group = typer.Typer(help="A group.")
    group.command("one")(lambda: typer.echo("one"))
    app.add_typer(group, name="things")


@commands
def raises(app: typer.Typer) -> None:
    app.command("half")(lambda: None)
    raise RuntimeError("no commands today")


@commands
def cannot_be_built(app: typer.Typer) -> None:
    @app.command("odd")
    def odd(value: NoSuchType) -> None:  # type: ignore[name-defined]  # noqa: F821
        ...


@commands
def replaces_ours(app: typer.Typer) -> None:
    app.command("ours")(lambda: typer.echo("theirs"))


@commands
def replaces_the_callback(app: typer.Typer) -> None:
    app.callback()(lambda: None)


@commands
def exits(app: typer.Typer) -> None:
    raise SystemExit(1)


def build(*plugins: Any) -> tuple[typer.Typer, Registry]:
    registry = Registry()
    registry.load([entry(f"dist{i}", p) for i, p in enumerate(plugins)], strict=False)
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("ours")(lambda: typer.echo("ours"))
    registry.call_commands(app)
    return app, registry


def test_commands_and_groups_are_added() -> None:
    app, registry = build(good)
    run = CliRunner().invoke
    assert run(app, ["greet", "--name", "Ada"]).stdout == "hello Ada\n"
    assert run(app, ["things", "one"]).stdout == "one\n"
    assert "Say hello." in run(app, ["--help"]).stdout
    assert registry.failed() == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (raises, "RuntimeError: no commands today"),
        (cannot_be_built, "NoSuchType"),
        (replaces_ours, "there already is a command 'ours'"),
        (replaces_the_callback, "the callback of lsn stays"),
        (exits, "SystemExit: 1"),
    ],
)
def test_a_failure_is_told_in_one_line_and_adds_nothing(
    bad: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app, registry = build(bad, good)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: plugin 'main' of dist0 1.0: its commands: ")
    assert message in line
    (failed,) = registry.failed()
    assert message in (failed.error or "")
    run = CliRunner().invoke
    shown = run(app, ["--help"])
    assert shown.exit_code == 0
    assert "half" not in shown.stdout
    assert run(app, ["ours"]).stdout == "ours\n"
    assert run(app, ["greet"]).stdout == "hello you\n"


def test_strict_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSN_STRICT_PLUGINS", "1")
    registry = Registry()
    registry.load([entry("dist0", raises)])
    with pytest.raises(LsnError, match=r"'main' of dist0 1\.0: its commands: RuntimeError") as told:
        registry.call_commands(typer.Typer())
    assert isinstance(told.value.__cause__, RuntimeError)


def test_what_a_hook_prints_stands_in_no_listing(capsys: pytest.CaptureFixture[str]) -> None:
    @commands
    def chatty(app: typer.Typer) -> None:
        print("hello from the hook")

    _, registry = build(chatty)
    assert registry.failed() == []
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello from the hook\n")


def test_of_two_plugins_with_one_command_the_first_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    again = commands(lambda app: app.command("greet")(lambda: typer.echo("again")))
    app, registry = build(good, again)
    assert CliRunner().invoke(app, ["greet"]).stdout == "hello you\n"
    assert [p.origin.distribution for p in registry.failed()] == ["dist1"]
    assert "there already is a command 'greet'" in capsys.readouterr().err
