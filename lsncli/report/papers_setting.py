"""Tells whose numbers may be held against the paper's: runs that the shipped recipe of its table plans, too."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe, Overrides, Source, parse, shipped_recipes
from lsncli.recipe.resolve import ResolvedVariant, resolve
from lsncli.registry import Registry
from lsncli.report.shipped import recipe_of_table


class PapersSetting:
    """The runs of the paper's table ``number``, for the seeds and the replaced data sets of ``loaded``."""

    def __init__(self, number: int, loaded: LoadedRecipe, components: Registry | None = None) -> None:
        self.recipe = recipe_of_table(number)
        self._loaded = loaded
        self._components = components

    def has(self, variant: ResolvedVariant) -> bool:
        """Whether the numbers shown of ``variant`` are of such runs, at the last evaluation, as the paper's are.

        A data set that stands in for another does not count as a difference: that is told by itself.
        """
        ends = (variant.specs[0], variant.specs[-1])
        return self._loaded.recipe.report.which == "last" and all(spec.key in self._keys for spec in ends)

    @cached_property
    def _keys(self) -> frozenset[str]:
        # Two seeds are enough: one that is fixed, of the noise or the teacher, can agree with one of them at most.
        seeds = self._loaded.recipe.seeds
        overrides = Overrides(
            profile=DEFAULT_PROFILE,
            settings=(("seeds", list(dict.fromkeys((seeds[0], seeds[-1])))),),
            data=self._loaded.overrides.data,
            shared=True,
        )
        text = shipped_recipes()[self.recipe].read_text(encoding="utf-8")
        source = Source(f"{self.recipe}.toml (shipped)", text, Path.cwd())
        return frozenset(
            spec.key for spec in resolve(parse(source, overrides), components=self._components).specs()
        )
