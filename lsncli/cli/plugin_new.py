"""``lsn plugins new``: the package of a new plugin, ready to install, check and run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class NewKind(StrEnum):
    """The kinds of components that a package can be written for."""

    loss = "loss"
    noise = "noise"
    architecture = "architecture"
    backend = "backend"
    dataset = "dataset"
    estimator = "estimator"


def new(
    name: Annotated[str, typer.Argument(help="Name of the component, as recipes will call it: my-loss.")],
    kind: Annotated[NewKind, typer.Option("--kind", help="What the plugin brings.")] = NewKind.loss,
    into: Annotated[
        Path | None, typer.Option("--into", help="Folder to write to.", show_default="this one")
    ] = None,
) -> None:
    """Write a complete plugin package, lsn-NAME: module, tests, README and recipe, all of which work."""
    from lsncli.cli.output import stdout
    from lsncli.registry import registry
    from lsncli.scaffold.names import KINDS, plugin_names, refuse_taken
    from lsncli.scaffold.writing import write_plugin

    names = plugin_names(name)
    refuse_taken(names, KINDS[kind][0], registry())
    parent = into or Path()
    files = write_plugin(names, kind, parent)
    folder = parent / names.distribution
    device = f" --device {names.component}" if kind is NewKind.backend else ""
    say = stdout().print
    say(f"wrote {folder}, a package with the {KINDS[kind][0]} {names.component!r}:", markup=False)
    for file in files:
        say(f"  {file}", markup=False)
    part = f"{names.module}/{KINDS[kind][1]}.py"
    say("\nnext:", markup=False)
    steps = (
        (f"cd {folder}", ""),
        ("uv pip install -e .", "in the environment of lsn, which then knows it"),
        (f"lsn plugins check {names.distribution}", "what lsn relies on, checked"),
        (
            f"lsn run recipes/{names.component}.toml --profile smoke{device}",
            "seconds; then without --profile",
        ),
        ("pytest", "the tests (uv pip install pytest)"),
    )
    for step, what in steps:
        say(f"  {step:<{max(len(s) for s, _ in steps)}}  {'# ' + what if what else ''}".rstrip(), markup=False)
    say(f"\nThen make it yours: {part} computes, {names.module}/plugin.py says what it is.", markup=False)
    say(
        "Where its results change, raise revision there: stored runs of the old code are kept apart by it.",
        markup=False,
    )
