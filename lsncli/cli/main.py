"""The ``lsn`` application: assembles the nouns, reads the configuration, turns errors into messages."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from lsncli.errors import LsnError

#: Noun modules; each declares ``app`` (a group of commands) or ``command`` (one command).
COMMANDS = ("run", "plan", "report", "select", "battery", "theory", "doctor", "bench")
GROUPS = ("runs", "plugins", "data", "db", "recipe")


class LsnGroup(TyperGroup):
    """Turns an :class:`LsnError` from any command into one message and exit status 2."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its help in paragraphs: where a line ends in the source says nothing to a reader."""
        command = super().get_command(ctx, cmd_name)
        for each in (command, *getattr(command, "commands", {}).values()):
            if each is not None and each.help:
                each.help = "\n\n".join(" ".join(part.split()) for part in each.help.split("\n\n"))
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print what a user can put right, raise everything else."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                # What is still to be written fails here, where it can be told, and not when Python ends.
                sys.stdout.flush()
        except LsnError as error:
            _tell(error, debugging(ctx))
            raise typer.Exit(2) from None
        except BrokenPipeError:
            raise  # nobody reads on: lsn … | head
        except OSError as error:
            _tell(_refused(error), debugging(ctx))
            _drop_output()
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _interrupted()
            raise typer.Exit(130) from None
        except Exception as error:
            # What fails while an interrupted library cleans up is no error of its own.
            if not _in_the_wake_of_an_interrupt(error) or debugging(ctx):
                raise
            _interrupted()
            raise typer.Exit(130) from None


class LsnCommand(TyperCommand):
    """Says of a wrong value that nobody typed where it comes from: the configuration, or the environment."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LsnError as error:
            for parameter in self.params:
                if origin := _origin(ctx, parameter):
                    _blame(error, parameter, ctx.params.get(parameter.name), origin)
            raise


def _origin(ctx: Any, parameter: Any) -> str | None:
    """Where the parameter's value comes from, if from neither the command line nor its own default."""
    from lsncli.cli.config import find_config

    source = ctx.get_parameter_source(parameter.name)
    name = "" if source is None else source.name
    variable = parameter.envvar if isinstance(parameter.envvar, str) else f"LSN_{parameter.name.upper()}"
    if name == "ENVIRONMENT" or (name == "DEFAULT_MAP" and os.environ.get(variable)):
        return f"{variable}, a variable of the environment"
    found = find_config() if name == "DEFAULT_MAP" else None
    return None if found is None else f"{found[0]}, {parameter.name}"


def _blame(error: LsnError, parameter: Any, value: Any, origin: str) -> None:
    """Let ``error``, if it is about the parameter, name the ``origin`` of its value."""
    for option in parameter.opts:
        named = error.where is not None and re.match(rf"{re.escape(option)}(?![\w-])", error.where)
        if named or (error.where is None and f"{option} {value!r}" in error.what):
            error.where = origin
    if parameter.name == "profile" and f"profile {value!r}" in error.what:
        error.where = origin


def debugging(ctx: Any = None) -> bool:
    """Whether ``--debug`` (or LSN_DEBUG) asks for tracebacks."""
    asked = ctx is not None and ctx.params.get("debug")
    return bool(asked) or os.environ.get("LSN_DEBUG", "") not in ("", "0")


def _tell(error: LsnError, with_traceback: bool) -> None:
    from lsncli.cli.output import print_error

    if with_traceback:
        import traceback

        sys.stderr.write("".join(traceback.format_exception(error)))
    print_error(error)


def _refused(error: OSError) -> LsnError:
    """What the system would not do, and where; most often a disk that is full, or a folder that is gone."""
    place = error.filename if error.filename is not None else None
    return LsnError(
        f"the system refuses: {error.strerror or error}",
        where=str(place) if place is not None else None,
        next="make room, or see whether the folder is still there; lsn --debug … tells where in lsn it happened",
    )


def _drop_output() -> None:
    """Let what could not be written go, else Python tries again at its end, and says so in its own way."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _in_the_wake_of_an_interrupt(error: BaseException) -> bool:
    before = None if error.__suppress_context__ else error.__context__
    return isinstance(before, KeyboardInterrupt) or (before is not None and _in_the_wake_of_an_interrupt(before))


def _interrupted() -> None:
    with suppress(OSError):
        sys.stderr.write("interrupted\n")


def build_app() -> typer.Typer:
    """The application with every command of ours and of the installed plugins."""
    app = typer.Typer(
        name="lsn",
        cls=LsnGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in COMMANDS:
        app.command(name, cls=LsnCommand)(import_module(f"lsncli.cli.{name}").command)
    for name in GROUPS:
        group = import_module(f"lsncli.cli.{name}").app
        for declared in group.registered_commands:
            declared.cls = LsnCommand
        app.add_typer(group, name=name)
    _add_plugin_commands(app)
    return app


def _version(asked: bool) -> None:
    if asked:
        from lsncli import __version__

        typer.echo(f"lsn {__version__}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Learning with noisy labels: which loss copes with this noise, and how sure are we?"""
    from lsncli.cli.config import commands_by_option, load_defaults

    ctx.default_map = load_defaults(commands_by_option(ctx.command))


def _add_plugin_commands(app: typer.Typer) -> None:
    """Let plugins add commands; only then is the registry needed before a command runs."""
    from lsncli.hookspecs import ENTRY_POINT_GROUP

    if not metadata.entry_points(group=ENTRY_POINT_GROUP):
        return
    from lsncli.registry import registry

    registry().call_commands(app)


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        # The α of a recipe must not end a program whose output goes to a stream that cannot write it; in UTF-8
        # that is only the undecodable byte of a file's name.
        if hasattr(stream, "reconfigure"):
            utf = str(stream.encoding).lower().startswith("utf")
            stream.reconfigure(errors="backslashreplace" if utf else "replace")
    try:
        app = build_app()
    except KeyboardInterrupt:
        _interrupted()
        sys.exit(130)
    except LsnError as error:  # with LSN_STRICT_PLUGINS, a plugin that does not load
        _tell(error, debugging() or "--debug" in sys.argv[1:2])
        sys.exit(2)
    app()
