"""``lsn runs verify``: a run trained again is identical, close or different, and stays as it was stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsncli.store import Store
from lsncli.verifying_numbers import compare_arrays, compare_metrics, worst


def bytes_of(folder: Path) -> dict[str, str]:
    """Database and files, less SQLite's log files, which readers make and remove."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture
def trained(lsn: Any) -> list[str]:
    """A single run and a run from a stack: both ways of taking steps."""
    assert lsn("run tiny.toml --executor in-process --replicas 1 --only loss.name=standard").status == 0
    assert lsn("run tiny.toml --executor in-process --only loss.name=label-smoothing").status == 0
    with Store.open(lsn.folder / "results.db", read_only=True) as store:
        found = {run.spec["loss"]["name"]: run.key for run in store.runs()}
        assert "stack" in store.provenance(found["label-smoothing"])[0]
        assert "stack" not in store.provenance(found["standard"])[0]
    return list(found.values())


def verdicts(lsn: Any, words: str) -> tuple[int, dict[str, Any]]:
    result = lsn(f"runs verify {words} --format json")
    return result.status, {one["key"]: one for one in json.loads(result.out)}


def test_trained_again_as_it_was_it_is_identical(lsn: Any, trained: list[str]) -> None:
    before = bytes_of(lsn.folder)
    status, found = verdicts(lsn, f"{' '.join(key[:8] for key in trained)} --exact")
    assert status == 0
    for key in trained:
        assert (found[key]["verdict"], found[key]["weights"], found[key]["metrics"]) == ("identical",) * 3
        assert found[key]["largest"] is None
        assert found[key]["provenance"] == {}
    assert bytes_of(lsn.folder) == before
    shown = lsn(f"runs verify {trained[0]}")
    assert shown.status == 0
    assert "identical" in shown.out


def test_another_precision_is_seen_and_named(lsn: Any, trained: list[str]) -> None:
    status, found = verdicts(lsn, f"{trained[0]} --precision bf16 --tolerance 0")
    assert status == 1
    assert found[trained[0]]["verdict"] == "different"
    assert found[trained[0]]["provenance"]["precision"] == {"then": "fp32", "now": "bf16"}
    # The same difference, under a tolerance that no number of this run exceeds.
    status, found = verdicts(lsn, f"{trained[0]} --precision bf16 --tolerance 10")
    assert (status, found[trained[0]]["verdict"]) == (0, "close")
    assert verdicts(lsn, f"{trained[0]} --precision bf16 --tolerance 10 --exact")[0] == 1


def test_no_configuration_changes_how_a_run_was_trained(lsn: Any, trained: list[str]) -> None:
    (lsn.folder / "lsn.toml").write_text('device = "nowhere"\nprecision = "bf16"\n')
    result = lsn(f"runs verify {trained[0]} --exact --format json", LSN_PRECISION="nonsense", LSN_DEVICE="nosuch")
    assert (result.status, json.loads(result.out)[0]["provenance"]) == (0, {})


def test_a_wrong_device_or_precision_is_refused_before_anything_is_trained(lsn: Any, trained: list[str]) -> None:
    for words, told in (("--precision fp8", "unknown precision 'fp8'"), ("--device nosuch", "'nosuch'")):
        result = lsn(f"runs verify {trained[0]} {words}")
        assert result.one_message
        assert told in result.err


def test_what_cannot_be_trained_here_is_told_beside_what_is_stored(lsn: Any, trained: list[str]) -> None:
    with Store.open(lsn.folder / "results.db") as store:
        provenance = {**store.provenance(trained[0])[-1], "backend": "nowhere"}
        store.finish_run(
            trained[0], "failed", final_step=3, seconds=1.0, error="boom"
        )  # a done run is not begun again
        store.begin_run(trained[0], store.run(trained[0]).spec, steps=20, provenance=provenance)
        store.finish_run(trained[0], "done", final_step=20, seconds=1.0)
    status, found = verdicts(lsn, trained[0])
    assert (status, found[trained[0]]["verdict"]) == (1, "failed")
    error = found[trained[0]]["error"]
    assert error.startswith("it ended as failed after 0 steps (")
    assert "nowhere" in error
    assert error.endswith("); the stored run was done after 20")


def test_a_changed_number_and_missing_weights_are_seen(lsn: Any, trained: list[str]) -> None:
    one, other = trained
    with Store.open(lsn.folder / "results.db") as store:
        accuracy = dict(store.history(one)["test_accuracy"])[20]
        store.record_metrics(one, 20, {"test_accuracy": accuracy + 0.25})
    (lsn.folder / "results.checkpoints" / other / "final.safetensors").unlink()
    status, found = verdicts(lsn, f"{one} {other}")
    assert status == 1
    assert (found[one]["verdict"], found[one]["weights"]) == ("different", "identical")
    assert found[one]["largest"]["what"] == "test_accuracy at step 20"
    assert found[one]["largest"]["stored"] == pytest.approx(found[one]["largest"]["found"] + 0.25)
    assert (found[other]["verdict"], found[other]["weights"]) == ("identical", "missing")


def test_a_student_is_verified_with_its_teacher_or_without(lsn: Any) -> None:
    text = (lsn.folder / "tiny.toml").read_text()
    (lsn.folder / "taught.toml").write_text(
        text.partition("[sweep]")[0] + '[loss]\nname = "standard"\n[teacher]\nseed = 5\n'
    )
    assert lsn("run taught.toml --executor in-process --replicas 1").status == 0
    with Store.open(lsn.folder / "results.db", read_only=True) as store:
        student = next(run.key for run in store.runs() if "teacher" in run.spec)
        teacher = next(run.key for run in store.runs() if "teacher" not in run.spec)
    assert verdicts(lsn, f"{student} --exact")[0] == 0
    (lsn.folder / "results.checkpoints" / teacher / "final.safetensors").unlink()
    assert verdicts(lsn, f"{student} --exact")[0] == 0
    assert not (lsn.folder / "results.checkpoints" / teacher / "final.safetensors").exists()


def test_what_has_no_results_is_refused(lsn: Any, trained: list[str]) -> None:
    with Store.open(lsn.folder / "results.db") as store:
        store.finish_run(trained[0], "failed", final_step=3, seconds=1.0, error="boom")
    result = lsn(f"runs verify {trained[0]}")
    assert result.one_message
    assert "is failed: it has no results to verify" in result.err


# -- the comparison itself: expected values from its definition ------------------------------------------------


def test_metrics_by_the_largest_relative_difference() -> None:
    stored = {"a": [(1, 100.0), (2, 0.5)], "images_per_second": [(1, 7.0)], "n": [(1, float("nan"))]}
    same = {("a", 1): 100.0, ("a", 2): 0.5, ("n", 1): float("nan")}
    assert compare_metrics(stored, same, 0.0) == ("identical", None)
    likeness, largest = compare_metrics(stored, {**same, ("a", 1): 101.0, ("a", 2): 0.505}, 0.01)
    assert largest is not None
    # 1/101 of a hundred, against 0.005 of what is smaller than one.
    assert (likeness, largest.what) == ("close", "a at step 1")
    assert largest.size == pytest.approx(1 / 101)
    assert compare_metrics(stored, {**same, ("a", 1): 102.0}, 0.01)[0] == "different"
    assert compare_metrics(stored, {**same, ("a", 3): 1.0}, 1e9)[0] == "different"
    assert compare_metrics(stored, {**same, ("n", 1): 1.0}, 1e9)[0] == "different"


def test_arrays_of_which_seeds_decide_must_be_equal() -> None:
    counts = np.array([[3, 1], [0, 4]])
    bins = np.array([0.1, 0.2])
    stored = {("noise_transition_counts", 0): counts, ("test_reliability_bins", 5): bins}
    assert compare_arrays(stored, dict(stored)) == ((), "identical")
    moved = {**stored, ("test_reliability_bins", 5): bins + 1e-9}
    assert compare_arrays(stored, moved) == (("test_reliability_bins",), "close")
    noisy = {**stored, ("noise_transition_counts", 0): counts.T}
    assert compare_arrays(stored, noisy) == (("noise_transition_counts",), "different")
    assert compare_arrays(stored, {}) == (("noise_transition_counts", "test_reliability_bins"), "different")
    assert worst(["identical", "close", "identical"]) == "close"
