"""What ``lsn runs show`` says of the noise of a run: the labels that came of it, and the estimated matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsncli.store import ArrayEntry, Store

#: Classes up to which these tables are printed; beyond, they are only in the JSON.
MOST_CLASSES = 20

Titled = tuple[str, tuple[str, ...], list[tuple[object, ...]]]


def transition_arrays(store: Store, key: str, arrays: Sequence[ArrayEntry]) -> dict[str, Any]:
    """Of one run, as plain data; None where it has none.

    noise_counts: true classes in rows, given labels in columns. transition_estimate: the last matrix that was
    estimated or learnt, ``[L, L]``; transition_total_variation: of each of its rows from the true one, ``[L]``,
    where it was measured for this very estimate (a learnt matrix comes after the estimate that it began with).
    """
    from lsncli.store.description import ESTIMATE, ESTIMATE_ERRORS, NOISE_COUNTS

    last = {entry.name: max(e.step for e in arrays if e.name == entry.name) for entry in arrays}

    def read(name: str) -> Any:
        return store.get_array(key, name).tolist() if name in last else None

    same = last.get(ESTIMATE) == last.get(ESTIMATE_ERRORS)
    return {
        "noise_counts": read(NOISE_COUNTS),
        ESTIMATE: read(ESTIMATE),
        ESTIMATE_ERRORS: read(ESTIMATE_ERRORS) if same else None,
    }


def transition_tables(found: dict[str, Any]) -> Iterator[Titled]:
    """Title, heads and rows of the tables for what :func:`transition_arrays` found."""
    from lsncli.store.description import ESTIMATE, ESTIMATE_ERRORS

    counts, estimate, errors = found["noise_counts"], found[ESTIMATE], found[ESTIMATE_ERRORS]
    if counts and len(counts) <= MOST_CLASSES:
        yield "labels after the noise", _heads(counts), [(i, *row) for i, row in enumerate(counts)]
    if estimate and len(estimate) <= MOST_CLASSES:
        heads, rows = _heads(estimate), [(i, *(f"{p:.3f}" for p in row)) for i, row in enumerate(estimate)]
        if errors:
            heads = (*heads, "TV")
            rows = [(*row, f"{error:.3f}") for row, error in zip(rows, errors, strict=True)]
        about = "; TV: total variation distance of the row from the true one" if errors else ""
        yield f"estimated transition matrix{about}", heads, list(rows)


def _heads(matrix: Sequence[object]) -> tuple[str, ...]:
    return ("true \\ label", *map(str, range(len(matrix))))
