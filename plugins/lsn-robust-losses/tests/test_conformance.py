"""Every loss passes lsn's conformance suite, with its defaults and with the examples of its parameters."""

from __future__ import annotations

from lsncli.registry import registry
from lsncli.testing import LossSuite

from lsn_robust_losses.conformance import ElrSuite

NAMES = (
    *("gce", "mae", "unhinged", "rce", "sce", "focal", "phuber-ce", "phuber-gce", "bi-tempered"),
    *("nce", "nfl", "ngce", "nmae", "nrce", "nce-rce", "nce-mae", "nfl-rce", "nfl-mae", "active-passive"),
    *("soft-bootstrapping", "hard-bootstrapping", "gls", "mixup", "truncated-gce", "elr"),
)


def _suite(name: str) -> type[LossSuite]:
    base = ElrSuite if name == "elr" else LossSuite
    return type(f"Test_{name.replace('-', '_')}", (base,), {"component": name})


globals().update({suite.__name__: suite for suite in map(_suite, NAMES)})


def test_no_loss_is_left_out() -> None:
    ours = [r.info.name for r in registry().all("loss") if r.plugin.origin.distribution == "lsn-robust-losses"]
    assert sorted(ours) == sorted(NAMES)
