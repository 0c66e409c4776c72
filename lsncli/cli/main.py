"""The ``lsn`` application: assembles the nouns, reads the configuration, turns errors into messages."""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lsncli.cli.last_resorts import drop_output, in_the_wake_of_an_interrupt, refused, say_interrupted
from lsncli.cli.origins import LsnCommand
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
            _tell(refused(error), debugging(ctx))
            drop_output()
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            say_interrupted()
            raise typer.Exit(130) from None
        except Exception as error:
            # What fails while an interrupted library cleans up is no error of its own.
            if not in_the_wake_of_an_interrupt(error) or debugging(ctx):
                raise
            say_interrupted()
            raise typer.Exit(130) from None


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
        say_interrupted()
        sys.exit(130)
    except LsnError as error:  # with LSN_STRICT_PLUGINS, a plugin that does not load
        _tell(error, debugging() or "--debug" in sys.argv[1:2])
        sys.exit(2)
    app()
