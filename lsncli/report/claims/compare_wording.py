"""A comparison of runs as plain data and as tables of text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from lsncli.report.claims import inference
from lsncli.report.claims.compare import Compared, RunComparison
from lsncli.report.wording import ABSENT, mean_and_std, value_words


@dataclass(frozen=True, slots=True)
class TextTable:
    """A title, columns, rows of text, and notes below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def plain_comparison(found: RunComparison) -> dict[str, Any]:
    """The comparison as plain data; every difference is to the first of ``runs``, in the metric's stored unit."""
    return {
        "which": found.which,
        "over_seeds": found.over_seeds,
        "runs": [
            {"key": each.key, "keys": list(each.keys.values()), "seeds": list(each.keys)} for each in found.compared
        ],
        "spec_differences": [
            {"key": key, "values": dict(zip((each.key for each in found.compared), values, strict=True))}
            for key, values in found.differences.items()
        ],
        "metrics": [
            {"metric": metric, "runs": [_plain_metric(found, metric, each) for each in found.compared]}
            for metric in found.metrics
        ],
    }


def _plain_metric(found: RunComparison, metric: str, each: Compared) -> dict[str, Any]:
    first = each is found.compared[0]
    if not found.over_seeds:
        return {
            "key": each.key,
            "value": each.mean(metric),
            "difference": None if first else found.difference(metric, each),
        }
    paired = None if first else found.paired(metric, each)
    return {
        "key": each.key,
        "n": len(each.of(metric)),
        "mean": each.mean(metric),
        "std": each.std(metric),
        "values": each.of(metric),
        "paired": None if paired is None else asdict(paired),
    }


def comparison_tables(found: RunComparison, digits: int) -> list[TextTable]:
    """What differs in the specs, then the metrics side by side; keys are shown by their first ``digits``."""
    names = [each.key[:digits] for each in found.compared]
    specs = TextTable(
        "what differs",
        ("key", *names),
        tuple((key, *map(value_words, values)) for key, values in found.differences.items()),
    )
    columns: list[str] = ["metric", names[0]]
    for name in names[1:]:
        columns += [name, "difference", *(["95 % interval"] if found.over_seeds else [])]
    rows = tuple((metric, *_metric_cells(found, metric)) for metric in found.metrics)
    return [specs, TextTable(f"numbers, {_which(found)}", tuple(columns), rows, tuple(_notes(found, digits)))]


def _which(found: RunComparison) -> str:
    said = "at the evaluation of best test accuracy" if found.which == "best" else "at the last evaluation"
    return f"{said}, mean ± sample standard deviation (ddof 1) over seeds" if found.over_seeds else said


def _metric_cells(found: RunComparison, metric: str) -> list[str]:
    cells = [_value(found, metric, found.compared[0])]
    for other in found.compared[1:]:
        if not found.over_seeds:
            cells += [_value(found, metric, other), _number(found.difference(metric, other), signed=True)]
            continue
        paired = found.paired(metric, other)
        cells += [_value(found, metric, other), _number(paired.mean, signed=True), _interval(paired)]
    return cells


def _value(found: RunComparison, metric: str, each: Compared) -> str:
    mean, std = each.mean(metric), each.std(metric)
    if not found.over_seeds or mean is None:
        return _number(mean)
    told = " ± ".join(mean_and_std(mean, std)) if std else _number(mean) + (" ± 0" if std == 0 else "")
    return f"{told} ({len(each.of(metric))})"


def _interval(paired: inference.Paired) -> str:
    if paired.ci_low is None or paired.ci_high is None:
        return ABSENT
    return f"{_number(paired.ci_low, signed=True)} … {_number(paired.ci_high, signed=True)}"


def _notes(found: RunComparison, digits: int) -> list[str]:
    if not found.over_seeds:
        return ["One run each: --over-seeds pairs the runs of all seeds and adds the interval of the difference."]
    first = found.compared[0]
    notes = [f"{each.key[:digits]}: seeds {', '.join(map(str, each.keys))}." for each in found.compared]
    for other in found.compared[1:]:
        not_paired = f"{other.key[:digits]} and {first.key[:digits]} are not paired at"
        if unpaired := found.unpaired(other):
            notes.append(f"{not_paired} {_seeds(unpaired)}: one has no run.")
        if apart := found.other_seeds(other):
            keys = dict.fromkeys(key for named in apart.values() for key in named)
            notes.append(f"{not_paired} {_seeds(apart)}: they differ by {', '.join(keys)}, too.")
        pairs = [found.paired(metric, other) for metric in found.metrics]
        if any(each.constant and each.ci_low is None for each in pairs):
            notes.append("No interval where all differences are equal: their spread is not known.")
        if any(each.n == 1 for each in pairs):
            notes.append("An interval needs at least two pairs.")
    return list(dict.fromkeys(notes))


def _seeds(seeds: Collection[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return ABSENT
    return f"{value:+.4g}" if signed else f"{value:.6g}"
