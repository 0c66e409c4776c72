"""Every loss passes lsn's conformance suite, with its defaults and mostly with its parameters' examples."""

from __future__ import annotations

from lsncli.registry import registry
from lsncli.testing import LossSuite

from lsn_robust_losses.conformance import ElrSuite

NAMES = (
    *("gce", "mae", "unhinged", "rce", "sce", "focal", "phuber-ce", "phuber-gce", "bi-tempered"),
    *("nce", "nfl", "ngce", "nmae", "nrce", "nce-rce", "nce-mae", "nfl-rce", "nfl-mae", "active-passive"),
    *("soft-bootstrapping", "hard-bootstrapping", "gls", "mixup", "truncated-gce", "elr"),
)


#: Losses of the probability alone have no other code at other parameters; the tests of their formulas try those.
DEFAULTS_DO = ("gce", "sce", "focal", "phuber-ce", "phuber-gce", "nfl", "ngce", "soft-bootstrapping")


def _suite(name: str) -> type[LossSuite]:
    base = ElrSuite if name == "elr" else LossSuite
    settings = {"component": name} | ({"variants": [{}]} if name in DEFAULTS_DO else {})
    return type(f"Test_{name.replace('-', '_')}", (base,), settings)


globals().update({suite.__name__: suite for suite in map(_suite, NAMES)})


def test_no_loss_is_left_out() -> None:
    ours = [r.info.name for r in registry().all("loss") if r.plugin.origin.distribution == "lsn-robust-losses"]
    assert sorted(ours) == sorted(NAMES)
