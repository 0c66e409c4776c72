"""Several processes at once: each of them succeeds, and nothing is lost."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from store_samples import SPEC

from lsncli.store import Store

BOTH_DATABASES = True

# Forked: a new interpreter for each process would take longer than the test. None of them has a store yet.
FORK = multiprocessing.get_context("fork")

WRITERS, STEPS = 16, 12


def _open(target: str | Path, barrier: Any, answers: Any, number: int) -> None:
    barrier.wait()
    try:
        with Store.open(target) as store:
            answers.put(store.begin_run(f"run{number}", SPEC, steps=1, provenance={}))
    except BaseException as error:  # noqa: BLE001 - the test reads it
        answers.put(repr(error))


def _write(target: str | Path, barrier: Any, answers: Any, number: int) -> None:
    try:
        with Store.open(target) as store:
            barrier.wait()
            for step in range(STEPS):
                # Reading first, in the same transaction: what fails at once where transactions begin deferred.
                with store.transaction():
                    seen = store.history("shared").get(f"w{number}", [])
                    store.record_metrics("shared", step, {f"w{number}": float(len(seen)), "all": float(number)})
        answers.put("ok")
    except BaseException as error:  # noqa: BLE001 - the test reads it
        answers.put(repr(error))


def _together(work: Any, target: str | Path, count: int) -> list[str]:
    barrier, answers = FORK.Barrier(count), FORK.Queue()
    processes = [FORK.Process(target=work, args=(target, barrier, answers, i)) for i in range(count)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    return found


def test_sixteen_make_one_new_database(target: str | Path) -> None:
    assert _together(_open, target, 16) == ["new"] * 16
    with Store.open(target, read_only=True) as store:
        assert set(store.statuses()) == {f"run{i}" for i in range(16)}
        if store.location.path is None:
            return
        with store._reading() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_four_begin_the_same_run(target: str | Path) -> None:
    Store.open(target).close()
    assert sorted(_together(_begin_same, target, 4)) == ["continued"] * 3 + ["new"]
    with Store.open(target, read_only=True) as store:
        assert sorted(p["process"] for p in store.provenance("same")) == [0, 1, 2, 3]


def _begin_same(target: str | Path, barrier: Any, answers: Any, number: int) -> None:
    with Store.open(target) as store:
        barrier.wait()
        answers.put(store.begin_run("same", SPEC, steps=1, provenance={"process": number}))


def test_sixteen_write_and_none_is_lost(target: str | Path) -> None:
    with Store.open(target) as store:
        store.begin_run("shared", SPEC, steps=STEPS, provenance={})
    assert _together(_write, target, WRITERS) == ["ok"] * WRITERS
    with Store.open(target, read_only=True) as store:
        history = store.history("shared")
    assert len(history.pop("all")) == STEPS
    # Each value is the number of rows that the transaction saw: its own writer's, all of them.
    assert history == {f"w{n}": [(s, float(s)) for s in range(STEPS)] for n in range(WRITERS)}
