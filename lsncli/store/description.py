"""Runs in words and plain data, from the spec that is stored with them: what listings show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lsncli.store.records import RunRecord

#: The array in which the engine keeps what the noise really did: true classes in rows, labels in columns.
NOISE_COUNTS = "noise_transition_counts"

#: The arrays in which it keeps the transition matrix that a run estimated or learnt, and the total variation
#: distance of each row of the estimate from the true one.
ESTIMATE, ESTIMATE_ERRORS = "transition_estimate", "transition_total_variation"

#: The components of a run that a listing shows, in the order of its columns.
PARTS = ("data", "noise", "model", "loss")

_LONGEST = 24


def words(part: object) -> str:
    """A component in a few words: ``label-smoothing alpha=0.1``; long values are left out."""
    if not isinstance(part, Mapping):
        return ""
    shown = [str(part.get("name", ""))]
    # A subset is another data set: its size belongs to its name.
    sizes = {key: part[key] for key in ("train_size", "test_size", "validation_size") if key in part}
    for key, value in {**sizes, **dict(part.get("params") or {})}.items():
        text = f"{value:g}" if isinstance(value, float) else str(value)
        shown.append(f"{key}={text if len(text) <= _LONGEST else '…'}")
    return " ".join(shown)


def components(spec: Mapping[str, Any]) -> dict[str, str]:
    """Data, noise, model and loss of a run in words; a distilled student's loss names its teacher's."""
    found = {part: words(spec.get(part)) for part in PARTS}
    teacher = spec.get("teacher")
    if isinstance(teacher, Mapping):
        found["loss"] += f", taught by {words(teacher.get('loss'))}"
    return found


def matches(spec: Mapping[str, Any], **names: str | None) -> bool:
    """Whether the run's components have these names: ``matches(spec, data="digits", loss=None)``."""
    return all(
        wanted is None or (isinstance(spec.get(part), Mapping) and spec[part].get("name") == wanted)
        for part, wanted in names.items()
    )


def names_of(part: str, specs: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of the components that these runs have as their ``part``: data, noise, model or loss."""
    found = (spec[part].get("name") for spec in specs if isinstance(spec.get(part), Mapping))
    return {name for name in found if isinstance(name, str)}


def plain(record: RunRecord) -> dict[str, Any]:
    """A run as plain data, times in ISO 8601 with their zone."""
    return {
        "key": record.key,
        "title": record.title,
        "status": record.status,
        "spec": record.spec,
        "steps": record.steps,
        "final_step": record.final_step,
        "seconds": record.seconds,
        "created_at": record.created_at.isoformat(),
        "started_at": record.started_at.isoformat(),
        "finished_at": record.finished_at.isoformat() if record.finished_at else None,
        "error": record.error,
    }


#: A value of more characters than this (a matrix, a file of labels) is cut short for people.
LONGEST = 400


def indented(value: Mapping[str, Any], depth: int = 1) -> list[str]:
    """Nested plain data as indented lines, ``key: value``; what is longer than 400 characters, cut short."""
    lines = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            lines += [f"{'  ' * depth}{key}:", *indented(item, depth + 1)]
        else:
            text = "{}" if isinstance(item, Mapping) else str(item)
            if len(text) > LONGEST:
                text = f"{text[:60]}… ({len(text):,} characters; --format json shows all)"
            lines.append(f"{'  ' * depth}{key}: {text}")
    return lines
