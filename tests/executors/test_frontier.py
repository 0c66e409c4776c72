"""Which runs may start, and which never will."""

from __future__ import annotations

import itertools

import pytest
from executor_samples import plan_of, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from lsncli.executors.frontier import Frontier
from lsncli.plan import ComponentSpec, Plan, RunSpec, TransitionSpec


def over(teacher: RunSpec, estimated_from: RunSpec, **changes: object) -> RunSpec:
    """A run that depends on two others."""
    transition = TransitionSpec(estimator=ComponentSpec(name="anchor"), run=estimated_from)
    return spec(behind=teacher, **changes).model_copy(update={"transition": transition})  # type: ignore[arg-type]


def test_runs_without_dependencies_start_in_the_order_of_the_plan() -> None:
    runs = [spec(seed=seed) for seed in range(4)]
    frontier = Frontier(plan_of(*runs))
    taken = [frontier.take() for _ in range(5)]
    assert [run.key if run else None for run in taken] == [*(r.key for r in runs), None]
    assert not frontier


def test_a_student_waits_for_its_teacher() -> None:
    teacher, free = spec(seed=1), spec(seed=9)
    student = spec(seed=2, behind=teacher)
    frontier = Frontier(plan_of(student, free))
    first, second = frontier.take(), frontier.take()
    assert first is not None
    assert second is not None
    assert (first.key, second.key) == (teacher.key, free.key)
    assert frontier.take() is None
    assert frontier
    assert frontier.finished(free.key, "done") == []
    assert frontier.take() is None
    assert frontier.finished(teacher.key, "done") == []
    last = frontier.take()
    assert last is not None
    assert last.key == student.key


def test_what_was_done_before_is_not_waited_for() -> None:
    teacher = spec(seed=1)
    student = spec(seed=2, behind=teacher)
    frontier = Frontier(plan_of(student).without([teacher.key]))
    run = frontier.take()
    assert run is not None
    assert run.key == student.key


@pytest.mark.parametrize("outcome", ["failed", "diverged"])
def test_everything_behind_a_lost_run_is_told_once(outcome: str) -> None:
    """B needs A; C needs both (so it is reached on two ways); D needs C; E needs nothing."""
    a, e = spec(seed=1), spec(seed=5)
    b = spec(seed=2, behind=a)
    c = over(b, a, seed=3)
    d = spec(seed=4, behind=c)
    frontier = Frontier(plan_of(d, e))
    assert frontier.take().key == a.key  # type: ignore[union-attr]
    lost = frontier.finished(a.key, outcome)  # type: ignore[arg-type]
    assert [end.key for end in lost] == [b.key, c.key, d.key]
    assert {end.status for end in lost} == {"failed"}
    assert lost[0].error == f"it needs run {a.key[:10]}, which ended as {outcome}"
    assert lost[2].error == f"it needs run {c.key[:10]}, which ended as failed"
    assert frontier.take().key == e.key  # type: ignore[union-attr]
    assert not frontier


def test_behind_an_interrupted_run_nothing_fails_and_nothing_starts() -> None:
    teacher = spec(seed=1)
    frontier = Frontier(plan_of(spec(seed=2, behind=teacher)))
    assert frontier.take() is not None
    assert frontier.finished(teacher.key, "interrupted") == []
    assert frontier.take() is None


def test_a_long_chain_fails_without_recursion() -> None:
    chain = spec(seed=0)
    runs = [chain]
    for seed in range(1, 30):
        chain = spec(seed=seed, behind=chain)
        runs.append(chain)
    frontier = Frontier(plan_of(chain))
    frontier.take()
    assert [end.key for end in frontier.finished(runs[0].key, "failed")] == [run.key for run in runs[1:]]


GRAPHS = st.integers(1, 7).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, max(0, i - 1)), max_size=2, unique=True) for i in range(n)))
)


@settings(deadline=None, max_examples=60)
@given(GRAPHS, st.sets(st.integers(0, 6)), st.randoms(use_true_random=False))
def test_any_plan_ends_with_every_run_accounted_for(graph, failing, random) -> None:
    """Against the definition: a run fails if it is to fail or anything that it needs has failed."""
    runs: list[RunSpec] = []
    for number, needs in enumerate(graph):
        needed = [runs[i] for i in needs if i < number]
        made = spec(seed=number, behind=needed[0] if needed else None)
        if len(needed) > 1:
            made = over(needed[0], needed[1], seed=number)
        runs.append(made)
    expected: dict[str, bool] = {}
    for number, run in enumerate(runs):
        expected[run.key] = number not in failing and all(expected[d.key] for d in run.dependencies())

    frontier, open_runs, ended = Frontier(Plan.of(runs)), [], {}
    for _ in itertools.count():
        while (run := frontier.take()) is not None:
            assert all(ended.get(d) for d in run.dependencies)
            open_runs.append(run.key)
        if not open_runs:
            break
        key = open_runs.pop(random.randrange(len(open_runs)))
        good = [r.key for r in runs].index(key) not in failing
        for lost in frontier.finished(key, "done" if good else "failed"):
            assert lost.key not in ended
            ended[lost.key] = False
        ended[key] = good
    assert ended == expected
    assert not frontier
