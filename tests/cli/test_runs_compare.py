"""``lsn runs compare``: what differs, the numbers side by side, and over seeds with intervals."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from scipy import stats
from typer.testing import CliRunner

from lsncli.cli import runs
from lsncli.cli.main import LsnGroup
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.store import Store

STANDARD = ComponentSpec(name="standard")
SMOOTHED = ComponentSpec(name="label-smoothing", params={"alpha": 0.2})
FIRST, SECOND = (0.50, 0.52, 0.51, 0.55), (0.53, 0.56, 0.56, 0.58)


def spec(seed: int, loss: ComponentSpec = STANDARD, noise_seed: int | None = None, **fields: Any) -> RunSpec:
    made: dict[str, Any] = {
        "data": DataSpec(name="digits"),
        "noise": NoiseSpec(name="symmetric", params={"rate": 0.2}, seed=seed if noise_seed is None else noise_seed),
        "model": ComponentSpec(name="mlp"),
        "loss": loss,
        "train": TrainSpec(steps=100, optimizer=ComponentSpec(name="sgd", params={"lr": 0.1})),
        "seed": seed,
    }
    return RunSpec(**(made | fields))


def put(store: Store, run: RunSpec, accuracy: float, status: str = "done", **more: float) -> str:
    store.begin_run(run.key, run.plain(), steps=100, provenance={})
    store.record_metrics(run.key, 50, {"test_accuracy": accuracy + 0.1})
    store.record_metrics(run.key, 100, {"test_accuracy": accuracy, **more})
    store.finish_run(run.key, status, final_step=100, seconds=1.0, error="boom" if status == "failed" else None)  # type: ignore[arg-type]
    return run.key


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "results.db"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    with Store.open(database) as opened:
        yield opened


@pytest.fixture
def pair(store: Store) -> tuple[list[str], list[str]]:
    """Four seeds of two losses."""
    return (
        [put(store, spec(i), FIRST[i]) for i in range(4)],
        [put(store, spec(i, SMOOTHED), SECOND[i], test_nll=1.0) for i in range(4)],
    )


def lsn(database: Path, *words: str) -> Any:
    app = typer.Typer(cls=LsnGroup)
    app.add_typer(runs.app, name="runs")
    arguments = ["runs", "compare", *words, "--db", str(database)]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def good(database: Path, *words: str) -> Any:
    result = lsn(database, *words)
    assert result.exit_code == 0, result.output
    if "json" not in words:
        return result.stdout

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(result.stdout, parse_constant=refuse)


def metric(found: Any, name: str) -> Any:
    return next(entry for entry in found["metrics"] if entry["metric"] == name)["runs"]


def test_what_differs_and_nothing_else(database: Path, pair: Any) -> None:
    first, second = pair[0][1], pair[1][1]
    found = good(database, first, second, "--format", "json")
    assert found["spec_differences"] == [
        {"key": "loss.name", "values": {first: "standard", second: "label-smoothing"}},
        {"key": "loss.alpha", "values": {first: None, second: 0.2}},
    ]
    assert [run["key"] for run in found["runs"]] == [first, second]


def test_numbers_side_by_side(database: Path, pair: Any) -> None:
    # Of different seeds: without --over-seeds the runs are compared as they are.
    found = good(database, pair[0][0], pair[1][2], "--format", "json")
    ours, theirs = metric(found, "test_accuracy")
    assert (ours["value"], ours["difference"]) == (0.50, None)
    assert (theirs["value"], theirs["difference"]) == (0.56, 0.06)
    only = metric(found, "test_nll")
    assert [(entry["value"], entry["difference"]) for entry in only] == [(None, None), (1.0, None)]
    assert {entry["key"] for entry in found["spec_differences"]} == {
        "seed",
        "noise.seed",
        "loss.name",
        "loss.alpha",
    }


def test_best(database: Path, pair: Any) -> None:
    found = good(database, pair[0][0], pair[1][0], "--best", "--format", "json")
    assert found["which"] == "best"
    assert [entry["value"] for entry in metric(found, "test_accuracy")] == pytest.approx([0.60, 0.63])


def test_over_seeds(database: Path, pair: Any) -> None:
    found = good(database, pair[0][2], pair[1][0], "--over-seeds", "--format", "json")
    assert [run["keys"] for run in found["runs"]] == list(pair)
    assert {entry["key"] for entry in found["spec_differences"]} == {"loss.name", "loss.alpha"}
    ours, theirs = metric(found, "test_accuracy")
    assert (ours["n"], ours["mean"], ours["std"]) == (4, pytest.approx(0.52), pytest.approx(stats.tstd(FIRST)))
    reference = stats.ttest_rel(SECOND, FIRST)
    low, high = reference.confidence_interval(0.95)
    paired = theirs["paired"]
    # Differences 3, 4, 5 and 3 hundredths.
    assert paired["mean"] == pytest.approx(0.0375)
    assert (paired["ci_low"], paired["ci_high"], paired["p"]) == pytest.approx((low, high, reference.pvalue))
    assert (paired["n"], ours["paired"]) == (4, None)


def test_the_tables(database: Path, pair: Any) -> None:
    text = good(database, pair[0][0][:12], pair[1][0][:12])
    assert "what differs" in text
    assert "loss.alpha" in text
    assert "train.steps" not in text
    assert "+0.03" in text
    over = good(database, pair[0][0], pair[1][0], "--over-seeds")
    assert "95 % interval" in over
    assert "0.520 ± 0.022 (4)" in over
    assert "+0.0375" in over
    assert f"{pair[0][0][:10]}: seeds 0, 1, 2, 3." in over


def test_seeds_that_only_one_has_are_said(database: Path, store: Store) -> None:
    first = [put(store, spec(i), FIRST[i]) for i in (0, 1, 2)]
    second = [put(store, spec(i, SMOOTHED), SECOND[i]) for i in (1, 2, 3)]
    text = good(database, first[0], second[0], "--over-seeds")
    assert "are not paired at seeds 0, 3: one has no run." in text
    paired = metric(good(database, first[0], second[0], "--over-seeds", "--format", "json"), "test_accuracy")[1]
    assert (paired["paired"]["n"], paired["paired"]["mean"]) == (2, pytest.approx(0.045))


def test_one_pair_has_no_interval(database: Path, store: Store) -> None:
    first, second = put(store, spec(0), 0.5), put(store, spec(0, SMOOTHED), 0.6)
    assert "An interval needs at least two pairs." in good(database, first, second, "--over-seeds")
    assert (
        metric(good(database, first, second, "--over-seeds", "--format", "json"), "test_accuracy")[1]["paired"][
            "ci_low"
        ]
        is None
    )


def test_equal_differences_have_no_interval(database: Path, store: Store) -> None:
    first = [put(store, spec(i), 0.5 + i / 10) for i in range(3)]
    second = [put(store, spec(i, SMOOTHED), 0.6 + i / 10) for i in range(3)]
    assert "No interval where all differences are equal" in good(database, first[0], second[0], "--over-seeds")
    paired = metric(good(database, first[0], second[0], "--over-seeds", "--format", "json"), "test_accuracy")[1]
    # The sign test's 2·2^-3.
    assert (paired["paired"]["ci_low"], paired["paired"]["p"]) == (None, 0.25)


def test_noise_that_does_not_follow_the_seed(database: Path, store: Store) -> None:
    fixed = [put(store, spec(i, noise_seed=0), FIRST[i]) for i in range(4)]
    follows = [put(store, spec(i), 0.9) for i in (1, 2)]
    other = [put(store, spec(i, SMOOTHED, noise_seed=0), SECOND[i]) for i in range(4)]
    found = good(database, fixed[0], other[0], "--over-seeds", "--format", "json")
    assert [run["keys"] for run in found["runs"]] == [fixed, other]
    # Seed 1 with noise 1 follows; the run of seed 0 and noise 0 could be of either kind.
    found = good(database, follows[0], other[1], "--over-seeds", "--format", "json")
    assert found["runs"][0]["keys"] == [fixed[0], *follows]
    assert found["runs"][1]["keys"] == other


def test_another_noise_is_said_and_no_pair(database: Path, store: Store) -> None:
    follows = [put(store, spec(i), FIRST[i]) for i in range(3)]
    fixed = [put(store, spec(i, SMOOTHED, noise_seed=2), SECOND[i]) for i in range(3)]
    found = good(database, follows[0], fixed[0], "--over-seeds", "--format", "json")
    assert found["spec_differences"][-1] == {
        "key": "noise.seed",
        "values": {follows[0]: "the run's seed", fixed[0]: 2},
    }
    assert {entry["key"] for entry in found["spec_differences"]} == {"loss.name", "loss.alpha", "noise.seed"}
    paired = metric(found, "test_accuracy")[1]["paired"]
    # Only the third seed has the same noise: 0.56 - 0.51.
    assert (paired["n"], paired["mean"]) == (1, pytest.approx(0.05))
    text = good(database, follows[0], fixed[0], "--over-seeds")
    assert "are not paired at seeds 0, 1: they differ by noise.seed, too." in text


def test_another_teacher_is_no_pair(database: Path, store: Store) -> None:
    own = [put(store, spec(i, teacher=spec(i)), FIRST[i]) for i in range(3)]
    one = [put(store, spec(i, SMOOTHED, teacher=spec(1)), SECOND[i]) for i in range(3)]
    found = good(database, own[0], one[0], "--over-seeds", "--format", "json")
    said = {entry["key"]: list(entry["values"].values()) for entry in found["spec_differences"]}
    assert said["teacher.seed"] == said["teacher.noise.seed"] == ["the run's seed", 1]
    assert "noise.seed" not in said
    assert metric(found, "test_accuracy")[1]["paired"]["n"] == 1


def test_the_seed_of_no_noise_and_of_no_teacher_is_no_difference(database: Path, store: Store) -> None:
    clean = [put(store, spec(i, noise=NoiseSpec(name="none")), FIRST[i]) for i in range(3)]
    noisy = [put(store, spec(i, teacher=spec(1)), SECOND[i]) for i in range(3)]
    found = good(database, clean[0], noisy[0], "--over-seeds", "--format", "json")
    assert "noise.seed" not in {entry["key"] for entry in found["spec_differences"]}
    assert metric(found, "test_accuracy")[1]["paired"]["n"] == 3


def test_three_at_once_and_numbers_that_are_not_finite(database: Path, store: Store) -> None:
    keys = [
        put(store, spec(0), 0.5, test_nll=1.0),
        put(store, spec(0, SMOOTHED), 0.6, test_nll=math.nan),
        put(store, spec(0, ComponentSpec(name="nobody-has-it", params={"alpha": [1, 2]})), 0.7, test_nll=3.0),
    ]
    found = good(database, *keys, "--format", "json")
    assert [entry["difference"] for entry in metric(found, "test_accuracy")] == [None, 0.1, 0.2]
    assert [entry["value"] for entry in metric(found, "test_nll")] == [1.0, None, 3.0]
    assert "nan" in good(database, *keys)
    assert metric(good(database, *keys, "--over-seeds", "--format", "json"), "test_nll")[1]["paired"]["n"] == 0


def refused(database: Path, *words: str) -> str:
    result = lsn(database, *words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


def test_wrong_requests(database: Path, store: Store, pair: Any) -> None:
    first, second = pair[0][0], pair[1][0]
    assert "only one run is given" in refused(database, first)
    assert "are the same run" in refused(database, first, first[:15])
    assert "no run has a key that begins with 'zzz'" in refused(database, first, "zzz")
    assert "differ by nothing but their seeds" in refused(database, first, pair[0][1], "--over-seeds")
    for status in ("failed", "diverged", "interrupted"):
        unfinished = put(store, spec(9, model=ComponentSpec(name=status)), 0.1, status)
        assert f"is not done: {status}" in refused(database, second, unfinished)
    assert "other.db" in refused(database.parent / "other.db", first, second)


def test_an_ambiguous_key(database: Path, store: Store) -> None:
    for key in ("aa11", "aa22", "bb33"):
        store.begin_run(key, spec(0).plain(), steps=1, provenance={})
        store.finish_run(key, "done", final_step=1, seconds=1.0)
    assert "2 runs have keys that begin with 'aa'" in refused(database, "bb", "aa")


def test_a_spec_of_another_version(database: Path, store: Store, pair: Any) -> None:
    store.begin_run("ff00", {**spec(0).plain(), "from_the_future": 1}, steps=1, provenance={})
    store.finish_run("ff00", "done", final_step=1, seconds=1.0)
    assert "the spec of run ff00 cannot be read" in refused(database, pair[0][0], "ff00")
    # It does not stand in the way of others.
    good(database, pair[0][0], pair[1][0], "--over-seeds")


def test_no_torch(database: Path, pair: Any) -> None:
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom lsncli.cli import runs\n"
        f"done = CliRunner().invoke(runs.app, ['compare', {pair[0][0]!r}, {pair[1][0]!r}, '--over-seeds',"
        f" '--db', {str(database)!r}])\n"
        "assert done.exit_code == 0, done.output\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torch", "alembic", "matplotlib", "scipy.stats"}
