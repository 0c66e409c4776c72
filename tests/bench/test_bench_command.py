"""``lsn bench``: what it prints, stores and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from lsncli.bench.measuring import busy
from lsncli.bench.result import BenchResult, Row
from lsncli.cli import bench as bench_command
from lsncli.cli.main import LsnGroup
from lsncli.store import Store

#: Round by round, bf16 is 2, 4 and 3 times as fast as the peer: median 3. The medians of the rates are 110 and 330.
RESULT = BenchResult(
    machine={"device": "A processor", "threads": 2, "cores": 2, "torch": "2.9", "load_before": 0.1},
    settings={"rounds": 3, "burst_seconds": 1.0},
    measured_at="2030-01-02T03:04:05+00:00",
    rows=(
        Row("resnet8", "peer", "fp32", 1, 2, 1, (100.0, 110.0, 120.0), (100.0, 110.0, 120.0)),
        Row("resnet8", "bf16, 2 threads", "bf16", 1, 2, 1, (200.0, 440.0, 360.0), (100.0, 110.0, 120.0)),
        Row("mlp", "peer", "fp32", 1, 2, 1, (7.0,), (7.0,)),
    ),
)


@pytest.fixture
def lsn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    app = typer.Typer(cls=LsnGroup)
    app.command("bench")(bench_command.command)
    app.command("other")(lambda: None)

    def call(*words):
        result = CliRunner().invoke(app, ["bench", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def measured(monkeypatch):
    """Instead of minutes of measuring: the calls, and the result above."""
    calls = []

    def measure(chosen, settings, *, device=None, tell=None):
        calls.append(([w.model for w in chosen], settings, device))
        return RESULT

    monkeypatch.setattr("lsncli.bench.measuring.measure", measure)
    return calls


def test_json_and_database_say_the_same(lsn, measured):
    result = lsn("--format", "json", "--db", "r.db")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["rows"][1]["ratio"] == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert document["rows"][1]["images_per_second"] == {
        "median": 360.0,
        "low": 200.0,
        "high": 440.0,
        "rounds": [200.0, 440.0, 360.0],
    }
    described = [
        {k: v for k, v in row.items() if k not in ("images_per_second", "ratio")} for row in document["rows"]
    ]
    with Store.open("r.db", read_only=True) as store:
        rates = store.get_computation("bench", {**document, "rows": described, "unit": "images per second"})
    np.testing.assert_array_equal(rates, [[100.0, 110.0, 120.0], [200.0, 440.0, 360.0], [7.0, np.nan, np.nan]])
    assert "stored in r.db" in result.stderr


def test_the_table(lsn, measured):
    lines = lsn("--models", "resnet8,mlp").stdout.splitlines()
    title = next(line for line in lines if line)
    assert "A processor, 2 cores, torch 2.9" in title
    row = next(line for line in lines if "bf16, 2 threads" in line)
    assert " ".join(row.split()) == "resnet8 bf16, 2 threads 360 200 … 440 3.00 2.00 … 4.00 3"


def test_what_is_measured(lsn, measured):
    for words in ((), ("--quick",), ("--models", "mlp, linear", "--models", "mlp"), ("--rounds", "7")):
        assert lsn(*words, "--device", "cpu").exit_code == 0
    (everything, full, device), (quick_models, quick, _), (named, _, _), (_, longer, _) = measured
    assert everything == ["resnet8", "resnet32", "resnet56", "mlp", "linear"]
    assert device == "cpu"
    assert (full.rounds, full.quick, quick.rounds, quick.quick) == (5, False, 5, True)
    assert set(quick_models) < set(everything)
    assert named == ["mlp", "linear"]
    # The rounds are those that were asked for, or five, however long they take; only --quick has a limit.
    assert (longer.rounds, longer.limit) == (7, None)
    assert (full.rounds, full.limit) == (5, None)
    assert quick.limit < 40


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--models resnet23", "unknown architecture 'resnet23'"),
        ("--models ,", "no model to measure"),
        ("--device abacus", "unknown backend 'abacus'"),
        ("--rounds 0", "--rounds"),
        ("--rounds many", "--rounds"),
        ("--db text.txt", "the file is not a database"),
        ("--db missing/r.db", "the folder of the result database does not exist"),
    ],
)
def test_refusals_come_before_any_measuring(lsn, measured, words, told):
    Path("text.txt").write_text("not a database\n" * 100, encoding="utf-8")
    result = lsn(*words.split())
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert not measured
    assert [p.name for p in Path().iterdir()] == ["text.txt"]


def test_other_work_on_the_machine_is_told(lsn, measured, monkeypatch):
    assert "other programs" not in lsn().stderr
    monkeypatch.setitem(RESULT.machine, "load_before", 1.5)
    assert "other programs were at work" in lsn().stderr
    assert not busy({"load_before": None})


def test_a_real_measurement(lsn, monkeypatch):
    monkeypatch.setattr("lsncli.bench.workloads.TRAIN_SIZE", 512)
    result = lsn("--quick", "--models", "linear", "--rounds", "1", "--format", "json", "--device", "cpu")
    document = json.loads(result.stdout)
    peer, *modes = document["rows"]
    assert (peer["mode"], peer["ratio"]["median"]) == ("peer", 1.0)
    assert {row["precision"] for row in modes} == {"fp32"}
    assert all(row["images_per_second"]["median"] > 0 for row in document["rows"])
    assert document["machine"]["backend"] == "cpu"
    assert document["machine"]["torch"]
