"""Builds the table of a recipe from its runs' metrics and the published numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsncli.recipe.expansion import value_at
from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe
from lsncli.recipe.resolve import ResolvedRecipe, ResolvedVariant
from lsncli.recipe.schema import SETTING_SECTIONS
from lsncli.registry import Registry
from lsncli.report import statistics
from lsncli.report.contents import contents_notes
from lsncli.report.filling import fill_command
from lsncli.report.footnotes import Footnotes
from lsncli.report.layout import Layout, layout_of, ordered
from lsncli.report.papers_setting import PapersSetting
from lsncli.report.published import PublishedTable, published_table
from lsncli.report.results import DONE, ENDED_BADLY, Found, Results, find_profile, find_results
from lsncli.report.table import Cell, Status, Table, place
from lsncli.report.wording import in_unit, unit_of

Metrics = Mapping[str, Mapping[str, float]]


def build_table(
    resolved: ResolvedRecipe,
    results: Results | None,
    *,
    components: Registry | None = None,
    run_options: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Table:
    """The report of a resolved recipe, under its own profile; ``results`` None is an empty database.

    run_options: words to add to the command that fills the missing cells (``--db …``). notes: footnotes on
    the whole table. Raises :class:`LsnError` for a layout that the recipe cannot have.
    """
    found = find_results(resolved, results, components=components)
    return _Builder(found, results, run_options, components).table(notes)


def build_report(
    loaded: LoadedRecipe,
    results: Results | None,
    *,
    components: Registry | None = None,
    run_options: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Table:
    """As :func:`build_table`, under the profile asked for or else the first one that has results."""
    found = find_profile(loaded, results, components=components)
    return _Builder(found, results, run_options, components).table(notes)


@dataclass(slots=True)
class _Builder:
    found: Found
    results: Results | None
    run_options: Sequence[str]
    components: Registry | None = None
    footnotes: Footnotes = field(default_factory=Footnotes)
    _departing: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def loaded(self) -> LoadedRecipe:
        return self.found.resolved.loaded

    def table(self, notes: Sequence[str]) -> Table:
        recipe, variants = self.loaded.recipe, self.found.resolved.variants
        layout = layout_of(self.found.resolved)
        metrics = tuple(dict.fromkeys(recipe.report.metrics))
        stored = self._stored(metrics)
        paper = published_table(recipe.table) if recipe.table is not None else None
        setting = PapersSetting(paper.number, self.loaded, self.components) if paper else None
        cells = _distinct(
            self._cell(variant, metric, layout, stored, paper, setting)
            for variant in variants
            for metric in metrics
        )
        shown = [cell for cell in cells if cell.paper]
        if setting and (departing := sum(cell.keys in self._departing for cell in shown)):
            where = f" in {departing} of {len(shown)} cells" if departing < len(shown) else ""
            self.footnotes.add(
                f"{self._departure(setting)}: not the paper's setting{where}. Its numbers are for orientation only,"
                " and differences from them are not marked."
            )
        if any(cell.differs is not None for cell in cells):
            self.footnotes.add_difference()
        mixed = contents_notes(self.found.resolved.specs(), self.found.statuses, self.results)
        for note in (*mixed, *notes):
            self.footnotes.add(note)
        return Table(
            title=recipe.title,
            profile=self.loaded.profile,
            row_keys=layout.rows,
            column_keys=layout.columns,
            rows=ordered((layout.row(v, m) for v in variants for m in metrics), layout.rows),
            columns=ordered((layout.column(v, m) for v in variants for m in metrics), layout.columns),
            cells=tuple(cells),
            metrics=metrics,
            footnotes=self.footnotes.all(),
            number=recipe.table,
            which=recipe.report.which,
            fill=fill_command(self.loaded, self._statuses(), self.run_options),
            source=paper.source if paper and shown else None,
        )

    def _stored(self, metrics: Sequence[str]) -> Metrics:
        done = [key for key, status in self.found.statuses.items() if status == DONE]
        if self.results is None or not done:
            return {}
        return self.results.values(done, metrics, which=self.loaded.recipe.report.which)

    def _cell(
        self,
        variant: ResolvedVariant,
        metric: str,
        layout: Layout,
        stored: Metrics,
        paper: PublishedTable | None,
        setting: PapersSetting | None,
    ) -> Cell:
        unit = unit_of(metric)
        keys = tuple(spec.key for spec in variant.specs)
        values = tuple(in_unit(stored[k][metric], unit) for k in keys if metric in stored.get(k, {}))
        mean, std = statistics.mean(values), statistics.sample_std(values)
        lookup = _settings_of(variant)
        coordinates = dict(variant.coordinates)
        if variant.replaced_data is not None and "data.name" in coordinates:
            coordinates["data.name"] = variant.replaced_data
        published = paper.find(coordinates, metric, lookup) if paper else None
        papers = setting is not None and setting.has(variant)
        if not papers:
            self._departing.add(keys)
        comparable = papers and variant.replaced_data is None
        notes = paper.notes_on(coordinates, metric, lookup) if paper and published else []
        return Cell(
            row=layout.row(variant, metric).coordinates,
            column=layout.column(variant, metric).coordinates,
            metric=metric,
            unit=unit,
            values=values,
            keys=keys,
            mean=mean,
            std=std,
            n=len(values),
            paper=published,
            status=_status(len(values), len(keys)),
            stand_in=variant.replaced_data,
            failed=sum(self.found.statuses.get(key) in ENDED_BADLY for key in keys),
            differs=statistics.differs(mean, std, len(values), published) if comparable else None,
            marks=self._marks(variant, keys, metric, stored, notes),
        )

    def _marks(
        self, variant: ResolvedVariant, keys: Sequence[str], metric: str, stored: Metrics, notes: Sequence[str]
    ) -> tuple[str, ...]:
        stand_in = self.found.stand_in(variant)
        marks = [self.footnotes.mark(stand_in)] if stand_in else []
        ended = Counter(self.found.statuses.get(key, "") for key in keys)
        marks += [
            self.footnotes.mark(f"{ended[status]} of {len(keys)} runs {status}; counted as not there.")
            for status in sorted(ENDED_BADLY & set(ended))
        ]
        lacking = sum(self.found.statuses.get(k) == DONE and metric not in stored.get(k, {}) for k in keys)
        if lacking:
            marks.append(
                self.footnotes.mark(
                    f"{lacking} of {len(keys)} runs finished without the metric {metric}: not known by that name,"
                    " or the data has no known true labels."
                )
            )
        marks += [self.footnotes.mark(note) for note in notes]
        return tuple(sorted(marks, key=int))

    def _statuses(self) -> list[str | None]:
        return [self.found.statuses.get(spec.key) for spec in self.found.resolved.specs()]

    def _changed(self) -> list[str]:
        """The settings that ``--set`` changed; choosing among swept values only narrows the table."""
        recipe = self.loaded.recipe
        return [
            key
            for key, _ in self.loaded.overrides.settings
            if key.partition(".")[0] in SETTING_SECTIONS and key not in recipe.sweep
        ]

    def _departure(self, setting: PapersSetting) -> str:
        """What sets the runs apart from the paper's, as the user would name it."""
        said = []
        if self.loaded.profile != DEFAULT_PROFILE:
            said.append(f"profile {self.loaded.profile}")
        if changed := self._changed():
            said.append(f"changed by --set: {', '.join(dict.fromkeys(changed))}")
        if self.loaded.recipe.report.which == "best":
            said.append("best evaluations, where the paper has the last ones")
        words = ", ".join(said or [f"other runs than those of the recipe {setting.recipe}"])
        return f"{words[:1].upper()}{words[1:]}"


def _status(n: int, expected: int) -> Status:
    return "complete" if n == expected else "partial" if n else "missing"


def _distinct(cells: Iterable[Cell]) -> list[Cell]:
    """Equal combinations of a sweep (the layout has made sure that they are the same runs) give one cell."""
    return list({(place(c.row, c.column, c.metric), c.keys): c for c in cells}.values())


def _settings_of(variant: ResolvedVariant) -> Callable[[str], Any]:
    """The value of a dotted setting, as the paper would name it: a replaced data set by its own name."""
    spec = variant.specs[0]
    names = {
        "data.name": variant.replaced_data or spec.data.name,
        "noise.name": spec.noise.name,
        "model.name": spec.model.name,
        "loss.name": spec.loss.name,
    }
    return lambda key: names[key] if key in names else value_at(variant.settings, key)
