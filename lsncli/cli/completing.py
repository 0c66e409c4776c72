"""What the shell may complete an argument with: recipes, profiles, components, data sets, run keys.

Only on the Tab key is anything looked up, and nothing that goes wrong there is told: a shell that completes nothing
is better than one with an error message in the middle of a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import typer

from lsncli.cli.options import DEFAULT_DATABASE

#: A word, and what zsh and fish show beside it.
Choice = tuple[str, str]
Parameters = ParamSpec("Parameters")
#: So much of a key tells runs apart.
KEY_LENGTH = 10


def _silently(complete: Callable[Parameters, Iterable[Choice]]) -> Callable[Parameters, list[Choice]]:
    @wraps(complete)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> list[Choice]:
        try:
            return list(complete(*args, **kwargs))
        except Exception:  # noqa: BLE001 - whatever it is: see above
            return []

    return wrapped


def _beginning(words: Iterable[Choice], incomplete: str) -> list[Choice]:
    return [(word, about) for word, about in words if word.startswith(incomplete)]


@_silently
def recipes(incomplete: str) -> Iterable[Choice]:
    """Shipped recipes by name, and TOML files from here on."""
    return [*shipped(incomplete), *_files(incomplete)]


def _files(incomplete: str) -> list[Choice]:
    typed = Path(incomplete)
    folder, beginning = (typed, "") if incomplete.endswith("/") else (typed.parent, typed.name)
    found = [f for f in sorted(folder.glob("*")) if f.name.startswith(beginning) and not f.name.startswith(".")]
    return [(str(f), "recipe file") for f in found if f.suffix == ".toml" and f.is_file()]


@_silently
def shipped(incomplete: str) -> Iterable[Choice]:
    """Shipped recipes by name, with their titles."""
    import tomli

    from lsncli.recipe.loading import shipped_recipes

    named = _beginning(((name, "") for name in shipped_recipes()), incomplete)
    texts = {name: shipped_recipes()[name].read_text(encoding="utf-8") for name, _ in named}
    return [(name, str(tomli.loads(text).get("title", ""))) for name, text in texts.items()]


@_silently
def profiles(ctx: typer.Context, incomplete: str) -> Iterable[Choice]:
    """The profiles of the recipes that the line names, or the common ones."""
    from lsncli.recipe.documents import gather
    from lsncli.recipe.loading import load, shipped_recipes

    known = shipped_recipes()
    # What stands before an option without its value has not been given a meaning yet, and is in args.
    given = [word for word in ctx.args if word in known or word.endswith(".toml")]
    names = {"paper", "quick", "smoke"}
    if given:
        names = {profile for recipe in gather(given).recipes for profile in load(recipe).available_profiles()}
    return _beginning(((name, "") for name in sorted(names)), incomplete)


def _of_kind(kind: str) -> Callable[[str], list[Choice]]:
    @_silently
    def complete(incomplete: str) -> Iterable[Choice]:
        from lsncli.registry import registry

        return _beginning(((r.info.name, r.info.summary) for r in registry().all(kind)), incomplete)

    return complete


losses = _of_kind("loss")
executors = _of_kind("executor")
devices = _of_kind("backend")
report_formats = _of_kind("report format")


@_silently
def subjects(ctx: typer.Context, incomplete: str) -> Iterable[Choice]:
    """What a battery can be about: losses, noise models and architectures, or what the line says by ``--kind``."""
    from lsncli.battery.kinds import KINDS
    from lsncli.registry import registry

    word = ctx.params.get("kind")
    kinds = [kind for kind in KINDS if word in (None, kind.word)]
    named = {(kind.component, name) for kind in kinds for name in kind.subjects(registry())}
    infos = (registered.info for registered in registry().all())
    found = [(i.name, f"{i.kind}: {i.summary}") for i in infos if (i.kind, i.name) in named]
    return _beginning(found, incomplete)


@_silently
def subject_kinds(incomplete: str) -> Iterable[Choice]:
    """The words of ``lsn battery --kind``."""
    from lsncli.battery.kinds import KINDS

    return _beginning(((kind.word, kind.component) for kind in KINDS), incomplete)


@_silently
def kinds(incomplete: str) -> Iterable[Choice]:
    """The kinds of components."""
    from lsncli.registry import KINDS

    return _beginning(((kind, "") for kind in KINDS), incomplete)


@_silently
def components(incomplete: str) -> Iterable[Choice]:
    """Components of every kind."""
    from lsncli.registry import registry

    return _beginning(((r.info.name, f"{r.info.kind}: {r.info.summary}") for r in registry().all()), incomplete)


@_silently
def data_sets(ctx: typer.Context, incomplete: str) -> Iterable[Choice]:
    """Data sets, registered and prepared; behind ``NAME=`` those that may take its place."""
    from lsncli.data.catalogue import known
    from lsncli.data.context import default_data_dir

    name, equals, beginning = incomplete.rpartition("=")
    found = known(ctx.params.get("data_dir") or default_data_dir())
    return [
        (f"{name}{equals}{data.name}", data.origin)
        for data in found
        if data.name.startswith(beginning) and data.name != name
    ]


@_silently
def run_keys(ctx: typer.Context, incomplete: str) -> Iterable[Choice]:
    """The keys of the stored runs, those begun last first, with what was trained."""
    from lsncli.store import Store
    from lsncli.store.description import components

    with Store.open(str(ctx.params.get("db") or DEFAULT_DATABASE), read_only=True) as store:
        found = [record for record in store.runs(None) if record.key.startswith(incomplete)]
    length = max(KEY_LENGTH, len(incomplete))
    return [
        (r.key[:length], " · ".join([*components(r.spec).values(), f"seed {r.spec.get('seed')}"])) for r in found
    ]


@_silently
def precisions(incomplete: str) -> Iterable[Choice]:
    """The precisions that runs are trained in."""
    return _beginning((("fp32", "single precision"), ("bf16", "mixed with bfloat16")), incomplete)
