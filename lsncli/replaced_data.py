"""Stored runs of a data set whose contents were replaced: their keys name the set, and not what it contained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from lsncli.data import stored
from lsncli.data.catalogue import is_registered
from lsncli.data.context import DataContext
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.plan import DataSpec, Plan, PlannedRun
    from lsncli.store import Store

#: A subset's digest must be computed: of at most so many bytes, which takes a fraction of a second.
_MOST_HASHED = 2**28


def of_prepared_sets(plan: Plan, kept: Collection[str]) -> list[PlannedRun]:
    """The runs of ``plan`` among ``kept`` whose data set is a prepared one, which can be replaced."""
    return [run for run in plan if run.key in kept and not is_registered(run.spec.data.name)]


def trained_on_others(runs: Collection[PlannedRun], store: Store, data_dir: Path) -> str | None:
    """A warning of stored runs that were trained on other contents than their sets have on this machine, if any."""
    digests = store.data_digests([run.key for run in runs]) if runs else {}
    now: dict[str, str | None] = {}
    others: Counter[str] = Counter()
    for run in runs:
        data = run.spec.data
        identity = data.contents_identity()
        if run.key in digests and identity not in now:
            now[identity] = digest_here(data, data_dir)
        here = now.get(identity)
        others[data.name] += here is not None and digests.get(run.key, here) != here
    told = [f"{count} stored run{'s' if count > 1 else ''} of {name!r}" for name, count in others.items() if count]
    if not told:
        return None
    verb = "was" if sum(others.values()) == 1 else "were"
    return (
        f"{' and '.join(told)} {verb} trained on other contents than that name has here now, and will not be"
        " trained again: lsn run --force trains the whole plan anew; or prepare the new images under another name"
    )


def digest_here(data: DataSpec, data_dir: Path) -> str | None:
    """The digest of what a run of ``data``, a prepared set, would be trained on now; None if not known at once."""
    folder = DataContext(data_dir).prepared_dir / data.name
    try:
        meta = stored.read_meta(folder)
        if data.train_size is None and data.test_size is None:
            return meta.digest
        images = (data.train_size or meta.train_size) + (data.test_size or meta.test_size)
        if images * math.prod(meta.image_shape) > _MOST_HASHED:
            return None
        return stored.load(folder, meta).subset(data.train_size, data.test_size, data.subset_seed).digest
    except LsnError:
        return None  # what is wrong with it is told by whoever trains on it
