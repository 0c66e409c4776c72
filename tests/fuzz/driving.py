"""Runs many cases of one kind in this process, and collects what must not happen.

A case is right if it is accepted or refused by an LsnError. Everything else is a finding: another exception, more
processor time than :data:`SECONDS`, more memory than :data:`ROOM` beyond what the process has at the start.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

#: Of processor time, for one case. Seconds on the clock would depend on what else the machine does.
SECONDS = 30
#: On the clock: only for what waits and does not compute. The process then ends with all its stacks.
CLOCK = 280
#: Bytes that a case may take beyond what is there when the first one starts.
ROOM = 1536 * 2**20

_BATCH = 500
CORPUS = Path(__file__).with_name("corpus")


@dataclass(frozen=True)
class Kind:
    """What is fuzzed: a strategy of cases (plain data), and what to do with one in a folder of its own.

    ``run`` says in a word what became of the case, and raises what must not happen.
    """

    name: str
    cases: st.SearchStrategy[Any]
    run: Callable[[Any, Path], str]


class Hang(BaseException):
    """A case took too long; no part of lsn may catch it."""


@dataclass
class Finding:
    """One way to fail, with the smallest case that was found for it."""

    signature: str
    details: str
    case: Any
    times: int = 1


@dataclass
class Tally:
    """What became of the cases."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many there were."""
        return sum(self.outcomes.values())


def corpus(kind: Kind) -> Iterator[tuple[str, Any]]:
    """The cases that once failed, or are worth a look every time, by name."""
    for path in sorted((CORPUS / kind.name).glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def replay(kind: Kind) -> Tally:
    """Every case of the corpus."""
    tally = Tally()
    with _limits(), tempfile.TemporaryDirectory(prefix="lsn-fuzz-") as folder:
        for _, case in corpus(kind):
            _attempt(kind, case, Path(folder), tally)
    return tally


def fuzz(kind: Kind, cases: int, first_seed: int, tell: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """At least ``cases`` new cases; the same seed gives the same ones."""
    tally = Tally()
    with _limits(), tempfile.TemporaryDirectory(prefix="lsn-fuzz-") as folder:
        batch = 0
        while tally.cases < cases:
            _batch(kind, min(_BATCH, cases - tally.cases), first_seed * 10_000 + batch, Path(folder), tally)
            batch += 1
            tell(tally)
    return tally


def _batch(kind: Kind, cases: int, number: int, folder: Path, tally: Tally) -> None:
    """One run of hypothesis, which only draws the cases: a failure is noted, and the next case is tried."""

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # Not made smaller by hypothesis, which may take longer than all the rest: the shortest that is met is kept.
        phases=(Phase.generate,),
    )
    @given(kind.cases)
    def one(case: Any) -> None:
        _attempt(kind, case, folder, tally)

    one()


def _attempt(kind: Kind, case: Any, folder: Path, tally: Tally) -> None:
    """Run one case and note what became of it."""
    try:
        with _clocks():
            tally.outcomes[kind.run(case, folder)] += 1
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
        tally.outcomes["failed"] += 1
        signature = _signature(error)
        details = "".join(traceback.format_exception(error))
        if signature in tally.findings:
            finding = tally.findings[signature]
            finding.times += 1
            finding.case = min(finding.case, case, key=lambda one: len(json.dumps(one)))
        else:
            tally.findings[signature] = Finding(signature, details, case)


def _signature(error: BaseException) -> str:
    """What tells one defect from another: the exception and the last line of lsn that it went through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}lsncli{os.sep}" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "outside of lsn"
    return f"{type(error).__name__} in {place}"


@contextmanager
def _clocks() -> Iterator[None]:
    def out_of_time(number: int, frame: Any) -> None:
        raise Hang(f"more than {SECONDS} s of processor time")

    previous = signal.signal(signal.SIGPROF, out_of_time)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    faulthandler.dump_traceback_later(CLOCK, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


@contextmanager
def _limits() -> Iterator[None]:
    """Allow the process :data:`ROOM` more than it has; what asks for more gets a MemoryError."""
    faulthandler.enable()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
