"""Every check fails for a component that has its fault, and the sound ones pass: run as an author runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

#: Component → the checks that must fail. What else fails with it, or because of it, is listed as well: no more.
LOSSES: dict[str, set[str]] = {
    "sound": set(),
    "dropping": set(),
    "declared": {"bf16 logits"},
    "remembering": set(),
    "preparing": set(),
    "preparing-in-place": {"preparation"},
    "preparing-from-global": {"preparation"},
    "mean": {"shape and type"},
    "wrong-gradient": {"gradients", "gradients of soft targets"},
    "by-position": {"order of the batch"},
    "overflowing": {"extreme logits"},
    "narrow": {"bf16 logits"},
    "labels-only": {"soft targets", "gradients of soft targets", "extreme logits", "bf16 logits"},
    "jittered": {"determinism", "global random state", "stacking"},
    "writing": {"arguments stay"},
    "shared": {"determinism", "stacking", "state dict round trip"},
    "peeking": {"without transition"},
    "presuming": {"without transition"},
    "refusing": set(),
    "forgetting": {"state dict round trip"},
    "by-place": {"memory by example"},
    "of-favourite": {"soft targets are used"},
    "of-two-favourites": {"soft targets are used"},
    "expanded": {"examples alone"},
    "standardised": {"examples alone"},
    "seeding": {"global random state"},
    "seeding-once": {"global random state"},
    "undescribed": {"parameters"},
    "loose": {"parameters"},
    "Odd_Name": {"name"},
    "silent": {"record"},
    "mislabelled": {"label"},
    "ending": {"that fails"},
    "raising": {"shape and type"},
    "lost-suite": {"registration"},
}
OTHERS: dict[str, dict[str, set[str]]] = {
    "noise model": {
        "sound": set(),
        "wrong-rate": {"transition is what happens"},
        "impossible": {"transition is what happens"},
        "narrow": {"noisy labels"},
        "alias": {"noisy labels"},
        "in-place": {"noisy labels", "read only labels"},
        "from-nowhere": {"determinism"},
        "from-everybody": {"determinism", "global random state"},
        "from-one-seed": {"seed"},
        "the-first": {"transition of sorted labels"},
        "outside": {"noisy labels"},
        "undeclared": {"transition"},
        "fixed": {"transition"},
        "unnormalised": {"transition"},
        "of-class": set(),
        "of-slow-class": {"import cost"},
        "of-object": set(),
    },
    "architecture": {
        "sound": set(),
        "fixed": {"logits"},
        "headless": {"prelogits"},
        "seeded": {"initialisation"},
        "hidden": {"prelogits", "state dict round trip"},
        "mixing": {"examples alone"},
        "reseeding": {"global random state"},
    },
    "backend": {
        "sound": set(),
        "dishonest": {"availability"},
        "leaky": {"release restores"},
        "rounding": {"place"},
        "forgetful": {"random state"},
        "untold": {"describe"},
        "warming-up": {"step"},
        "tiring": {"step"},
        "shrinking": {"step"},
        "lazy": {"parallel tasks"},
        "late": {"parallel tasks"},
        "nominal": {"autocast"},
        "one-of-two": {"every device"},
        "same-twice": {"every device"},
    },
    "data set": {
        "sound": set(),
        "too-few": {"arrays"},
        "one-class": {"class balance"},
        "other-digest": {"digest"},
        "ever-new": {"digest"},
        "from-global": {"global random state"},
        "by-hash": {"another process"},
        "copied": {"test images are new"},
    },
    "estimator": {
        "sound": set(),
        "unnormalised": {"row stochastic"},
        "identity": {"known transition"},
        "transposed": {"known transition"},
        "aliasing": {"no aliasing"},
        "telling": {"without the true matrix"},
        "peeping": {"without the true matrix"},
        "writing": {"arguments stay"},
        "drawing": {"global random state"},
    },
}
#: The name of a plugin's entry point → what it points to.
PLUGINS = {
    "faulty": "faulty_plugin",
    "class": "classes_plugin:OfClass",
    "slow-class": "classes_plugin:Slow",
    "object": "classes_plugin:an_object",
}
EXPECTED = {("loss", name): checks for name, checks in LOSSES.items()} | {
    (kind, name): checks for kind, of_kind in OTHERS.items() for name, checks in of_kind.items()
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    """Exit status, and the verdicts of every component by check (the worst where there are several)."""
    site = tmp_path_factory.mktemp("site")
    for name in ("faulty_plugin.py", "classes_plugin.py"):
        shutil.copy(Path(__file__).with_name(name), site)
    info = site / "lsn_faulty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lsn-faulty\nVersion: 1.0\n")
    entry_points = "".join(f"{name} = {value}\n" for name, value in PLUGINS.items())
    (info / "entry_points.txt").write_text(f"[lsn]\n{entry_points}")
    result = subprocess.run(
        [sys.executable, "-m", "lsncli", "plugins", "check", "lsn-faulty", "--format", "json"],
        # The tensors are tiny: on a busy machine a second thread would only be waited for.
        env={**os.environ, "PYTHONPATH": str(site), "LSN_DATA_DIR": str(site / "data"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert result.stdout.startswith("["), result.stderr
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for verdict in json.loads(result.stdout):
        found[verdict["kind"], verdict["component"]][verdict["check"]] = verdict
    return result.returncode, found


def test_the_exit_status_is_1(outcome: Any) -> None:
    assert outcome[0] == 1


def test_every_component_is_checked(outcome: Any) -> None:
    assert set(outcome[1]) == {*EXPECTED, *(("plugin", name) for name in PLUGINS)}


@pytest.mark.parametrize("component", EXPECTED, ids=" ".join)
def test_its_fault_is_found_and_told(outcome: Any, component: tuple[str, str]) -> None:
    verdicts = outcome[1][component]
    failed = {check: v["reason"] for check, v in verdicts.items() if v["status"] == "failed"}
    assert EXPECTED[component] <= set(failed), failed
    # A sound component passes everything.
    assert EXPECTED[component] or not failed, failed
    assert all(failed.values())


def test_a_suite_of_its_own_is_run(outcome: Any) -> None:
    """It is named in the record, and exempt from one check."""
    verdict = outcome[1]["loss", "mean"]["stacking"]
    assert (verdict["status"], verdict["reason"]) == ("skipped", "exempt: it takes a second")
    assert outcome[1]["loss", "sound"]["stacking"]["status"] == "passed"


def test_checks_that_end_as_pytests_do(outcome: Any) -> None:
    """The checks after one that skips are run as well."""
    verdicts = outcome[1]["loss", "ending"]
    found = {check: (verdicts[check]["status"], verdicts[check]["reason"]) for check in verdicts if "that" in check}
    assert found == {
        "that skips": ("skipped", "not today"),
        "that fails": ("failed", "not right"),
        "that is known to fail": ("skipped", "not yet"),
    }


def test_where_in_the_plugin_an_error_arose(outcome: Any) -> None:
    verdict = outcome[1]["loss", "labels-only"]["soft targets"]
    assert "faulty_plugin.py:" in verdict["reason"]
    assert "Traceback" in verdict["traceback"]
