"""``lsn run`` of figures that are computed: what the options change about them, and keeping their numbers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsncli.recipe.documents import Computed, Documents
    from lsncli.recipe.loading import Overrides
    from lsncli.store import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """A computation under the options of the command. parameters: as overrides that hold them as settings."""

    computed: Computed
    overrides: Overrides
    parameters: Overrides


def computations_of(documents: Documents, overrides: Overrides) -> list[Asked]:
    """The computations of ``documents`` under ``overrides``; raises :class:`LsnError` for an option without a use.

    Beside recipes that train, only the profile is meant for computations: the recipes have refused what is of no
    use to them, and a computation is the same in all profiles that it does not name.
    """
    if not documents.computations:
        # Most commands: figures, and what computes them, are slow to import.
        return []
    from lsncli.recipe.loading import Overrides
    from lsncli.report.figures.computed import figure_parameters

    if documents.recipes:
        overrides = Overrides(profile=overrides.profile)
    asked = []
    for computed in documents.computations:
        document = computed.document
        if not documents.recipes:
            document.check_profile(overrides.profile, computed.source.name)
        parameters = document.parameters(overrides.profile, overrides.settings)
        one = Asked(computed, overrides, replace(overrides, settings=tuple(parameters.items())))
        figure_parameters(document.figure, one.parameters)
        asked.append(one)
    return asked


def compute(asked: Sequence[Asked], store: Store, db: str) -> None:
    """Compute the figures, keep their numbers in the database ``db``, and say how each is drawn."""
    if not asked:
        return
    from lsncli.cli.output import say
    from lsncli.report.figures.computed import computed_figure

    for one in asked:
        number = one.computed.document.figure
        computed_figure(number, one.parameters, store, store.record_computation)
        say(f"figure {number} is computed and stored: {_drawing(one, db)} draws it", err=True)


def _drawing(one: Asked, db: str) -> str:
    """The command that draws the figure from the numbers that were kept."""
    from lsncli.cli.database import repeated_options
    from lsncli.recipe.loading import setting_text
    from lsncli.report.filling import is_shipped, recipe_word

    name, profile = one.computed.source.name, one.overrides.profile
    words = ["lsn", "report", *([] if is_shipped(name) else [recipe_word(name)])]
    words += ["--figure", str(one.computed.document.figure)]
    if profile in one.computed.document.profiles:
        words += ["--profile", str(profile)]
    for key, value in one.overrides.settings:
        words += ["--set", f"{key}={setting_text(value)}"]
    return shlex.join([*words, *repeated_options(db, None)])
