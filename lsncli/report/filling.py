"""The command that trains the runs a report misses, as one would type it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe, setting_text
from lsncli.recipe.resolve import used_data

_SHIPPED = ".toml (shipped)"


#: How a run can have ended for which training again changes nothing by itself.
_ENDED = frozenset({"done", "diverged"})


def fill_command(loaded: LoadedRecipe, statuses: Iterable[str | None], extra: Sequence[str] = ()) -> str | None:
    """:func:`command_for`, for runs in these ``statuses`` (None: unknown); None where it would train nothing."""
    lacking = set(statuses) - _ENDED
    return command_for(loaded, [*retry_words(lacking), *extra]) if lacking else None


def retry_words(statuses: Iterable[str | None]) -> list[str]:
    """The option without which runs that have failed are left so, where there are any."""
    return ["--retry-failed"] if "failed" in statuses else []


def command_for(loaded: LoadedRecipe, extra: Sequence[str] = ()) -> str:
    """``lsn run …`` with the recipe, profile and overrides of ``loaded``, and ``extra`` words.

    Where several recipes are changed alike, it has of ``--data`` what this one uses: alone it refuses the rest.
    """
    overrides = loaded.overrides
    words = ["lsn", "run", recipe_word(loaded.source.name)]
    if loaded.profile != DEFAULT_PROFILE:
        words += ["--profile", loaded.profile]
    for option, settings in (("--set", overrides.settings), ("--only", overrides.only)):
        for key, value in settings:
            words += [option, f"{key}={setting_text(value)}"]
    used = used_data(loaded) if overrides.shared else set(overrides.data or {})
    for name, other in (overrides.data or {}).items():
        words += ["--data", f"{name}={other}"] if name in used else []
    if overrides.seeds is not None:
        words += ["--seeds", str(overrides.seeds)]
    return shlex.join([*words, *extra])


def recipe_word(source_name: str) -> str:
    """How a recipe is named on the command line: a path, or the short name of a shipped one."""
    return source_name.removesuffix(_SHIPPED)


def is_shipped(source_name: str) -> bool:
    """Whether a recipe comes with lsn, by the name of its source."""
    return source_name.endswith(_SHIPPED)
