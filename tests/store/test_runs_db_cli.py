"""``lsn runs`` and ``lsn db``: what they print, what they refuse."""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from store_samples import SPEC
from typer.testing import CliRunner, Result

from lsncli.cli import db, runs
from lsncli.cli.main import LsnGroup
from lsncli.store import Store
from lsncli.store.claimant import Claimant

GOOD, BAD = "0a1b2c3d4e5f60718293", "0a1bffffffffffffffff"
EVIL = "=HYPERLINK(1)"
#: The newest schema of the result database.
HEAD = "0003"


@pytest.fixture
def filled(path: Path) -> Path:
    with Store.open(path) as store:
        store.begin_run(
            GOOD, SPEC, title=EVIL, steps=1000, provenance={"device": "cpu", "packages": {"torch": "2.9"}}
        )
        store.record_metrics(GOOD, 500, {"test_accuracy": 0.9, "test_loss": 0.5})
        store.record_metrics(GOOD, 1000, {"test_accuracy": 0.75, "test_loss": math.nan})
        store.record_array(GOOD, 0, "noise_transition_counts", np.array([[31, 7], [5, 29]]))
        store.record_artifact(GOOD, "weights", "w/final.safetensors", sha256="0" * 64, size=12)
        store.finish_run(GOOD, "done", final_step=1000, seconds=12.34)
        teacher = {**SPEC, "loss": {"name": "standard"}}
        spec = {**SPEC, "data": {"name": "cifar10", "train_size": 500}, "seed": 3, "teacher": teacher}
        store.begin_run(BAD, spec, steps=1000, provenance={})
        store.record_metrics(BAD, 10, {"test_loss": math.inf, "test_nll": -math.inf})
        store.finish_run(BAD, "failed", final_step=10, seconds=1.0, error="boom", traceback="Traceback\n  line 7")
    return path


def lsn(*arguments: object, **how: Any) -> Result:
    app = typer.Typer(cls=LsnGroup)
    app.add_typer(runs.app, name="runs")
    app.add_typer(db.app, name="db")
    return CliRunner().invoke(app, [str(a) for a in arguments], **how)


def good(*arguments: object, **how: Any) -> str:
    result = lsn(*arguments, **how)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    result = lsn(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def finite(text: str) -> Any:
    """Strict JSON: Python's reader would take NaN for a number."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_list(filled: Path) -> None:
    text = good("runs", "list", "--db", filled, env={"COLUMNS": "250"})
    head, _, second, first, *_ = text.splitlines()
    assert head.replace("┃", " ").split()[:3] == ["key", "status", "data"]
    for cell in (
        GOOD[:10],
        "done",
        "digits",
        "symmetric rate=0.2",
        "label-smoothing alpha=0.1",
        "75.00 %",
        "90.00 %",
    ):
        assert cell in first
    assert GOOD not in text
    for cell in (BAD[:10], "failed", "cifar10 train_size=500", "taught by standard"):
        assert cell in second


def test_list_json(filled: Path) -> None:
    found = finite(good("runs", "list", "--db", filled, "--format", "json"))
    assert [r["key"] for r in found] == [BAD, GOOD]
    assert found[1]["spec"] == SPEC
    assert (found[1]["last"], found[1]["best"]) == ({"test_accuracy": 0.75}, {"test_accuracy": 0.9})
    assert (found[0]["last"], found[0]["error"], found[0]["final_step"]) == ({}, "boom", 10)
    assert found[1]["finished_at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--status", "done"], [GOOD]),
        (["--status", "running"], []),
        (["--data", "cifar10"], [BAD]),
        (["--data", "cifar"], []),
        (["--loss", "label-smoothing"], [BAD, GOOD]),
        (["--loss", "label-smoothing", "--limit", "1"], [BAD]),
        (["--data", "digits", "--limit", "1"], [GOOD]),
    ],
)
def test_list_filters(filled: Path, options: list[str], keys: list[str]) -> None:
    found = finite(good("runs", "list", "--db", filled, "--format", "json", *options))
    assert [r["key"] for r in found] == keys


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--loss", "typo"], "no run has --loss typo; there are: label-smoothing"),
        (["--data", "typo"], "no run has --data typo; there are: cifar10, digits"),
        (
            ["--data", "cifar10", "--status", "done"],
            "no run has --data cifar10 among those that are done; there are: digits",
        ),
        (["--loss", "label-smoothing", "--status", "running"], "among those that are running; there are: none"),
        (["--data", "digits"], ""),
        (["--status", "running"], ""),
    ],
)
@pytest.mark.parametrize("format", ["table", "json"])
def test_a_name_that_no_run_has_is_told(filled: Path, options: list[str], told: str, format: str) -> None:
    """To list nothing is no failure, but a misspelt name should not look like an empty database."""
    result = lsn("runs", "list", "--db", filled, "--format", format, *options)
    assert result.exit_code == 0
    assert result.stderr == "" if not told else told in result.stderr


def test_names_that_no_run_has_together_are_told(filled: Path) -> None:
    with Store.open(filled) as store:
        store.begin_run(
            "0c" * 10, {**SPEC, "data": {"name": "imagenet"}, "loss": {"name": "standard"}}, steps=1, provenance={}
        )
    result = lsn("runs", "list", "--db", filled, "--data", "imagenet", "--loss", "label-smoothing")
    assert "no run has --data imagenet and --loss label-smoothing" in result.stderr


def test_the_database_may_come_from_the_environment(filled: Path) -> None:
    assert GOOD[:10] in good("runs", "list", env={"LSN_DB": str(filled)})


def test_show(filled: Path) -> None:
    text = good("runs", "show", GOOD[:6], "--db", filled)
    for part in (
        f"key: {GOOD}", "status: done", "steps: 1000 of 1000", "seconds: 12.3",
        "  loss:\n    name: label-smoothing\n    params:\n      alpha: 0.1",
        "labels after the noise", "w/final.safetensors (12 bytes)", "device: cpu", "torch: 2.9",
    ):  # fmt: skip
        assert part in text
    rows = [line.replace("│", " ").split() for line in text.splitlines()]
    assert ["test_accuracy", "0.75", "0.9"] in rows
    assert ["test_loss", "nan", "0.5"] in rows
    assert ["1", "5", "29"] in rows
    text = good("runs", "show", BAD, "--db", filled)
    assert "error: boom" in text
    assert "    line 7" in text


def test_show_tells_the_estimate(path: Path) -> None:
    """A run that was given T by an estimator, and then learnt another one of which no distance was measured."""
    with Store.open(path) as store:
        store.begin_run(GOOD, SPEC, steps=10, provenance={})
        store.record_array(GOOD, 0, "transition_estimate", np.array([[0.75, 0.25], [0.125, 0.875]]))
        # From a true matrix of 0.8 and 0.2: half of 0.05 + 0.05, and half of 0.075 + 0.075.
        store.record_array(GOOD, 0, "transition_total_variation", np.array([0.05, 0.075]))
    text = good("runs", "show", GOOD, "--db", path)
    rows = [line.replace("│", " ").split() for line in text.splitlines()]
    assert ["0", "0.750", "0.250", "0.050"] in rows
    assert ["1", "0.125", "0.875", "0.075"] in rows
    found = finite(good("runs", "show", GOOD, "--db", path, "--format", "json"))
    assert found["transition_estimate"] == [[0.75, 0.25], [0.125, 0.875]]
    assert found["transition_total_variation"] == [0.05, 0.075]
    assert found["noise_counts"] is None
    with Store.open(path) as store:
        store.record_array(GOOD, 10, "transition_estimate", np.array([[0.5, 0.5], [0.25, 0.75]]))
    text = good("runs", "show", GOOD, "--db", path)
    assert ["0", "0.500", "0.500"] in [line.replace("│", " ").split() for line in text.splitlines()]
    assert "TV" not in text


def test_show_json(filled: Path) -> None:
    found = finite(good("runs", "show", GOOD, "--db", filled, "--format", "json"))
    assert found["last"] == {"test_accuracy": 0.75, "test_loss": None}
    assert found["best"] == {"test_accuracy": 0.9, "test_loss": 0.5}
    assert found["noise_counts"] == [[31, 7], [5, 29]]
    assert found["arrays"][0]["shape"] == [2, 2]
    assert found["artifacts"] == [
        {"name": "weights", "path": "w/final.safetensors", "sha256": "0" * 64, "size": 12}
    ]
    assert found["provenance"] == {"device": "cpu", "packages": {"torch": "2.9"}}
    assert finite(good("runs", "show", BAD, "--db", filled, "--format", "json"))["traceback"].startswith(
        "Traceback"
    )


def test_show_says_that_a_run_was_begun_before(filled: Path) -> None:
    with Store.open(filled) as store:
        store.begin_run(BAD, SPEC, steps=1000, provenance={"device": "cuda"})
    text = good("runs", "show", BAD, "--db", filled)
    assert "begun 1 time before" in text
    assert "error" not in text


def test_rm(filled: Path) -> None:
    text = good("runs", "rm", GOOD[:6], GOOD, "--yes", "--db", filled)
    assert text.startswith("removed 1 run\n")
    assert GOOD in text
    with Store.open(filled, read_only=True) as store:
        assert set(store.statuses()) == {BAD}


def test_rm_removes_what_a_new_run_would_go_on_from(filled: Path) -> None:
    """The checkpoint and what was half-written; not what a run left at its end, and nothing of another run."""
    folder = filled.with_name(f"{filled.stem}.checkpoints")
    whole = ("final.safetensors", "predictions.safetensors")
    for key in (GOOD, BAD):
        (folder / key).mkdir(parents=True)
        for name in (*whole, "checkpoint.safetensors", ".checkpoint.safetensors.1-ab.part", "final.ab.safetensors"):
            (folder / key / name).write_bytes(b"numbers")
    good("runs", "rm", GOOD, "--yes", "--db", filled)
    assert {p.name for p in (folder / GOOD).iterdir()} == set(whole)
    assert len(list((folder / BAD).iterdir())) == 5
    for name in whole:
        (folder / BAD / name).unlink()
    good("runs", "rm", BAD, "--yes", "--db", filled)
    assert not (folder / BAD).exists()


def test_rm_tells_of_a_checkpoint_that_stays(filled: Path) -> None:
    folder = filled.with_name(f"{filled.stem}.checkpoints")
    (folder / BAD / "checkpoint.safetensors").mkdir(parents=True)  # which no unlink removes
    result = lsn("runs", "rm", BAD, "--yes", "--db", filled)
    assert result.exit_code == 2
    assert result.stdout.startswith("removed 1 run\n")
    assert "is removed, but not its checkpoint" in result.stderr
    assert "--force" in result.stderr


def test_rm_removes_no_file_of_a_key_that_leads_elsewhere(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.mkdir()
    (elsewhere / "checkpoint.safetensors").write_bytes(b"numbers")
    path.with_name(f"{path.stem}.checkpoints").mkdir()
    with Store.open(path) as store:
        store.begin_run("../elsewhere", SPEC, steps=10, provenance={})
        store.finish_run("../elsewhere", "failed", final_step=1, seconds=1.0, error="boom")
    good("runs", "rm", "../elsewhere", "--yes", "--db", path)
    assert (elsewhere / "checkpoint.safetensors").exists()


@pytest.mark.parametrize(("answer", "left"), [("y\n", set()), ("n\n", {GOOD, BAD}), ("\n", {GOOD, BAD})])
def test_rm_asks(filled: Path, monkeypatch: pytest.MonkeyPatch, answer: str, left: set[str]) -> None:
    # The runner replaces sys.stdin with a stream of its own class for the time of the call.
    monkeypatch.setattr("lsncli.cli.remove.sys", _Terminal())
    result = lsn("runs", "rm", GOOD, BAD, "--db", filled, input=answer)
    assert result.exit_code == (1 if left else 0)
    assert "Remove 2 runs?" in result.stderr
    with Store.open(filled, read_only=True) as store:
        assert set(store.statuses()) == left


class _Terminal:
    """A stand-in for the module ``sys`` in which somebody sits at the terminal."""

    class stdin:  # noqa: N801
        isatty = staticmethod(lambda: True)

    stdout, stderr = sys.stdout, sys.stderr


def test_rm_refuses_without_a_terminal(filled: Path) -> None:
    assert "--yes" in refused("runs", "rm", GOOD, "--db", filled)
    # A key that is not there is told first: the next attempt need not be refused as well.
    for words in (("ffff", "--yes"), ("ffff",)):
        text = refused("runs", "rm", GOOD, *words, "--db", filled)
        assert "begins with 'ffff'" in text
        assert "--yes" not in text
    with Store.open(filled, read_only=True) as store:
        assert set(store.statuses()) == {GOOD, BAD}


def test_rm_leaves_what_is_being_trained(filled: Path) -> None:
    """Its batch has more to store for it."""
    me = Claimant.this_process()
    with Store.open(filled) as store:
        store.claim([BAD], me, store.statuses(), lambda entry: False)
        text = refused("runs", "rm", GOOD, BAD, "--yes", "--db", filled)
        assert f"run {BAD} is being trained by process {me.pid} on {me.host}" in text
        assert "Ctrl-C" in text
        assert set(store.statuses()) == {GOOD, BAD}
        store.release_claims(me.token)
        # A claim whose process has ended holds nothing.
        store.claim([BAD], replace(me, process_start=1), store.statuses(), lambda entry: False)
    if me.machine is None:
        return
    good("runs", "rm", BAD, "--yes", "--db", filled)


def test_export_csv(filled: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(good("runs", "export", "--db", filled))))
    assert len(rows) == 6
    found = {(r["key"], r["metric"], r["step"]): r["value"] for r in rows}
    assert float(found[GOOD, "test_accuracy", "1000"]) == 0.75
    assert math.isnan(float(found[GOOD, "test_loss", "1000"]))
    # Numbers are numbers, also below zero; text must not become a formula.
    assert float(found[BAD, "test_nll", "10"]) == -math.inf
    assert {r["title"] for r in rows} == {"", f"'{EVIL}"}
    assert {r["data"] for r in rows} == {"digits", "cifar10 train_size=500"}


def test_export_json(filled: Path, tmp_path: Path) -> None:
    output = tmp_path / "numbers.json"
    result = lsn("runs", "export", GOOD[:5], BAD, "--db", filled, "--output", output)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "6 rows written" in result.stderr
    found = {(r["key"], r["metric"], r["step"]): r["value"] for r in finite(output.read_text(encoding="utf-8"))}
    assert found[GOOD, "test_loss", 500] == 0.5
    assert found[GOOD, "test_loss", 1000] == "NaN"
    assert (found[BAD, "test_loss", 10], found[BAD, "test_nll", 10]) == ("Infinity", "-Infinity")
    assert list(tmp_path.glob(".*")) == []


def test_export_of_one_run_and_of_none(filled: Path, path: Path) -> None:
    assert {r["key"] for r in finite(good("runs", "export", GOOD, "--format", "json", "--db", filled))} == {GOOD}
    good("runs", "rm", GOOD, BAD, "--yes", "--db", filled)
    assert finite(good("runs", "export", "--format", "json", "--db", filled)) == []
    assert good("runs", "export", "--db", filled).count("\n") == 1


def test_export_to_where_nothing_can_be_written(filled: Path, tmp_path: Path) -> None:
    assert "cannot be written" in refused("runs", "export", "--db", filled, "-o", tmp_path / "no" / "x.csv")
    assert "cannot be written" in refused("runs", "export", "--db", filled, "-o", tmp_path)


def test_a_failing_export_keeps_the_old_file(filled: Path, tmp_path: Path) -> None:
    output = tmp_path / "numbers.csv"
    output.write_text("old")
    refused("runs", "export", "ffff", "--db", filled, "-o", output)
    assert output.read_text() == "old"


def test_info(filled: Path) -> None:
    with Store.open(filled) as store:
        store.set_stand_in("cifar10-jpeg", "cifar10")
    text = good("db", "info", "--db", filled)
    assert "1 done" in text
    assert "cifar10-jpeg for cifar10" in text
    found = finite(good("db", "info", "--db", filled, "--format", "json"))
    assert found == {
        "path": str(filled),
        "schema": HEAD,
        "bytes": filled.stat().st_size,
        "runs": {"running": 0, "done": 1, "failed": 1, "diverged": 0, "interrupted": 0},
        "metrics": 6,
        "arrays": 1,
        "artifacts": 1,
        "stand_ins": {"cifar10-jpeg": "cifar10"},
    }


def test_upgrade(filled: Path, tmp_path: Path) -> None:
    before = filled.read_bytes()
    assert f"schema {HEAD} is up to date" in good("db", "upgrade", "--db", filled)
    assert filled.read_bytes() == before
    empty = tmp_path / "empty.db"
    empty.touch()
    assert f"schema (empty) is now {HEAD}" in good("db", "upgrade", "--db", empty)


COMMANDS = [
    ("runs", "list"), ("runs", "show", GOOD), ("runs", "rm", "--yes", GOOD), ("runs", "export"),
    ("db", "info"), ("db", "upgrade"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_what_is_no_database_of_ours(tmp_path: Path, command: tuple[str, ...]) -> None:
    missing = tmp_path / "missing.db"
    message = refused(*command, "--db", missing)
    assert "there is no result database" in message
    assert "lsn run" in message
    assert not missing.exists()
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"not a database, only text")
    assert "not a database" in refused(*command, "--db", junk)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute("CREATE TABLE lsn_schema_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO lsn_schema_version VALUES ('9999')")
    connection.close()
    assert "upgrade lsn" in refused(*command, "--db", newer)
    assert "needs a file" in refused(*command, "--db", "")


def test_ambiguous_and_unknown_keys(filled: Path) -> None:
    message = refused("runs", "show", "0a1b", "--db", filled)
    assert GOOD in message
    assert BAD in message
    assert "runs list" in refused("runs", "export", "zzz", "--db", filled)
