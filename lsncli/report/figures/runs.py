"""The runs behind a figure: their numbers and arrays, what is missing, and which data sets stand in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from lsncli.errors import LsnError
from lsncli.recipe.expansion import value_at
from lsncli.recipe.resolve import ResolvedVariant
from lsncli.registry import Registry
from lsncli.report import statistics
from lsncli.report.contents import contents_notes
from lsncli.report.filling import fill_command
from lsncli.report.papers_setting import PapersSetting
from lsncli.report.published import PublishedTable
from lsncli.report.results import DONE, ENDED_BADLY, Found, Results
from lsncli.report.table import Cell, Coordinates, Published
from lsncli.report.wording import in_unit, unit_of
from lsncli.store.description import words

_BASELINE = "Baseline"


class FigureResults(Results, Protocol):
    """Where runs, metrics and arrays are read from; :class:`lsncli.store.Store` is one."""

    def get_array(self, key: str, name: str) -> npt.NDArray[Any]:
        """The last array of that name; raises :class:`LsnError` where the run has none."""
        ...


@dataclass(slots=True)
class FigureRuns:
    """The variants of a recipe under the profile that is shown; remembers whom it was asked for.

    aliases: what the paper's table calls the labels of the figure. data_dir: the folder of the prepared data sets.
    """

    found: Found
    results: FigureResults | None
    run_options: Sequence[str] = ()
    paper: PublishedTable | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    components: Registry | None = None
    data_dir: Path | None = None
    _used: dict[str, None] = field(default_factory=dict)
    _lacking: Counter[str] = field(default_factory=Counter)
    _metrics: dict[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    @property
    def variants(self) -> tuple[ResolvedVariant, ...]:
        """All combinations of the recipe."""
        return self.found.resolved.variants

    def metric(self, variant: ResolvedVariant, metric: str, row: Coordinates, column: Coordinates) -> Cell:
        """The mean of a metric over the variant's runs, beside the published number."""
        keys = self._use(variant)
        unit = unit_of(metric)
        stored = self._stored(metric)
        values = tuple(in_unit(stored[key][metric], unit) for key in keys if metric in stored.get(key, {}))
        self._lacking[metric] += sum(self._done(key) and metric not in stored.get(key, {}) for key in keys)
        return Cell(
            row=row,
            column=column,
            metric=metric,
            unit=unit,
            values=values,
            keys=keys,
            mean=statistics.mean(values),
            std=statistics.sample_std(values),
            n=len(values),
            paper=self._published(variant, metric),
            status="complete" if len(values) == len(keys) else "partial" if values else "missing",
            stand_in=variant.replaced_data,
            failed=sum(self.found.statuses.get(key) in ENDED_BADLY for key in keys),
        )

    def arrays(self, variant: ResolvedVariant, name: str, *, optional: bool = False) -> dict[str, npt.NDArray[Any]]:
        """An array of each of the variant's finished runs that stored it, by run key.

        A finished run without it is told of in the notes, unless it is ``optional``.
        """
        read: dict[str, npt.NDArray[Any]] = {}
        for key in self._use(variant):
            if self.results is None or not self._done(key):
                continue
            try:
                read[key] = self.results.get_array(key, name)
            except LsnError:
                self._lacking[name] += not optional
        return read

    def notes(self) -> list[str]:
        """What is missing and how to fill it, what stands in, what ended badly; one sentence or two each."""
        notes = []
        statuses = Counter(self.found.statuses.get(key, "") for key in self._used)
        missing = len(self._used) - statuses[DONE]
        if missing:
            ended = ", ".join(f"{statuses[s]} {s}" for s in sorted(ENDED_BADLY) if statuses[s])
            fill = self.fill()
            notes.append(
                f"Missing: {missing} of {len(self._used)} runs{f' ({ended})' if ended else ''}."
                + (f" To train them: {fill}" if fill else "")
            )
        for name, count in self._lacking.items():
            if count:
                notes.append(
                    f"{count} finished run{'s' if count > 1 else ''} without {name}: trained by an older lsn, or"
                    " the data has no known true labels."
                )
        used = [variant for variant in self.variants if variant.specs[0].key in self._used]
        notes += dict.fromkeys(note for variant in used if (note := self.found.stand_in(variant)))
        specs = [spec for variant in used for spec in variant.specs]
        return [*notes, *contents_notes(specs, self.found.statuses, self.results)]

    def fill(self) -> str | None:
        """The command that trains what is missing; None where nothing is, or training would not help."""
        statuses = [self.found.statuses.get(key) for key in self._used]
        return fill_command(self.found.resolved.loaded, statuses, self.run_options)

    def is_papers_setting(self, metric: str) -> bool:
        """Whether published numbers of ``metric`` may stand beside ours: none of them is of another setting.

        Whether a data set stands in for the paper's is told by the cells.
        """
        if self.paper is None:
            return False
        setting = PapersSetting(self.paper.number, self.found.resolved.loaded, self.components)
        published = [variant for variant in self.variants if self._published(variant, metric) is not None]
        return bool(published) and all(map(setting.has, published))

    def setting(self) -> str:
        """Data, model and noise, as far as they are the same in all runs that were asked for."""
        specs = [variant.specs[0] for variant in self.variants if variant.specs[0].key in self._used]
        parts = []
        for part in ("data", "model", "noise"):
            said = {words(getattr(spec, part).model_dump(mode="json", exclude_defaults=True)) for spec in specs}
            if len(said) == 1:
                parts.append(f"{part} {said.pop()}")
        text = ", ".join(parts)
        return f"{text[:1].upper()}{text[1:]}." if text else ""

    def _use(self, variant: ResolvedVariant) -> tuple[str, ...]:
        keys = tuple(spec.key for spec in variant.specs)
        self._used.update(dict.fromkeys(keys))
        return keys

    def _done(self, key: str) -> bool:
        return self.found.statuses.get(key) == DONE

    def _stored(self, metric: str) -> Mapping[str, Mapping[str, float]]:
        if metric not in self._metrics:
            done = [key for key in self.found.statuses if self._done(key)]
            which = self.found.resolved.loaded.recipe.report.which
            found = self.results.values(done, [metric], which=which) if self.results and done else {}
            self._metrics[metric] = found
        return self._metrics[metric]

    def _published(self, variant: ResolvedVariant, metric: str) -> Published | None:
        if self.paper is None:
            return None
        coordinates = dict(variant.coordinates)
        if variant.replaced_data is not None and "data.name" in coordinates:
            coordinates["data.name"] = variant.replaced_data
        spec = variant.specs[0]
        if "label" in coordinates:
            label = self.aliases.get(coordinates["label"], coordinates["label"])
            # Whatever the line that begins there: training with the plain loss is the paper's baseline.
            coordinates["label"] = _BASELINE if spec.loss.name == "standard" else label
        names = {
            "data.name": variant.replaced_data or spec.data.name,
            "noise.name": spec.noise.name,
            "model.name": spec.model.name,
            "loss.name": spec.loss.name,
        }
        return self.paper.find(
            coordinates, metric, lambda key: names[key] if key in names else value_at(variant.settings, key)
        )
