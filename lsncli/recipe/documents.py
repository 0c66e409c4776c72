"""Recipe files that train nothing themselves: collections of recipes, and figures that are computed.

A collection lists other recipes; a computation names a figure of the paper that needs no training and its
parameters. Both have the extension of a recipe and are given to the same commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from lsncli.errors import LsnError, UnknownNameError
from lsncli.parameters import explain
from lsncli.recipe.loading import Source, is_file, profile_names, read_source
from lsncli.recipe.schema import PROFILE_ORDER
from lsncli.recipe.toml_text import UnreadableTomlError, read_toml


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Collection(_Closed):
    """Recipes that belong together."""

    title: str = Field(description="What they are together.")
    description: str = Field("", description="More words on it.")
    include: list[str] = Field(min_length=1, description="Recipe files beside this one, or shipped recipes.")


class Computation(_Closed):
    """A figure of the paper that is computed, with its parameters."""

    title: str = Field(description="What is shown.")
    description: str = Field("", description="More words on it.")
    figure: PositiveInt = Field(description="The paper's figure.")
    computation: dict[str, Any] = Field(description="The figure's parameters.")
    profiles: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Parameters by profile; a computation is the same in all that say nothing.",
    )

    def parameters(self, profile: str | None, settings: Iterable[tuple[str, Any]] = ()) -> dict[str, Any]:
        """The parameters under a profile, changed by ``settings`` as ``--set`` gives them."""
        said = self.profiles.get(profile or "paper", {}).get("computation", {})
        return {**self.computation, **said, **{key.removeprefix("computation."): v for key, v in settings}}

    def check_profile(self, profile: str | None, where: str) -> None:
        """Raise :class:`LsnError` for a profile that is neither one of every recipe's nor one of this file's."""
        valid = profile_names({**dict.fromkeys(PROFILE_ORDER), **self.profiles})
        if profile is not None and profile not in valid:
            raise UnknownNameError.of("profile", profile, valid, where=where)


@dataclass(frozen=True, slots=True)
class Computed:
    """A computation, and the file that it was read from."""

    source: Source
    document: Computation


@dataclass(slots=True)
class Documents:
    """What a list of names comes to: recipes that train, and computations; each once, in order."""

    recipes: list[str] = field(default_factory=list)
    computations: list[Computed] = field(default_factory=list)


def document_of(source: Source) -> Collection | Computation | None:
    """The document of ``source`` if it is no ordinary recipe; raises :class:`LsnError` for a wrong one."""
    try:
        raw = read_toml(source.text)
    except UnreadableTomlError:
        return None  # loading it as a recipe says what is wrong
    model = Collection if "include" in raw else Computation if "computation" in raw else None
    if model is None:
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise LsnError(explain(error), where=source.place(key), valid=model.model_fields) from None


def gather(names: Sequence[str]) -> Documents:
    """Follow collections down to the recipes and computations in them."""
    found = Documents()
    for name in names:
        _follow(name, found, ())
    found.recipes = list(dict.fromkeys(found.recipes))
    return found


def _follow(name: str, found: Documents, through: tuple[str, ...]) -> None:
    if name in through:
        raise LsnError(f"collection {name!r} includes itself", where=" → ".join((*through, name)))
    source = read_source(name)
    document = document_of(source)
    if document is None:
        found.recipes.append(name)
    elif isinstance(document, Computation):
        if all(document != other.document for other in found.computations):
            found.computations.append(Computed(source, document))
    else:
        for inner in document.include:
            beside = source.folder / inner
            _follow(str(beside) if is_file(beside) else inner, found, (*through, name))
