"""Metrics and data sets that nothing can be behind: told before anything is trained, or beside the empty report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.loading import Overrides, load
from lsncli.recorded_metrics import RECORDED, check_metrics
from lsncli.store import Store

MISSPELT = "--set 'report.metrics=[\"tset_accuracy\"]'"


def stored_run(lsn: Any) -> None:
    """A run of a data set, with a metric, that lsn knows nothing of."""
    with Store.open(lsn.folder / "results.db") as store:
        store.begin_run("aa" * 10, {"data": {"name": "elsewhere"}}, steps=1, provenance={})
        store.record_metrics("aa" * 10, 1, {"tset_accuracy": 0.5})


def test_a_metric_that_no_run_will_have_is_refused_before_anything_is_trained(lsn: Any) -> None:
    for command in ("run", "plan", "run --dry-run"):
        result = lsn(f"{command} tiny.toml {MISSPELT}")
        assert result.one_message
        assert "unknown metric 'tset_accuracy'" in result.err
        assert "--set report.metrics" in result.err
        assert "did you mean 'test_accuracy'" in result.err
    assert lsn.files() == ["tiny.toml"]


def test_a_report_that_cannot_be_made_is_refused_before_anything_is_trained(lsn: Any) -> None:
    for command in ("run", "plan", "run --dry-run"):
        result = lsn(f"{command} tiny.toml --set 'report.rows=[\"lable\"]'")
        assert result.one_message
        assert "report.rows: 'lable' is not swept by the recipe" in result.err
    assert lsn.files() == ["tiny.toml"]


def test_a_metric_that_the_database_has_is_one(lsn: Any) -> None:
    stored_run(lsn)
    assert lsn(f"plan tiny.toml {MISSPELT}").status == 0
    assert lsn(f"plan tiny.toml {MISSPELT} --db other.db").status == 2


def test_with_an_executor_of_a_plugin_it_is_a_warning(lsn: Any) -> None:
    loaded = load("tiny.toml", Overrides(settings=(("report.metrics", ["tset_accuracy", "test_nll"]),)))

    def executors_of(*distributions: str) -> Any:
        origins = [
            SimpleNamespace(plugin=SimpleNamespace(origin=SimpleNamespace(distribution=d))) for d in distributions
        ]
        return SimpleNamespace(all=lambda kind: origins if kind == "executor" else [])

    told: list[str] = []
    check_metrics([loaded], set, told.append, executors_of("lsncli", "lsn-other"))
    (warning,) = told
    assert "'tset_accuracy' of tiny.toml is none that lsn records" in warning
    with pytest.raises(LsnError, match="unknown metric 'tset_accuracy'"):
        check_metrics([loaded], set, told.append, executors_of("lsncli"))


def test_the_database_is_asked_only_for_what_lsn_does_not_record(lsn: Any) -> None:
    def never() -> set[str]:
        raise AssertionError

    check_metrics([load("tiny.toml", Overrides(settings=(("report.metrics", list(RECORDED)),)))], never, print)


@pytest.mark.parametrize("command", ["report tiny.toml", "battery label-smoothing --report", "report --claims"])
def test_a_data_set_without_a_run_and_without_images_is_warned_of(lsn: Any, command: str) -> None:
    real = "cifar10" if "claims" in command else "digits"
    result = lsn(f"{command} --data {real}=elsewhere")
    assert result.status == 0
    assert "warning: --data: data set 'elsewhere' is not known here, and no stored run uses it" in result.err
    stored_run(lsn)
    assert "warning" not in lsn(f"{command} --data {real}=elsewhere").err
    assert "warning" not in lsn(f"{command} --data {real}={'digits' if real == 'cifar10' else 'cifar10'}").err
