"""What a batch does with runs that others train: goes on with the rest, waits, takes over, writes nothing twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from executor_samples import ends, plan_of, spec

from lsncli.choosing import choose_runs
from lsncli.claims import Claims, Watch
from lsncli.engine.events import Event, Finished, Measured, Saved, Started
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.executors.frontier import Frontier
from lsncli.executors.gate import Elsewhere, Verdict
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control, Executor
from lsncli.plan import Plan, RunSpec
from lsncli.recording import Recorder
from lsncli.store import RunState, Store
from lsncli.store.claimant import Claimant, ClaimEntry, this_machine

ADA = Verdict(trained_by="ada")


class Gate:
    """Says what it was told to say, and remembers what it was asked."""

    def __init__(self, **verdicts: Verdict) -> None:
        self.verdicts = verdicts
        self.asked: list[list[str]] = []
        self.lost_runs: set[str] = set()

    def admit(self, keys: Collection[str]) -> Mapping[str, Verdict]:
        self.asked.append(list(keys))
        return self.look(keys)

    def look(self, keys: Collection[str]) -> Mapping[str, Verdict]:
        return {key: self.verdicts.get(key, Verdict()) for key in keys}

    def lost(self, key: str) -> bool:
        return key in self.lost_runs


def at_once(frontier: Frontier) -> Frontier:
    """Ask about runs elsewhere whenever there is occasion."""
    frontier.elsewhere = Elsewhere(clock=iter(range(10**6)).__next__)  # type: ignore[arg-type]
    return frontier


# -- the frontier -----------------------------------------------------------------------------------------


def test_it_goes_on_with_what_nobody_else_trains() -> None:
    runs = [spec(seed=seed) for seed in range(4)]
    gate = Gate(**{runs[0].key: ADA, runs[2].key: ADA})
    frontier = Frontier(plan_of(*runs), stack=2, gate=gate)
    assert [run.key for run in frontier.take_stack()] == [runs[1].key]
    assert [run.key for run in frontier.take_stack()] == [runs[3].key]
    assert frontier.take_stack() == []
    assert frontier.elsewhere.describe() == "waiting for 2 runs that are trained by ada"
    assert frontier.ends() == []


def test_what_ended_elsewhere_is_told_and_lets_its_students_start() -> None:
    teacher = spec(seed=1)
    student = spec(seed=2, behind=teacher)
    gate = Gate(**{teacher.key: ADA})
    frontier = at_once(Frontier(plan_of(student), gate=gate))
    assert frontier.take_stack() == []
    gate.verdicts[teacher.key] = Verdict(ended="done")
    assert [run.key for run in frontier.take_stack()] == [student.key]
    [end] = frontier.ends()
    assert (end.key, end.status, end.elsewhere) == (teacher.key, "done", True)
    assert not frontier.elsewhere
    assert not frontier


def test_what_failed_elsewhere_fails_its_students() -> None:
    teacher = spec(seed=1)
    student = spec(seed=2, behind=teacher)
    frontier = Frontier(plan_of(student), gate=Gate(**{teacher.key: Verdict(ended="failed")}))
    assert frontier.take_stack() == []
    assert [(end.key, end.status, end.elsewhere) for end in frontier.ends()] == [
        (teacher.key, "failed", True),
        (student.key, "failed", False),
    ]
    assert not frontier


def test_what_is_free_again_is_claimed() -> None:
    run = spec(seed=1)
    gate = Gate(**{run.key: ADA})
    frontier = at_once(Frontier(plan_of(run), gate=gate))
    assert frontier.take_stack() == []
    del gate.verdicts[run.key]
    assert [run.key for run in frontier.take_stack()] == [run.key]
    assert gate.asked == [[run.key], [run.key]]


def test_a_run_that_was_lost_is_waited_for() -> None:
    run = spec(seed=1)
    gate = Gate()
    frontier = Frontier(plan_of(run), gate=gate)
    assert frontier.take_stack()
    gate.lost_runs.add(run.key)
    gate.verdicts[run.key] = ADA
    assert frontier.finished(run.key, "done") == []
    assert frontier.take_stack() == []
    assert run.key in frontier.elsewhere


@pytest.mark.parametrize("waited", [False, True])
def test_a_run_that_was_lost_and_has_ended_elsewhere_is_over(waited: bool) -> None:
    """Whether the other one had ended it before ours came to its end, or ended it while we waited."""
    run = spec(seed=1)
    student = spec(seed=2, behind=run)
    gate = Gate()
    frontier = at_once(Frontier(plan_of(student), gate=gate))
    assert [taken.key for taken in frontier.take_stack()] == [run.key]
    gate.lost_runs.add(run.key)
    assert frontier.finished(run.key, "done") == []
    if waited:
        gate.verdicts[run.key] = ADA
        assert frontier.take_stack() == []
    gate.verdicts[run.key] = Verdict(ended="done")
    assert [taken.key for taken in frontier.take_stack()] == [student.key]
    [end] = frontier.ends()
    assert (end.key, end.status, end.elsewhere) == (run.key, "done", True)
    assert not frontier
    assert not frontier.elsewhere


def test_a_batch_waits_and_says_so(executor: Executor, settings: EngineSettings) -> None:
    """The first run is ada's until the second has ended; then it is ours."""
    first, second = spec(seed=1), spec(seed=2)
    gate = Gate(**{first.key: ADA})
    told: list[str] = []
    events: list[Event] = []

    def tell(text: str) -> None:
        told.append(text)
        gate.verdicts.clear()

    executor.execute(plan_of(first, second), settings, events.append, Control(gate=gate, tell=tell))
    order = [event.key for event in events if isinstance(event, Finished)]
    assert order == [second.key, first.key]
    assert told == ["waiting for 1 run that is trained by ada"]


def test_a_stop_ends_the_wait(executor: Executor, settings: EngineSettings) -> None:
    run = spec(seed=1)
    control = Control(gate=Gate(**{run.key: ADA}))
    control.tell = lambda text: control.stop()
    events: list[Event] = []
    executor.execute(plan_of(run), settings, events.append, control)
    assert events == []


# -- who is dead ------------------------------------------------------------------------------------------


def entry(silent: float = 0.0, beat: int = 0, **changes: object) -> ClaimEntry:
    me = Claimant.this_process()
    moment = datetime(2026, 1, 1, 0, 0, beat, tzinfo=UTC)
    made = ClaimEntry("a", "t", me.host, me.pid, me.machine, me.process_start, moment, moment, silent)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.skipif(this_machine() is None, reason="the system does not tell of processes by /proc")
def test_a_living_process_is_dead_only_after_a_silence_that_was_watched() -> None:
    """Its last heartbeat may look old because the whole machine was asleep."""
    now = [0.0]
    watch = Watch(120, clock=lambda: now[0])
    assert not watch.gone(entry(silent=9999))
    now[0] = 119
    assert not watch.gone(entry(silent=9999))
    now[0] = 121
    assert not watch.gone(entry(beat=1))
    now[0] = 240
    assert not watch.gone(entry(beat=1))
    now[0] = 242
    assert watch.gone(entry(beat=1))


@pytest.mark.skipif(this_machine() is None, reason="the system does not tell of processes by /proc")
def test_a_process_that_has_ended_is_dead_at_once() -> None:
    assert Watch(120).gone(entry(process_start=1))


def test_a_process_that_the_system_does_not_tell_of_is_watched_too() -> None:
    """On this machine, by its name: macOS and Windows have no /proc, and may have been asleep."""
    now = [0.0]
    watch = Watch(120, clock=lambda: now[0])
    assert not watch.gone(entry(silent=9999, machine=None))
    now[0] = 119
    assert not watch.gone(entry(silent=9999, machine=None))
    now[0] = 121
    assert watch.gone(entry(silent=9999, machine=None))
    assert watch.gone(entry(silent=121, machine=None, host="another"))


def test_elsewhere_the_last_heartbeat_decides() -> None:
    watch = Watch(120)
    assert not watch.gone(entry(silent=119, machine="another"))
    assert watch.gone(entry(silent=121, machine="another"))


def test_elsewhere_with_a_heartbeat_of_a_clock_that_was_wrong() -> None:
    """A heartbeat of tomorrow does not hold a run until tomorrow, if no other one follows."""
    now = [0.0]
    watch = Watch(120, clock=lambda: now[0])
    assert not watch.gone(entry(silent=-86400, machine="another"))
    now[0] = 121
    assert not watch.gone(entry(silent=-86400, machine="another", beat=1))
    now[0] = 242
    assert watch.gone(entry(silent=-86279, machine="another", beat=1))


# -- claims in a database ---------------------------------------------------------------------------------

RUN = spec(seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


class Side:
    """A batch of its own: store, claims, recorder."""

    def __init__(self, path: Path, settings: EngineSettings, *specs: RunSpec, **options: object) -> None:
        assert settings.checkpoint_dir is not None
        self.store = Store.open(path)
        self.plan = plan_of(*specs)
        known = self.store.statuses(self.plan.keys())
        self.claims = Claims(self.store, self.plan, known, settings.checkpoint_dir, **options)  # type: ignore[arg-type]
        self.settings = replace(settings, attempt=self.claims.claimant.token)
        self.heard: list[Event] = []
        self.recorder = Recorder(
            self.store,
            self.plan,
            self.settings,
            artifact_prefix="results.checkpoints",
            claims=self.claims,
            listener=self.heard.append,
        )

    def train(self) -> None:
        control = Control(gate=self.claims)
        with self.claims:
            InProcessExecutor().execute(self.plan, self.settings, self.recorder, control)
        self.store.close()


def test_a_run_is_trained_once_and_given_back(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    late = Side(tmp_path / "results.db", settings, RUN)
    first = Side(tmp_path / "results.db", settings, RUN)
    first.train()
    assert first.recorder.outcomes.keys("done") == [RUN.key]
    assert store.claims() == {}
    # It was planned before the other one trained it.
    late.train()
    assert late.recorder.outcomes.keys("done") == []
    assert late.recorder.outcomes.keys("done", elsewhere=True) == [RUN.key]
    assert len(store.provenance(RUN.key)) == 1
    files = sorted(path.name for path in (settings.checkpoint_dir / RUN.key).iterdir())  # type: ignore[operator]
    assert files == ["final.safetensors", "predictions.safetensors"]
    assert {a.path for a in store.artifacts(RUN.key)} == {f"results.checkpoints/{RUN.key}/{n}" for n in files}


def test_what_a_sleeper_finds_is_dropped(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    """It begins a run, is taken for dead, and goes on when another one has already stored the end."""
    sleeper = Side(tmp_path / "results.db", settings, RUN, beat=1000.0)
    assert sleeper.claims.admit([RUN.key])[RUN.key].may_start
    sleeper.recorder(Started(RUN.key, 10, {"who": "sleeper"}))
    sleeper.recorder(Measured(RUN.key, 5, {"test_accuracy": 0.5}))

    # A silence of less than nothing: whoever is asked about twice is dead.
    other = Side(tmp_path / "results.db", settings, RUN, silence=-1.0)
    assert not other.claims.admit([RUN.key])[RUN.key].may_start
    assert other.claims.admit([RUN.key])[RUN.key].may_start
    folder = settings.checkpoint_dir / RUN.key  # type: ignore[operator]
    for side in (sleeper, other):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"final.{side.settings.attempt}.safetensors").write_text(side.settings.attempt)

    def end(side: Side, accuracy: float) -> None:
        side.recorder(Measured(RUN.key, 10, {"test_accuracy": accuracy}))
        side.recorder(Saved(RUN.key, "weights", f"{RUN.key}/final.safetensors", "0" * 64, 3))
        side.recorder(Finished(RUN.key, "done", 10, 1.0))

    other.recorder(Started(RUN.key, 10, {"who": "other"}))
    sleeper.recorder(Measured(RUN.key, 8, {"test_accuracy": 0.1}))
    end(other, 0.9)
    end(sleeper, 0.2)
    assert store.history(RUN.key)["test_accuracy"] == [(10, 0.9)]
    assert [p["who"] for p in store.provenance(RUN.key)] == ["sleeper", "other"]
    assert (folder / "final.safetensors").read_text() == other.settings.attempt
    assert [path.name for path in folder.iterdir()] == ["final.safetensors"]
    assert sleeper.claims.lost(RUN.key)
    assert sleeper.recorder.outcomes.ended == {}
    assert "taken this run over" in sleeper.heard[-1].message  # type: ignore[union-attr]
    # Asked again, it hears that there is nothing left to do.
    assert sleeper.claims.admit([RUN.key])[RUN.key].ended == "done"
    assert not sleeper.claims.lost(RUN.key)


def test_a_sleeper_that_waits_hears_of_the_end(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    """It looks and does not claim while the other one trains what it has lost; then the run is nobody's."""
    sleeper = Side(tmp_path / "results.db", settings, RUN, beat=1000.0)
    sleeper.claims.admit([RUN.key])
    other = Side(tmp_path / "results.db", settings, RUN, silence=-1.0)
    for _ in range(2):  # the second time, it has been silent for longer than nothing
        other.claims.admit([RUN.key])
    sleeper.recorder(Finished(RUN.key, "failed", 10, 1.0))
    assert sleeper.claims.lost(RUN.key)
    assert sleeper.claims.look([RUN.key])[RUN.key].trained_by is not None
    assert sleeper.claims.lost(RUN.key)
    other.recorder(Started(RUN.key, 10, {}))
    other.recorder(Finished(RUN.key, "done", 10, 1.0))
    assert sleeper.claims.look([RUN.key])[RUN.key].ended == "done"
    assert not sleeper.claims.lost(RUN.key)


def test_an_executor_that_does_not_ask_does_no_harm(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    holder = Side(tmp_path / "results.db", settings, RUN)
    holder.claims.admit([RUN.key])
    careless = Side(tmp_path / "results.db", settings, RUN)
    free = spec(seed=7)
    careless.recorder.plan = plan_of(RUN, free)
    for run in (RUN, free):
        careless.recorder(Started(run.key, 10, {}))
        careless.recorder(Finished(run.key, "done", 10, 1.0))
    assert store.statuses().keys() == {free.key}
    assert careless.recorder.outcomes.keys("done") == [free.key]


def test_leftovers_of_the_dead_are_cleared_away(settings: EngineSettings, tmp_path: Path) -> None:
    folder = settings.checkpoint_dir / RUN.key  # type: ignore[operator]
    folder.mkdir(parents=True)
    for name in (".checkpoint.safetensors.17-ab.part", "final.dead.safetensors", "predictions.dead.safetensors"):
        (folder / name).write_text("half")
    kept = folder / "checkpoint.safetensors"
    kept.write_text("whole")
    side = Side(tmp_path / "results.db", settings, RUN)
    side.claims.admit([RUN.key])
    assert list(folder.iterdir()) == [kept]


def test_what_is_trained_anew_forgets_its_checkpoint_once_it_is_ours(
    store: Store, settings: EngineSettings, tmp_path: Path
) -> None:
    path = settings.checkpoint_path(RUN.key)
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_text("theirs")
    holder = Side(tmp_path / "results.db", settings, RUN)
    holder.claims.admit([RUN.key])
    side = Side(tmp_path / "results.db", settings, RUN, anew=[RUN.key])
    assert not side.claims.admit([RUN.key])[RUN.key].may_start
    assert path.read_text() == "theirs"
    holder.claims.give_back(RUN.key)
    assert side.claims.admit([RUN.key])[RUN.key].may_start
    assert not path.exists()
    # Started once more, after its worker died: what is there is its own.
    path.write_text("ours")
    assert side.claims.admit([RUN.key])[RUN.key].may_start
    assert path.read_text() == "ours"


def test_an_old_checkpoint_that_cannot_be_removed_is_told(
    store: Store, settings: EngineSettings, tmp_path: Path
) -> None:
    path = settings.checkpoint_path(RUN.key)
    assert path is not None
    path.mkdir(parents=True)  # a folder is not unlinked by anybody
    side = Side(tmp_path / "results.db", settings, RUN, anew=[RUN.key])
    with pytest.raises(LsnError, match="old checkpoint, which cannot be removed") as error:
        side.claims.admit([RUN.key])
    assert error.value.where == str(path)


def test_force_trains_all_anew(settings: EngineSettings) -> None:
    done, interrupted, new = (spec(seed=seed) for seed in range(3))
    states = {done.key: RunState("done", 10), interrupted.key: RunState("interrupted", 10)}
    chosen = choose_runs(plan_of(done, interrupted, new), states, settings, force=True)
    assert chosen.anew == {done.key, interrupted.key, new.key}
    assert chosen.discard == {done.key}
    assert choose_runs(plan_of(done, interrupted, new), states, settings).anew == frozenset()


def test_weights_that_are_gone_come_back_and_the_results_stay(
    store: Store, settings: EngineSettings, tmp_path: Path
) -> None:
    """A student needs its teacher, which was done on another machine that shares the database."""
    student = spec(seed=2, behind=RUN)
    Side(tmp_path / "results.db", settings, RUN).train()
    before = store.run(RUN.key), store.history(RUN.key), store.artifacts(RUN.key)
    late = Side(tmp_path / "results.db", replace(settings, checkpoint_dir=tmp_path / "here"), student)
    late.claims._known.clear()  # as if the teacher had not been done when the batch was planned
    late.train()
    assert late.recorder.outcomes.ended[RUN.key].status == "done"
    assert (tmp_path / "here" / RUN.key / "final.safetensors").exists()
    assert (store.run(RUN.key), store.history(RUN.key), store.artifacts(RUN.key)) == before
    assert len(store.provenance(RUN.key)) == 1
    assert store.claims() == {}


def test_two_batches_in_two_threads_share_the_runs(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    teacher = spec(seed=10)
    specs = [*(spec(seed=seed, steps=40) for seed in range(6)), spec(seed=11, behind=teacher)]
    sides = [Side(tmp_path / "results.db", replace(settings, threads=None), *specs) for _ in range(2)]
    threads = [threading.Thread(target=side.train) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [set(side.recorder.outcomes.keys("done")) for side in sides]
    elsewhere = [set(side.recorder.outcomes.keys("done", elsewhere=True)) for side in sides]
    everything = {spec.key for spec in [*specs, teacher]}
    assert done[0] | done[1] == everything
    assert not done[0] & done[1]
    assert [mine | others for mine, others in zip(done, elsewhere, strict=True)] == [everything] * 2
    assert [len(store.provenance(key)) for key in everything] == [1] * len(everything)
    assert store.claims() == {}
    assert ends(sides[0].heard).keys() == everything


def test_what_another_batch_tries_again_blocks_nothing(
    store: Store, settings: EngineSettings, tmp_path: Path
) -> None:
    """One batch plans while the teacher has failed; another one is told to retry it. Its students must not fail."""
    first, second = spec(seed=2, behind=RUN), spec(seed=3, behind=RUN)
    other_teacher = spec(seed=8)
    alone = spec(seed=4, behind=other_teacher)
    failing = Side(tmp_path / "results.db", settings, RUN, other_teacher)
    failing.claims.admit([RUN.key, other_teacher.key])
    for key in (RUN.key, other_teacher.key):
        failing.recorder(Finished(key, "failed", 0, 1.0, "boom"))

    late = Side(tmp_path / "results.db", settings, first, alone)
    chosen = choose_runs(late.plan, store.statuses(), settings)
    assert {end.key for end in chosen.blocked} == {first.key, alone.key}
    retrying = Side(tmp_path / "results.db", settings, first, second)
    assert retrying.claims.admit([RUN.key])[RUN.key].may_start
    late.recorder.blocked(chosen.blocked)
    assert late.recorder.outcomes.keys("failed") == [alone.key]
    assert first.key not in store.statuses()

    # It has been tried again since, and is done.
    retrying.recorder(Started(RUN.key, 10, {}))
    retrying.recorder(Finished(RUN.key, "done", 10, 1.0))
    late.recorder.blocked(chosen.blocked)
    assert first.key not in store.statuses()
    assert retrying.claims.admit([first.key])[first.key].may_start


def test_what_needs_a_blocked_run_waits_with_it(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    student = spec(seed=2, behind=RUN)
    pupil = spec(seed=3, behind=student)
    failing = Side(tmp_path / "results.db", settings, RUN)
    failing.claims.admit([RUN.key])
    failing.recorder(Finished(RUN.key, "failed", 0, 1.0, "boom"))
    late = Side(tmp_path / "results.db", settings, pupil)
    blocked = choose_runs(late.plan, store.statuses(), settings).blocked
    assert [end.key for end in blocked] == [student.key, pupil.key]
    assert late.claims.still_blocked(blocked, late.plan) == list(blocked)
    retrying = Side(tmp_path / "results.db", settings, RUN)
    retrying.claims.admit([RUN.key])
    assert late.claims.still_blocked(blocked, late.plan) == []


def test_the_heart_beats(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    side = Side(tmp_path / "results.db", settings, RUN, beat=0.02)
    with side.claims:
        side.claims.admit([RUN.key])
        began = store.claims()[RUN.key].heartbeat
        assert store.claims()[RUN.key].pid == os.getpid()
        beating = threading.Event()
        for _ in range(1000):
            if store.claims()[RUN.key].heartbeat > began:
                break
            beating.wait(0.02)
        else:
            pytest.fail("no heartbeat within twenty seconds")
    assert store.claims() == {}


def test_an_empty_plan_claims_nothing(store: Store, settings: EngineSettings, tmp_path: Path) -> None:
    side = Side(tmp_path / "results.db", settings)
    with side.claims:
        side.recorder.together([])
        InProcessExecutor().execute(Plan(), side.settings, side.recorder, Control(gate=side.claims))
    assert store.claims() == {}
