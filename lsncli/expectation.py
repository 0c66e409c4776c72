"""How long runs will take, judged by runs of their kind in the database, or else of their architecture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from lsncli.data.catalogue import image_shape
from lsncli.errors import LsnError
from lsncli.store.location import Location

if TYPE_CHECKING:
    from lsncli.plan import Plan, RunSpec

#: Of a finished run: its plain spec, the seconds that its training took, its steps.
Finished = tuple[dict[str, Any], float | None, int | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides the time of a step: the images, the architecture, the batch, whether a teacher is asked, too."""

    data: str
    data_params: str
    model: str
    batch: int
    taught: bool

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Kind:
        """The kind of a run, by its plain spec."""
        data, model = spec["data"], spec["model"]
        batch = spec.get("train", {}).get("batch_size", 128)
        if not isinstance(batch, int) or batch < 1:
            raise ValueError(f"a batch of {batch!r}")
        return cls(
            data["name"],
            json.dumps(dict(data.get("params", {})), sort_keys=True),
            json.dumps([model["name"], model.get("params", {})], sort_keys=True),
            batch,
            "teacher" in spec,
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """The seconds that a run will take.

    rough: judged by runs of another kind, for want of its own. sizes_known: whether it is known how their images
    compare with its own in size.
    """

    seconds: float
    rough: bool = False
    sizes_known: bool = True


class History:
    """What finished runs tell of the time of others: nothing is assumed that no stored run has measured.

    data_dir: where prepared data sets say how large their images are; None where nobody looks.
    """

    def __init__(self, runs: Iterable[Finished] = (), data_dir: Path | None = None) -> None:
        self._measured: dict[Kind, list[float]] = {}
        for spec, seconds, steps in runs:
            if seconds and steps:
                with suppress(KeyError, TypeError, AttributeError, ValueError):  # not a spec that lsn has written
                    self._measured.setdefault(Kind.of(spec), []).append(seconds / steps)
        self._data_dir = data_dir
        # A plan has many runs of few kinds.
        self._step = cache(self._judge)
        self._pixels = cache(self._count_pixels)

    def expected(self, spec: RunSpec) -> Expected | None:
        """The time of a run, by the median of its kind, or else roughly; None without any of its architecture."""
        step = self._step(Kind.of(spec.plain()))
        return step and replace(step, seconds=step.seconds * spec.train.steps)

    def _judge(self, wanted: Kind) -> Expected | None:
        """The time of a step."""
        if own := self._measured.get(wanted):
            return Expected(median(own))
        likeness = {kind: self._likeness(kind, wanted) for kind in self._measured if kind.model == wanted.model}
        most = max(likeness.values(), default=None)
        likest = [kind for kind, alike in likeness.items() if alike == most]
        steps = [seconds * self._scale(kind, wanted) for kind in likest for seconds in self._measured[kind]]
        compare = all(self._sizes(kind, wanted) for kind in likest)
        return Expected(median(steps), rough=True, sizes_known=compare) if steps else None

    def _likeness(self, kind: Kind, wanted: Kind) -> tuple[bool, ...]:
        """What two kinds of one architecture have in common, what weighs most first."""
        return (
            kind.data == wanted.data,
            self._sizes(kind, wanted) is not None,
            kind.taught == wanted.taught,
            kind.batch == wanted.batch,
        )

    def _scale(self, kind: Kind, wanted: Kind) -> float:
        """How many times the work of a step of ``kind`` one of ``wanted`` is: by its examples and their pixels."""
        known, asked = self._sizes(kind, wanted) or (1, 1)
        return wanted.batch / kind.batch * asked / known

    def _sizes(self, kind: Kind, wanted: Kind) -> tuple[int, int] | None:
        """The pixels of an image of each, or as many of the one as of the other; None where they are not known."""
        if (kind.data, kind.data_params) == (wanted.data, wanted.data_params):
            return 1, 1
        known, asked = (self._pixels(each.data, each.data_params) for each in (kind, wanted))
        return None if known is None or asked is None else (known, asked)

    def _count_pixels(self, data: str, params: str) -> int | None:
        try:
            shape = image_shape(data, json.loads(params), self._data_dir)
        except LsnError:
            return None  # its plugin has changed its parameters since, or its record is damaged
        return shape and shape[0] * shape[1]


def run_states(plan: Plan, database: str, data_dir: Path | None = None) -> tuple[dict[str, str], History]:
    """The state of each run that the database knows, and what its finished runs tell of the time of others.

    A run is *running* while somebody who lives has claimed it; one whose process has ended is *interrupted*.
    """
    if not Location.parse(database).exists():
        return {}, History()
    # Only now: a plan without a database does not pay for SQLModel.
    from lsncli.claims import SILENT_SECONDS, Watch
    from lsncli.store import Store

    with Store.open(database, create=False, read_only=True) as store:
        states = {key: state.status for key, state in store.statuses(plan.keys()).items()}
        watch = Watch(SILENT_SECONDS)
        trained = {key for key, entry in store.claims(plan.keys()).items() if not watch.gone(entry)}
        done = store.runs(status="done")
    return (
        {k: "running" if k in trained else "interrupted" if s == "running" else s for k, s in states.items()},
        History(((r.spec, r.seconds, r.final_step) for r in done), data_dir),
    )
