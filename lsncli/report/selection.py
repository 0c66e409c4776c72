"""What is chosen on a validation split, and what the choice is worth.

Nobody who has noisy labels alone can see the test accuracy of every α. They can hold out training examples and
take the α that predicts the noisy labels of these best. Where a recipe's test labels are clean, as in an
experiment, this says what that choice comes to beside the best and the worst one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsncli.errors import LsnError
from lsncli.recipe.resolve import ResolvedVariant
from lsncli.report import statistics
from lsncli.report.claims.inference import CONFIDENCE, FEWEST_PAIRS, difference, paired
from lsncli.report.contents import contents_notes
from lsncli.report.filling import fill_command
from lsncli.report.results import DIVERGED, DONE, Found, Results
from lsncli.report.table import identity

CHOSEN_BY, WORTH = "validation_accuracy", "test_accuracy"
#: What is chosen where nobody says otherwise.
DEFAULT_OVER = ("loss.alpha",)
#: Means no further apart than this are equal, but for rounding: one example of a million at one of a thousand seeds
#: makes more.
_EQUAL = 1e-10


@dataclass(frozen=True, slots=True)
class Option:
    """One value of what is chosen. by_seed: seed → validation and test accuracy, fractions, of a run done.

    diverged: the seeds whose run diverged. planned: how many runs of it the recipe has.
    """

    value: Mapping[str, Any]
    by_seed: Mapping[int, tuple[float, float]]
    diverged: tuple[int, ...] = ()
    planned: int = 0

    def validation(self, seeds: Sequence[int]) -> float:
        """The mean validation accuracy over ``seeds``."""
        return statistics.mean([self.by_seed[seed][0] for seed in seeds]) or 0.0

    def test(self, seeds: Sequence[int]) -> list[float]:
        """The test accuracy of each of ``seeds``."""
        return [self.by_seed[seed][1] for seed in seeds]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in one setting, by the mean validation accuracy over the seeds that all options have.

    Of equals it is the first in the order of the sweep. place: the setting, swept key → value. best, worst: by mean
    test accuracy, which the choice does not see.
    missing: options that cannot be compared, as no run of theirs is done. left_out: seeds that some option has and
    another lacks. chosen_alone: for each seed, what one would choose who has this one run of each option.
    unstable: options of which a run diverged; they are not among ``options``, whatever their other runs reach:
    what trains only with luck is no choice, and its lucky runs alone would flatter it.
    """

    place: Mapping[str, Any]
    seeds: tuple[int, ...]
    options: tuple[Option, ...]
    selected: Option | None
    best: Option | None
    worst: Option | None
    chosen_alone: tuple[Option, ...]
    missing: int
    left_out: tuple[int, ...] = ()
    unstable: tuple[Option, ...] = ()

    def equals(self) -> list[Option]:
        """The options that are as good on the validation split as the selected one, which is the first of them."""
        if self.selected is None:
            return []
        least = self.selected.validation(self.seeds) - _EQUAL
        return [option for option in self.options if option.validation(self.seeds) >= least]

    def alike(self) -> list[Option] | None:
        """The others that cannot be told from the selected one; None where there are too few seeds to tell any.

        Those whose validation accuracy differs from its by no more than chance: p ≥ 0.05 of the t-test, paired over
        the seeds, which is not adjusted for their number.
        """
        if self.selected is None or len(self.seeds) < FEWEST_PAIRS:
            return None
        own = self.selected.by_seed
        found = []
        for option in self.options:
            apart = paired([difference(own[seed][0], option.by_seed[seed][0]) for seed in self.seeds])
            if option is not self.selected and apart.p is not None and apart.p >= 1 - CONFIDENCE:
                found.append(option)
        return found

    def at_an_end(self) -> str | None:
        """``greatest`` or ``least`` of the values tried, where these are numbers; beyond 0 there may be nothing.

        None while a value has no run yet, and where one that is no end is as good.
        """
        tried = (*self.options, *self.unstable)
        values = [next(iter(option.value.values())) for option in tried if len(option.value) == 1]
        numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if self.selected is None or self.missing or len(numbers) < len(tried) or len(set(numbers)) < 2:
            return None
        good = {float(next(iter(option.value.values()))) for option in self.equals()}
        if good == {max(numbers)}:
            return "greatest"
        return "least" if good == {min(numbers)} and good != {0.0} else None

    def lost(self) -> list[float]:
        """Test accuracy that the choice falls short of the best option, seed by seed."""
        if self.selected is None or self.best is None:
            return []
        pairs = zip(self.best.test(self.seeds), self.selected.test(self.seeds), strict=True)
        return [best - selected for best, selected in pairs]

    def lost_alone(self) -> list[float]:
        """The same for who chooses on one seed."""
        if self.best is None:
            return []
        each = zip(self.seeds, self.chosen_alone, strict=True)
        return [self.best.by_seed[seed][1] - option.by_seed[seed][1] for seed, option in each]

    def votes(self) -> list[tuple[Option, int]]:
        """How many seeds choose each option by themselves, in the order of the sweep."""
        counts = Counter(identity(option.value) for option in self.chosen_alone)
        each = [(option, counts[identity(option.value)]) for option in self.options]
        return [(option, count) for option, count in each if count]


@dataclass(frozen=True, slots=True)
class Selection:
    """The choices of a recipe under one profile. fill: the command that trains what is missing.

    notes: what must be said of the runs behind it.
    """

    title: str
    profile: str
    over: tuple[str, ...]
    place_keys: tuple[str, ...]
    choices: tuple[Choice, ...]
    fill: str | None
    notes: tuple[str, ...] = ()


def select(
    found: Found, results: Results | None, over: Sequence[str], run_options: Sequence[str] = ()
) -> Selection:
    """Choose in every setting of a recipe; the settings are what is swept beside the keys ``over``.

    Raises :class:`LsnError` where a key is not swept, or the recipe holds no validation set out.
    """
    variants = found.resolved.variants
    _check(found, over)
    done = [key for key, status in found.statuses.items() if status == DONE]
    stored = results.values(done, [CHOSEN_BY, WORTH]) if results is not None and done else {}
    groups: dict[str, list[ResolvedVariant]] = {}
    for variant in variants:
        groups.setdefault(identity(_place(variant, over)), []).append(variant)
    statuses = [found.statuses.get(spec.key) for spec in found.resolved.specs()]
    place_keys = dict.fromkeys(key for variant in variants for key in _place(variant, over))
    return Selection(
        title=found.resolved.title,
        profile=found.resolved.loaded.profile,
        over=tuple(over),
        place_keys=tuple(place_keys),
        choices=tuple(
            _choice(_place(group[0], over), group, over, stored, found.statuses) for group in groups.values()
        ),
        fill=fill_command(found.resolved.loaded, statuses, run_options),
        notes=tuple(contents_notes(found.resolved.specs(), found.statuses, results)),
    )


def _check(found: Found, over: Sequence[str]) -> None:
    source = found.resolved.loaded.source
    swept = list(dict.fromkeys(key for variant in found.resolved.variants for key in variant.coordinates))
    for key in over:
        if key not in swept:
            raise LsnError(
                f"{key!r} is not swept by the recipe, so there is nothing to choose",
                where=f"--over {key}",
                valid=swept,
                next="name another key, or sweep it: [sweep] or [[sweep.case]]",
            )
    if any(spec.data.validation_size is None for spec in found.resolved.specs()):
        raise LsnError(
            "the recipe holds no validation set out, so there is nothing to choose on",
            where=source.place("data.validation_size"),
            next="--set data.validation_size=200, in lsn run and here, or a line in [data]",
        )


def _place(variant: ResolvedVariant, over: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in variant.coordinates.items() if key not in over}


def _choice(
    place: Mapping[str, Any],
    group: Sequence[ResolvedVariant],
    over: Sequence[str],
    stored: Mapping[str, Mapping[str, float]],
    statuses: Mapping[str, str],
) -> Choice:
    every = [
        Option(
            {key: variant.coordinates.get(key) for key in over},
            {
                spec.seed: (stored[spec.key][CHOSEN_BY], stored[spec.key][WORTH])
                for spec in variant.specs
                if {CHOSEN_BY, WORTH} <= stored.get(spec.key, {}).keys()
            },
            tuple(spec.seed for spec in variant.specs if statuses.get(spec.key) == DIVERGED),
            len(variant.specs),
        )
        for variant in group
    ]
    unstable = tuple(option for option in every if option.diverged)
    options = [option for option in every if option.by_seed and not option.diverged]
    lacking = len(every) - len(options) - len(unstable)
    # Means over other seeds are of other noise: only the seeds that all options have are compared.
    seeds = [seed for seed in options[0].by_seed if all(seed in o.by_seed for o in options)] if options else []
    left_out = sorted({seed for option in options for seed in option.by_seed} - set(seeds))
    if not seeds:
        return Choice(place, (), tuple(options), None, None, None, (), lacking, tuple(left_out), unstable)
    tested = [statistics.mean(option.test(seeds)) or 0.0 for option in options]
    return Choice(
        place=place,
        seeds=tuple(seeds),
        options=tuple(options),
        selected=_highest(options, [option.validation(seeds) for option in options]),
        best=_highest(options, tested),
        worst=_highest(options, [-accuracy for accuracy in tested]),
        chosen_alone=tuple(_highest(options, [option.by_seed[seed][0] for option in options]) for seed in seeds),
        missing=lacking,
        left_out=tuple(left_out),
        unstable=unstable,
    )


def _highest(options: Sequence[Option], values: Sequence[float]) -> Option:
    """The first of the options whose value is the highest, up to rounding."""
    known = [value if math.isfinite(value) else -math.inf for value in values]
    least = max(known) - _EQUAL
    return next(option for option, value in zip(options, known, strict=True) if value >= least)
