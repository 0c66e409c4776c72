"""Options that choose and change what a recipe compares, shared by ``run``, ``plan`` and ``report``.

The three commands must read them alike: a report finds its runs by expanding the recipe as the run did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.recipe.loading import Overrides

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        envvar="LSN_PROFILE",
        autocompletion=completing.profiles,
        help="A profile of the recipe: paper, quick, smoke, or one of its own.",
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the recipe (repeatable): train.steps=500, loss.alpha=[0.1,0.2].",
    ),
]

OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="KEY=VALUE",
        help="Keep the part of the sweep with this value: label=LS, model.name=resnet32. Repeatable: another value"
        " of one key is kept too, another key narrows further.",
    ),
]

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="NAME=OTHER",
        help="Use data set OTHER wherever the recipe says NAME (repeatable).",
        autocompletion=completing.data_sets,
    ),
]

SeedsOption = Annotated[
    int | None,
    typer.Option(
        "--seeds", metavar="N", help="N seeds: the recipe's first ones; the next unused numbers where it has fewer."
    ),
]


def overrides_from(
    profile: str | None = None,
    settings: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    data: Sequence[str] | None = None,
    seeds: int | None = None,
) -> Overrides:
    """The :class:`~lsncli.recipe.loading.Overrides` that the options ask for.

    Raises :class:`LsnError` where one of them is not of its form, or ``--data`` contradicts itself.
    """
    from lsncli.recipe.loading import Overrides, parse_setting

    return Overrides(
        profile=profile,
        settings=tuple(parse_setting(text) for text in settings or ()),
        only=tuple(parse_setting(_with_equals(text, "--only", "KEY=VALUE")) for text in only or ()),
        data=_replacements(data or ()) or None,
        seeds=seeds,
    )


def _replacements(texts: Sequence[str]) -> dict[str, str]:
    replaced: dict[str, str] = {}
    for text in texts:
        name, _, other = (part.strip() for part in _with_equals(text, "--data", "NAME=OTHER").partition("="))
        if not other:
            raise LsnError(
                f"--data {text!r}: the data set to use instead of {name!r} is missing",
                valid="NAME=OTHER, for example --data cifar10=cifar10-jpeg",
            )
        if name == other:
            raise LsnError(
                f"--data {text!r}: {name!r} would stand in for itself",
                next="leave the option out, or name another data set (lsn data list)",
            )
        if replaced.setdefault(name, other) != other:
            raise LsnError(
                f"--data: {name!r} is replaced twice, by {replaced[name]!r} and by {other!r}",
                next="make two reports (or runs), one with each",
            )
    return replaced


def _with_equals(text: str, option: str, form: str) -> str:
    name, equals, _ = text.partition("=")
    if not equals or not name.strip():
        example = "cifar10=cifar10-jpeg" if option == "--data" else "label=LS"
        raise LsnError(f"{option} {text!r}: {form} is expected", valid=f"for example {option} {example}")
    return text
