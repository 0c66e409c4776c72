"""``lsn run`` on real digits: trains once, keeps on after a failure, and refuses before it writes anything."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsncli.batch import fetch_data
from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext
from lsncli.data.stored import describe_arrays, save
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, Plan, RunSpec, TrainSpec
from lsncli.store import Store

RUN = "run tiny.toml --executor in-process"


def trained(lsn: Any, name: str = "results.db") -> dict[str, Any]:
    with Store.open(str(lsn.folder / name), read_only=True) as store:
        return {r.key: (r.status, r.finished_at) for r in store.runs()}


def test_it_trains_once_and_again_only_by_force(lsn: Any) -> None:
    first = lsn(RUN)
    assert first.status == 0, first.err
    assert first.err.splitlines()[0] == "training 2 runs"
    assert first.err.splitlines()[-1] == "2 runs: 2 trained"
    assert "[1/2] done digits" in first.err
    assert "test accuracy" in first.err
    assert "Tiny" in first.out
    before = trained(lsn)
    assert [status for status, _ in before.values()] == ["done", "done"]

    again = lsn(RUN)
    assert (again.status, again.err) == (0, "2 runs: 0 trained, 2 already there\n")
    assert again.out == first.out
    assert trained(lsn) == before
    assert lsn("report tiny.toml").out == first.out

    plan = json.loads(lsn("plan tiny.toml --seeds 2 --format json").out)
    assert [r["state"] for r in plan] == ["done", "pending", "done", "pending"]
    # Finished runs cost nothing more; new ones of the same kind are expected to take as long.
    assert plan[0]["expected_seconds"] == 0
    assert plan[1]["expected_seconds"] > 0

    # Left by a process that was killed right after its run was done. It would be told of, if it were looked at.
    for key in before:
        (lsn.folder / "results.checkpoints" / key / "checkpoint.safetensors").write_bytes(b"half")
    forced = lsn(f"{RUN} --force --only loss.name=standard")
    assert forced.err.splitlines()[-1] == "1 run: 1 trained"
    assert "checkpoint" not in forced.err
    after = trained(lsn)
    assert sum(after[key] != before[key] for key in before) == 1
    # The same seeds on the same machine: the same numbers.
    assert lsn("report tiny.toml").out == first.out


def test_dry_run_trains_nothing_and_makes_nothing(lsn: Any) -> None:
    result = lsn("run tiny.toml --dry-run")
    assert result.status == 0
    assert "2 runs, 2 to train" in result.err
    assert "pending" in result.out
    assert lsn.files() == ["tiny.toml"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--device tpu", "tpu"),
        ("--precision fp12", "unknown precision 'fp12'"),
        ("--executor nope", "unknown executor 'nope'"),
        ("--replicas -3", "--replicas '-3'"),
        ("--set data.train_size=5000", "data.train_size = 5000 is more than data set 'digits' has"),
        ("--set train.batch_size=201", "train.batch_size = 201 is more than the 200"),
    ],
)
def test_a_dry_run_and_a_plan_refuse_what_the_run_does(lsn: Any, words: str, told: str) -> None:
    for command in ("run tiny.toml", "run tiny.toml --dry-run", *(["plan tiny.toml"] if "--set" in words else [])):
        result = lsn(f"{command} {words}")
        assert result.one_message, command
        assert told in result.err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("train_size = 200", "train_size = 5000", "where: tiny.toml:5, key 'data.train_size'"),
        ("test_size = 100", "validation_size = 200", "where: tiny.toml:6, key 'data.validation_size'"),
        ("batch_size = 50", "batch_size = 500", "where: tiny.toml:15, key 'train.batch_size'"),
        ("steps = 4", "batch_size = 500", "where: --set train.batch_size"),
    ],
)
def test_a_data_set_that_is_too_small_is_told_with_its_place(
    lsn: Any, write: Any, old: str, new: str, told: str
) -> None:
    write(old, new)
    for command in ("plan", "run"):
        result = lsn(f"{command} tiny.toml{' --set train.batch_size=300' if '--set' in told else ''}")
        assert result.one_message
        assert told in result.err


@pytest.mark.parametrize(
    ("added", "told"),
    [
        # What a teacher's section says is the teacher's mistake, and its student's what it does not say.
        (["[teacher.train]", "batch_size = 500"], "tiny.toml:20, key 'teacher.train.batch_size'"),
        (["[teacher.data]", "train_size = 20"], "tiny.toml:15, key 'train.batch_size'"),
        (
            ["[[sweep.case]]", 'label = "big"', '"train.batch_size" = 500'],
            'tiny.toml, key \'train.batch_size\'; in the sweep: loss.name = "standard", label = "big"',
        ),
    ],
)
def test_a_data_set_that_is_too_small_for_a_teacher_or_a_case_is_told_with_its_place(
    lsn: Any, write: Any, added: list[str], told: str
) -> None:
    write("[profiles.smoke.train]", "\n".join([*added, "[profiles.smoke.train]"]))
    result = lsn("plan tiny.toml")
    assert result.one_message
    assert f"where: {told}\n" in result.err


def with_damaged_data(write: Any, folder: Path) -> Path:
    """Of two data sets one is damaged: its record is fine, its pixels are not. Returns its folder."""
    write('"loss.name" = ["standard", "label-smoothing"]', '"data.name" = ["broken", "digits"]')
    pixels, labels = np.zeros((300, 8, 8, 1), dtype=np.uint8), np.arange(300) % 10
    arrays = Arrays.of(pixels, labels, pixels, labels, tuple("0123456789"))
    place = folder / "data" / "prepared" / "broken"
    save(place, arrays, describe_arrays("broken", arrays, source="drawn"))
    (place / "train_images.npy").write_bytes(b"no pixels")
    return place


def test_a_data_set_is_made_ready_with_all_its_parameters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another size is another copy."""
    asked: list[tuple[str, Any]] = []
    monkeypatch.setattr("lsncli.batch.make_ready", lambda name, params, context: asked.append((name, dict(params))))
    data = [DataSpec(name="imagenet", params=params) for params in ({"size": 32}, {}, {"size": 32})]
    train = TrainSpec(steps=1, batch_size=1, optimizer=ComponentSpec(name="sgd"))
    specs = [
        RunSpec(
            data=one,
            noise=NoiseSpec(name="none"),
            model=ComponentSpec(name="mlp"),
            loss=ComponentSpec(name="standard"),
            train=train,
            seed=seed,
        )
        for seed, one in enumerate(data)
    ]
    fetch_data(Plan.of(specs), DataContext(tmp_path))
    assert asked == [("imagenet", {"size": 32}), ("imagenet", {})]


def with_a_failing_run(write: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set that is damaged after the batch has looked at it."""
    with_damaged_data(write, folder)
    monkeypatch.setattr("lsncli.batch.make_ready", lambda name, params, context: None)


def test_damaged_data_are_told_before_anything_is_trained(lsn: Any, write: Any) -> None:
    place = with_damaged_data(write, lsn.folder)
    before = lsn.files()
    result = lsn(f"{RUN} --data-dir data")
    assert result.one_message, result.err
    assert "'broken' is damaged: train_images.npy" in result.err
    assert "lsn data prepare broken SOURCE --force; or without its runs: --only data.name=digits" in result.err
    assert lsn.files() == before
    # Pixels that can be read, but are not those that were prepared.
    np.save(place / "train_images.npy", np.ones((300, 8, 8, 1), dtype=np.uint8))
    result = lsn(f"{RUN} --data-dir data")
    assert result.one_message, result.err
    assert "has changed: its digest is" in result.err
    assert lsn.files() == before
    assert lsn(f"{RUN} --data-dir data --only data.name=digits").status == 0


def test_missing_data_are_told_before_anything_is_written(lsn: Any, write: Any) -> None:
    write('"loss.name" = ["standard", "label-smoothing"]', '"data.name" = ["cifar10", "digits"]')
    result = lsn(f"{RUN} --no-download")
    assert result.one_message, result.err
    assert "cifar10 is not on this machine" in result.err
    assert "or without its runs: --only data.name=digits" in result.err
    assert lsn.files() == ["tiny.toml"]
    # With a database too, and the results in it stay.
    assert lsn(f"{RUN} --no-download --only data.name=digits").status == 0
    before = trained(lsn)
    assert lsn(f"{RUN} --no-download").one_message
    assert trained(lsn) == before


def test_of_several_recipes_those_that_only_leaves_no_run_are_left_out(lsn: Any, write: Any) -> None:
    (lsn.folder / "plain.toml").write_text((lsn.folder / "tiny.toml").read_text().replace('"Tiny"', '"Plain"'))
    write('"loss.name" = ["standard", "label-smoothing"]', '"data.name" = ["cifar10", "digits"]')
    result = lsn("plan plain.toml tiny.toml --only data.name=cifar10 --format json")
    assert [run["spec"]["data"]["name"] for run in json.loads(result.out)] == ["cifar10"]
    left_out = "left out: plain.toml (--only data.name=cifar10: no run of the recipe is left)"
    assert result.err.splitlines()[0] == left_out
    # On digits both have runs: two losses, of which the other recipe has the standard one.
    both = lsn("plan plain.toml tiny.toml --only data.name=digits --format json")
    assert (len(json.loads(both.out)), both.err) == (2, "")
    assert left_out in lsn("run plain.toml tiny.toml --only data.name=cifar10 --dry-run").err
    none = lsn("plan plain.toml tiny.toml --only data.name=mnist")
    assert none.one_message
    assert "--only data.name=mnist: no run of the recipe is left" in none.err


def test_one_failing_run_does_not_stop_the_others(lsn: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_failing_run(write, lsn.folder, monkeypatch)
    result = lsn(f"{RUN} --data-dir data")
    assert result.status == 1
    assert sorted(status for status, _ in trained(lsn).values()) == ["done", "failed"]
    lines = result.err.splitlines()
    assert lines[-1] == "2 runs: 1 trained, 1 failed"
    (failed,) = [line for line in lines if line.startswith("failed: ")]
    assert failed.startswith("failed: broken ")
    assert "train_images.npy" in failed
    key = failed.partition("(")[2][:10]
    assert f"lsn runs show {key}" in result.err
    shown = json.loads(lsn(f"runs show {key} --format json").out)
    assert shown["status"] == "failed"
    assert "train_images.npy" in shown["error"]
    states = {
        r["spec"]["data"]["name"]: r["state"]
        for r in json.loads(lsn("plan tiny.toml --data-dir data --format json").out)
    }
    assert states == {"broken": "failed", "digits": "done"}
    # What failed for a reason would fail again: it is tried again only when somebody asks.
    again = lsn(f"{RUN} --data-dir data")
    assert again.status == 1
    assert again.err.splitlines() == [
        f"  next: lsn runs show {key} tells more; --retry-failed tries again what failed",
        "2 runs: 0 trained, 1 already there, 1 failed before",
    ]
    retried = lsn(f"{RUN} --data-dir data --retry-failed")
    assert (retried.status, retried.err.splitlines()[-1]) == (1, "2 runs: 0 trained, 1 already there, 1 failed")


def test_what_diverged_is_told_again_and_how_it_is_trained_again(lsn: Any) -> None:
    """It is a result, and stays one; nothing says by itself that its loss has been mended since."""
    words = f"{RUN} --set train.optimizer.lr=1e30"
    first = lsn(words)
    assert (first.status, first.err.splitlines()[-1]) == (0, "2 runs: 0 trained, 2 diverged")
    again = lsn(words)
    (advice, summary) = again.err.splitlines()
    assert (again.status, summary) == (0, "2 runs: 0 trained, 2 diverged before")
    key = advice.split()[-1]
    assert advice == f"  next: it would diverge again; after a change in its plugin: lsn runs rm {key}"
    assert lsn(f"runs rm {key} --yes").status == 0
    assert lsn(words).err.splitlines()[-1] == "2 runs: 0 trained, 1 diverged, 1 diverged before"


def test_fail_fast_stops_at_the_first_failure(lsn: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_failing_run(write, lsn.folder, monkeypatch)
    result = lsn(f"{RUN} --data-dir data --fail-fast")
    assert result.status == 1
    assert result.err.splitlines()[-1] == "2 runs: 0 trained, 1 failed, 1 not started"


def test_two_recipes_share_their_runs(lsn: Any, write: Any) -> None:
    write('["standard", "label-smoothing"]', '["standard"]', "less.toml")
    result = lsn("run tiny.toml less.toml --profile smoke --executor in-process")
    assert result.err.splitlines()[-1] == "2 runs: 2 trained"
    assert result.out.count("Tiny") == 2


def test_the_password_of_a_database_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from lsncli.cli.command_line import command_line

    url = "postgresql://ada:secret@host/lab"
    monkeypatch.setattr(sys, "argv", ["/bin/lsn", "run", "my recipe.toml", "--db", url, f"--db={url}"])
    shown = command_line(url)
    assert "secret" not in shown
    assert shown.startswith("lsn run 'my recipe.toml' --db ")
    assert shown.count("ada:***@host/lab") == 2


REFUSED = {
    "replicas none": ("--replicas 0", ["--replicas '0'", "auto, or a whole number from 1 on"]),
    "replicas no number": ("--replicas x", ["--replicas 'x'", "auto"]),
    "replicas negative": ("--replicas -1", ["--replicas '-1'"]),
    "replicas for one at a time": (
        "--executor in-process --replicas 2 --set train.augment=crop",
        ["one run at a time", "1 or auto"],
    ),
    "unknown device": ("--device tpu", ["tpu", "cpu"]),
    "unknown precision": ("--precision fp12", ["fp12", "fp32"]),
    "unknown executor": ("--executor foo", ["unknown executor 'foo'", "in-process", "--executor"]),
    "unknown profile": ("--profile big", ["unknown profile 'big'", "smoke"]),
    "no seeds": ("--seeds 0", ["--seeds 0"]),
    "set without value": ("--set train.steps", ["--set 'train.steps'", "KEY=VALUE"]),
    "set of an unknown key": ("--set trian.steps=3", ["unknown recipe key 'trian'", "did you mean 'train.steps'?"]),
    "set of a wrong type": ("--set train.steps=many", ["train.steps", "many"]),
    "set of an impossible value": ("--set noise.rate=1.5", ["noise model 'symmetric'", "rate"]),
    "only what is not there": ("--only loss.name=mine", ["no run of the recipe is left", "label-smoothing"]),
    "data without other": ("--data digits", ["--data 'digits'", "NAME=OTHER"]),
    "data unknown": ("--data digits=digitz", ["unknown data set 'digitz'", "did you mean 'digits'"]),
    "subset too large": ("--set data.train_size=99999", ["data.train_size = 99999", "at most"]),
    "batch too large": ("--set train.batch_size=201", ["train.batch_size = 201", "at most 200"]),
    "database without name": ("--db ''", ["needs a file"]),
    "database in memory": ("--db :memory:", ["needs a file"]),
    "database of another kind": ("--db mysql://host/x", ["'mysql' are not supported", "sqlite"]),
    "database in no folder": ("--db no/such/results.db", ["folder of the result database does not exist"]),
}


@pytest.mark.parametrize(("words", "told"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_one_message_and_nothing_is_written(lsn: Any, words: str, told: list[str]) -> None:
    result = lsn(f"run tiny.toml {words}")
    assert result.one_message, result.err
    for part in told:
        assert part in result.err
    assert lsn.files() == ["tiny.toml"]


WRONG_RECIPES = {
    "unknown key": ("steps = 20", "stepps = 20", ["unknown recipe key 'stepps'", "tiny.toml:14", "'steps'"]),
    "wrong type": ("steps = 20", 'steps = "many"', ["train.steps", "tiny.toml:14"]),
    "unknown loss": ('"standard", "label', '"standart", "label', ["unknown loss 'standart'", "'standard'"]),
    "unknown parameter": ("rate = 0.2", "rat = 0.2", ["noise model 'symmetric' has no parameter 'rat'", "rate"]),
    "impossible value": ("rate = 0.2", "rate = 1.0", ["rate", "tiny.toml"]),
    "no TOML": ("[data]", "[data", ["not a valid TOML file"]),
}


@pytest.mark.parametrize(("old", "new", "told"), WRONG_RECIPES.values(), ids=WRONG_RECIPES)
def test_a_wrong_recipe_is_one_message_and_nothing_is_written(
    lsn: Any, write: Any, old: str, new: str, told: list[str]
) -> None:
    write(old, new)
    result = lsn(RUN)
    assert result.one_message, result.err
    for part in told:
        assert part in result.err
    assert lsn.files() == ["tiny.toml"]


def test_a_file_that_is_no_database_stays_as_it_is(lsn: Any) -> None:
    junk = b"these are my notes\n" * 100
    (lsn.folder / "notes.db").write_bytes(junk)
    for words in (f"{RUN} --db notes.db", "plan tiny.toml --db notes.db", "report tiny.toml --db notes.db"):
        result = lsn(words)
        assert result.one_message
        assert "not a database" in result.err
    assert (lsn.folder / "notes.db").read_bytes() == junk
    assert lsn.files() == ["notes.db", "tiny.toml"]


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is a GPU")
def test_cuda_without_a_gpu(lsn: Any) -> None:
    result = lsn("run tiny.toml --device cuda")
    assert result.one_message
    assert "cuda" in result.err
    assert lsn.files() == ["tiny.toml"]


def as_another_user(function: Callable[[], Any]) -> Any:
    """Call where permissions bind: root may write to what is read-only. In a fork, as the tests' own files may
    be closed to everyone else."""
    if os.getuid() != 0:
        return function()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(write_end, "wb") as stream:
            try:
                os.setgid(65534)
                os.setuid(65534)
                pickle.dump(function(), stream)
            except BaseException as error:  # noqa: BLE001 - the child must never return into pytest
                pickle.dump(repr(error), stream)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        answer = pickle.load(stream)
    os.waitpid(child, 0)
    return answer


def test_a_read_only_folder(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not pytest's own folder, which is closed to every other user.
    folder = Path(tempfile.mkdtemp())
    data = lsn.folder.parent / "data"
    try:
        shutil.copy(lsn.folder / "tiny.toml", folder)
        monkeypatch.chdir(folder)
        folder.chmod(0o555)

        def run() -> tuple[int, str, str]:
            answer = lsn(f"{RUN} --data-dir '{data}'")
            return answer.status, answer.out, answer.err

        # What is imported late is imported now: the other user may not read it.
        lsn(f"{RUN} --db /no/such/folder/results.db")
        status, out, err = as_another_user(run)
        assert (status, out) == (2, "")
        assert err.startswith("error: the result database cannot be written: the file or its folder is read-only")
        assert "Traceback" not in err
        assert [p.name for p in folder.iterdir()] == ["tiny.toml"]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def states(lsn: Any) -> list[str]:
    if not (lsn.folder / "results.db").exists():
        return []
    result = lsn("runs list --format json")
    return [r["status"] for r in json.loads(result.out)] if result.status == 0 else []


def test_interrupted_it_keeps_what_is_done_and_goes_on(lsn: Any, write: Any) -> None:
    write("steps = 20", "steps = 4000000")
    process = subprocess.Popen(
        [sys.executable, "-m", "lsncli", *RUN.split(), "--only", "loss.name=standard"],
        cwd=lsn.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while "running" not in states(lsn):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted: what is done is kept; the same command goes on from here"
    assert "1 run: 0 trained, 1 interrupted" in err
    assert states(lsn) == ["interrupted"]
    (run,) = json.loads(lsn("plan tiny.toml --only loss.name=standard --format json").out)
    assert run["state"] == "interrupted"


def test_two_databases_with_one_name_keep_their_weights_apart(lsn: Any) -> None:
    """A batch on the one would take what a batch on the other is writing for leftovers."""
    for name in ("lab.db", "lab.sqlite"):
        assert lsn(f"{RUN} --db {name}").status == 0
        with Store.open(lsn.folder / name, read_only=True) as store:
            paths = {entry.path for key in store.statuses() for entry in store.artifacts(key)}
        assert len(paths) == 4  # weights and predictions of two runs
        assert all((lsn.folder / path).is_file() for path in paths)
    folders = sorted(path.name for path in lsn.folder.glob("*.checkpoints"))
    assert len(folders) == 2
    assert folders[1] == "lab.checkpoints"
