"""Real distributions on the path, in processes of their own: what an installed plugin does and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_plugins import install

BROKEN = "import lsn_no_such_module"

OBSERVER = """
from pathlib import Path
from lsncli import hookimpl

def tell(text):
    with Path("seen.txt").open("a") as file:
        file.write(text + "\\n")

@hookimpl
def lsn_run_started(key, spec):
    tell(f"started {key} {spec['loss']['name']} {spec['seed']}")

@hookimpl
def lsn_run_finished(key, status, metrics):
    tell(f"finished {key} {status} {0 <= metrics['test_accuracy'] <= 1}")

@hookimpl
def lsn_commands(app):
    app.command("seen")(lambda: print(Path("seen.txt").read_text(), end=""))
"""

RAISES = """
from lsncli import hookimpl

@hookimpl
def lsn_run_started(key, spec):
    raise RuntimeError("I only watch")

@hookimpl
def lsn_commands(app):
    raise RuntimeError("no commands")
"""


GCE = """
from lsncli import LossInfo, Params, hookimpl
from pydantic import Field

class GceParams(Params):
    q: float = Field(0.7, gt=0, le=1)

def build(params, context):
    import torch

    def gce(logits, targets, inputs=None):
        each = -torch.expm1(params.q * torch.log_softmax(logits.float(), dim=1)) / params.q
        return each.gather(1, targets[:, None])[:, 0]

    return gce

@hookimpl
def lsn_losses(register):
    register(LossInfo(name="gce", build=build, params=GceParams, label="GCE q={q:g}"))
"""

RECIPE = """
title = "Generalised cross-entropy on noisy digits"
seeds = [0, 1]
data = { name = "digits", train_size = 200, test_size = 100 }
noise = { name = "symmetric", rate = 0.4 }
model = { name = "mlp" }
train = { steps = 20, batch_size = 50, evaluations = 2 }

[sweep]
loss = [{ name = "standard" }, { name = "gce", q = 0.5 }]
"""


class Lsn:
    """``lsn`` in a folder of its own, with the distributions under ``site`` installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.site.mkdir()

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lsncli", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.site), "COLUMNS": "200", **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def json(self, *words: str) -> Any:
        result = self(*words, "--format", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def lsn(tmp_path: Path) -> Lsn:
    return Lsn(tmp_path)


def test_a_loss_works_beside_broken_plugins(lsn: Lsn) -> None:
    install(lsn.site, "lsn-gce", "lsn_gce", GCE)
    install(lsn.site, "lsn-broken", "lsn_broken", BROKEN)
    install(lsn.site, "lsn-observer", "lsn_observer", OBSERVER)
    install(lsn.site, "lsn-raises", "lsn_raises", RAISES)
    (lsn.folder / "gce.toml").write_text(RECIPE, encoding="utf-8")

    listed = lsn("plugins", "list", "--format", "json")
    assert listed.returncode == 0
    rows = {(row["kind"], row["name"]): row for row in json.loads(listed.stdout)}
    assert rows["loss", "gce"]["source"] == "lsn-gce 1.0"
    assert rows["loss", "gce"]["status"] == "ok"
    assert rows["loss", "standard"]["status"] == "ok"
    assert rows["plugin", "lsn-broken"]["status"] == "failed"
    assert rows["plugin", "lsn-broken"]["error"] == "ModuleNotFoundError: No module named 'lsn_no_such_module'"
    assert rows["plugin", "lsn-observer"]["status"] == "ok"
    assert "lsn_run_started" in rows["plugin", "lsn-observer"]["summary"]
    assert rows["plugin", "lsn-raises"]["error"] == "its commands: RuntimeError: no commands"
    # One warning line for each of the two, nothing for the others.
    warnings = listed.stderr.splitlines()
    assert len(warnings) == 2, warnings
    assert warnings[0].startswith("warning: plugin 'lsn-broken' of lsn-broken 1.0 did not load: ModuleNotFound")
    assert "lsn-raises" in warnings[1]

    ran = lsn("run", "gce.toml", "--executor", "in-process")
    assert ran.returncode == 0, ran.stderr
    assert "4 runs: 4 trained" in ran.stderr
    assert "lsn_run_started of plugin lsn-raises:lsn-raises: RuntimeError: I only watch" in ran.stderr
    runs = lsn.json("runs", "list")
    assert [r["status"] for r in runs] == ["done"] * 4
    # 0.5 is not the default: it belongs to the spec, and so to the key.
    assert [r["spec"]["loss"] for r in sorted(runs, key=lambda r: r["spec"]["loss"]["name"])] == [
        *[{"name": "gce", "params": {"q": 0.5}}] * 2,
        *[{"name": "standard"}] * 2,
    ]

    # The observer saw each run begin and end, once, in that order (runs of a stack begin together); its command
    # works.
    seen = lsn("seen").stdout.splitlines()
    started = [f"started {r['key']} {r['spec']['loss']['name']} {r['spec']['seed']}" for r in runs]
    finished = [f"finished {r['key']} done True" for r in runs]
    assert sorted(seen) == sorted(started + finished)
    assert all(seen.index(begun) < seen.index(ended) for begun, ended in zip(started, finished, strict=True))

    shown = lsn.json("plugins", "show", "gce")
    assert shown[0]["parameters"][0]["name"] == "q"
    assert shown[0]["parameters"][0]["default"] == 0.7
    # By the name of its distribution, too.
    assert lsn.json("plugins", "show", "lsn-gce") == shown


def test_a_recipe_that_needs_a_broken_plugin_stops_with_its_name_and_error(lsn: Lsn) -> None:
    install(lsn.site, "lsn-gce", "lsn_gce", "import lsn_no_such_module\n" + GCE)
    (lsn.folder / "gce.toml").write_text(RECIPE, encoding="utf-8")
    for words in (("run", "gce.toml"), ("plan", "gce.toml")):
        result = lsn(*words)
        assert (result.returncode, result.stdout) == (2, "")
        assert "unknown loss 'gce'" in result.stderr
        assert (
            "lsn-gce 1.0 did not load (ModuleNotFoundError: No module named 'lsn_no_such_module')" in result.stderr
        )
        assert "Traceback" not in result.stderr
    assert sorted(p.name for p in lsn.folder.iterdir()) == ["gce.toml", "site"]


def test_strict_is_one_message(lsn: Lsn) -> None:
    install(lsn.site, "lsn-broken", "lsn_broken", BROKEN)
    assert lsn("--help").returncode == 0
    result = lsn("plugins", "list", LSN_STRICT_PLUGINS="1")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: plugin 'lsn-broken' of lsn-broken 1.0 did not load")
    assert "Traceback" not in result.stderr
    assert "lsn_no_such_module" in lsn("--debug", "plugins", "list", LSN_STRICT_PLUGINS="1").stderr
