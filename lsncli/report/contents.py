"""Whether the runs of one report are of one data set: a run's key names the set, and not what it contained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lsncli.plan import DataSpec, RunSpec
from lsncli.report.results import DONE, Results


def contents_notes(specs: Iterable[RunSpec], statuses: Mapping[str, str], results: Results | None) -> list[str]:
    """A note for every data set whose finished runs were trained on different contents of its name.

    ``statuses`` are those of the runs ``specs``, by key; runs that it does not have are not looked at.
    """
    done = {spec.key: spec.data for spec in specs if statuses.get(spec.key) == DONE}
    if results is None or not done:
        return []
    return [
        f"{name}: its runs were trained on different contents of that name ({_counted(mixed)} runs): they are not"
        " of one data set."
        for name, mixed in _mixed(done, results.data_digests(list(done))).items()
    ]


def _mixed(data_of: Mapping[str, DataSpec], digests: Mapping[str, str]) -> dict[str, list[Counter[str]]]:
    """Data set → how many runs each digest has; of every part of the set that was taken, as parts differ anyway."""
    by_part: dict[tuple[str, str], Counter[str]] = {}
    for key, data in data_of.items():
        if key in digests:
            by_part.setdefault((data.name, data.contents_identity()), Counter())[digests[key]] += 1
    mixed: dict[str, list[Counter[str]]] = {}
    for (name, _), counts in by_part.items():
        if len(counts) > 1:
            mixed.setdefault(name, []).append(counts)
    return mixed


def _counted(mixed: list[Counter[str]]) -> str:
    return "; ".join(" and ".join(str(n) for _, n in counts.most_common()) for counts in mixed)
