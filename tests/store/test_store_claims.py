"""Claims: one claimant for each run, the dead lose theirs, and who has lost one can no longer write."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from store_samples import SPEC, Begin
from test_store_schema import thaw

from lsncli.store import RunState, Store, claimant
from lsncli.store.claimant import Claimant, ClaimEntry, process_start, this_machine
from lsncli.store.models import claim as claim_table

BOTH_DATABASES = True

HERE = Claimant.this_process()
OTHER = replace(HERE, token="other", host="ada")


def never(entry: ClaimEntry) -> bool:
    return False


def test_one_claimant_for_each_run(store: Store) -> None:
    assert store.claim(["a", "b"], HERE, {}, never) == {"a": None, "b": None}
    found = store.claim(["b", "c"], OTHER, {}, never)
    assert found["c"] is None
    hindrance = found["b"]
    assert isinstance(hindrance, ClaimEntry)
    assert (hindrance.token, hindrance.who) == (HERE.token, f"process {os.getpid()} on {HERE.host}")
    # Asked again, what is ours stays ours.
    assert store.claim(["a"], HERE, {}, never) == {"a": None}
    assert {key: entry.token for key, entry in store.claims().items()} == {
        "a": HERE.token,
        "b": HERE.token,
        "c": OTHER.token,
    }
    assert store.claims(["c", "z"]).keys() == {"c"}


def test_what_is_given_back_is_free(store: Store) -> None:
    store.claim(["a", "b", "c"], HERE, {}, never)
    store.release_claims(OTHER.token)
    store.release_claims(HERE.token, ["a"])
    assert store.claim(["a"], OTHER, {}, never) == {"a": None}
    store.release_claims(HERE.token)
    assert store.claims().keys() == {"a"}


def test_who_lost_a_claim_does_not_hold_it(store: Store) -> None:
    store.claim(["a", "b"], HERE, {}, never)
    assert store.held_claims(HERE.token, ["a", "b", "c"]) == {"a", "b"}
    assert store.claim(["a"], OTHER, {}, lambda entry: True) == {"a": None}
    assert store.held_claims(HERE.token, ["a", "b"]) == {"b"}
    # Nor does giving it back take it from the other one.
    store.release_claims(HERE.token, ["a"])
    assert store.claims()["a"].token == OTHER.token


def test_a_run_that_has_ended_meanwhile_is_not_claimed(store: Store, begin: Begin) -> None:
    begin("a", {1: {"m": 1.0}}, "failed")
    before = store.statuses(["a"])
    # Known as it is: somebody wants to try it again.
    assert store.claim(["a"], HERE, before, never) == {"a": None}
    store.release_claims(HERE.token)
    begin("a", {1: {"m": 1.0}}, "done")
    found = store.claim(["a"], HERE, before, never)["a"]
    assert isinstance(found, RunState)
    assert found.status == "done"
    assert store.claims() == {}
    # The same status, of another end: it was trained again by somebody else.
    before = store.statuses(["a"])
    store.discard_runs(["a"])
    begin("a", {1: {"m": 1.0}}, "done")
    assert isinstance(store.claim(["a"], HERE, before, never)["a"], RunState)


def test_a_heartbeat_is_of_ones_own_claims(store: Store) -> None:
    store.claim(["a"], HERE, {}, never)
    store.claim(["b"], OTHER, {}, never)
    past = datetime.now(UTC) - timedelta(seconds=500)
    with store.transaction() as connection:
        connection.execute(update(claim_table).values(heartbeat=past))
    store.renew_claims(HERE.token)
    silent = {key: entry.silent for key, entry in store.claims().items()}
    assert silent["a"] < 400
    assert silent["b"] >= 500


def entry(**changes: Any) -> ClaimEntry:
    now = datetime.now(UTC)
    values = {name: getattr(HERE, name) for name in ("token", "host", "pid", "machine", "process_start")}
    return ClaimEntry(**{"key": "a", "since": now, "heartbeat": now, "silent": 0.0, **values, **changes})


@pytest.mark.skipif(this_machine() is None, reason="the system does not tell of processes by /proc")
def test_whether_a_process_lives() -> None:
    assert entry().lives() is True
    # Its number was given to another process since.
    assert entry(process_start=HERE.process_start + 1).lives() is False  # type: ignore[operator]
    # Another machine, or another boot of this one: nobody can tell from here.
    assert entry(machine="another").lives() is None
    assert entry(machine=None).lives() is None
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = process_start(child.pid)
    of_child = entry(pid=child.pid, process_start=began)
    assert began is not None
    assert of_child.lives() is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    # It has ended, though its parent has not asked for it yet.
    assert of_child.lives() is False
    child.communicate()
    assert of_child.lives() is False


@pytest.mark.skipif(this_machine() is None, reason="the system does not tell of processes by /proc")
def test_a_hidden_process_may_live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """/proc as another user sees it with hidepid=2: without an entry for the process."""
    for name in ("sys/kernel/random/boot_id", "self/ns/pid"):
        (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_bytes(Path("/proc/sys/kernel/random/boot_id").read_bytes())
    (tmp_path / "self/ns/pid").symlink_to(Path("/proc/self/ns/pid").readlink())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    of_child = entry(pid=child.pid, process_start=process_start(child.pid))
    monkeypatch.setattr(claimant, "_PROC", tmp_path)
    assert of_child.lives() is None
    assert of_child.sleeps_with_us

    def of_another(pid: int, signal: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", of_another)
        assert of_child.lives() is None
    child.communicate()
    assert of_child.lives() is False


def test_who_sleeps_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the boot of the machine, or where the system does not tell it, by the machine's name."""
    here = entry(machine="this boot")
    monkeypatch.setattr(claimant, "this_machine", lambda: "this boot")
    assert here.sleeps_with_us
    assert not entry(machine="an earlier boot").sleeps_with_us
    assert entry(machine=None).sleeps_with_us
    monkeypatch.setattr(claimant, "this_machine", lambda: None)
    assert here.sleeps_with_us
    assert not entry(machine=None, host="another").sleeps_with_us


@pytest.mark.skipif(this_machine() is None, reason="the system does not tell of processes by /proc")
def test_when_a_process_began() -> None:
    """Against ps, which reads the same clock in another way: seconds since the process began."""
    started = process_start(os.getpid())
    assert started is not None
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    age = uptime - started / os.sysconf("SC_CLK_TCK")
    told = subprocess.run(["ps", "-o", "etimes=", "-p", str(os.getpid())], capture_output=True, text=True)
    if told.returncode == 0:
        assert abs(age - float(told.stdout)) <= 5
    assert process_start(2**22 + 1) is None


def test_claims_of_the_frozen_database(path: Path) -> None:
    thaw("0003", path)
    with Store.open(path, read_only=True) as store:
        [found] = store.claims().values()
    # As written in the dump.
    assert (found.key, found.who) == ("fedcba98765432100000", "process 4711 on ada")
    assert found.heartbeat == datetime(2025, 1, 2, 4, 0, 5, 250000, tzinfo=UTC)
    assert found.process_start == 123456
    assert found.lives() is None


def test_an_older_database_has_none(path: Path) -> None:
    thaw("0002", path)
    with Store.open(path, read_only=True) as store:
        assert store.claims() == {}


# -- many processes ---------------------------------------------------------------------------------------

FORK = multiprocessing.get_context("fork")
MANY, KEYS = 16, [f"key{number}" for number in range(10)]


def _claim_all(target: str | Path, barrier: Any, answers: Any) -> None:
    try:
        with Store.open(target) as store:
            me = Claimant.this_process()
            barrier.wait()
            mine = [key for key in KEYS if store.claim([key], me, {}, never)[key] is None]
            answers.put(mine)
            # Nobody ends before all have asked: what the dead held would be free.
            barrier.wait()
    except BaseException as error:  # noqa: BLE001 - the test reads it
        answers.put([repr(error)])


def test_of_sixteen_one_gets_each_run(target: str | Path) -> None:
    Store.open(target).close()
    barrier, answers = FORK.Barrier(MANY), FORK.Queue()
    processes = [FORK.Process(target=_claim_all, args=(target, barrier, answers)) for _ in range(MANY)]
    for process in processes:
        process.start()
    taken = [key for _ in processes for key in answers.get(timeout=60)]
    for process in processes:
        process.join(timeout=60)
    assert sorted(taken) == sorted(KEYS)


def test_readers_do_not_block_writers(target: str | Path, begin: Begin) -> None:
    """A reader in the middle of its rows; a writer that would give up after a fifth of a second."""
    begin("a", {step: {"m": float(step)} for step in range(50)})
    with Store.open(target, read_only=True) as reader, Store.open(target, timeout=0.2) as writer:
        rows = reader.metrics(["a"])
        seen = [next(rows)]
        for step in range(50, 60):
            writer.record_metrics("a", step, {"m": float(step)})
        writer.begin_run("b", SPEC, steps=1, provenance={})
        seen += list(rows)
        # It sees one state, that of its beginning; the next reader sees all.
        assert [row.step for row in seen] == list(range(50))
        assert len(reader.history("a")["m"]) == 60
