from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from lsncli.cli import report as report_command
from lsncli.cli.main import LsnGroup

#: Figure 2 and 6's kind on a data set that is always there: two problems, three methods, one of them without α.
MEANS = """\
title = "Smoothing on digits"
figure = 2
seeds = [0, 1, 2]
[data]
name = "digits"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 100
[sweep]
"noise.rate" = [0.2, 0.4]
[[sweep.case]]
label = "Baseline"
loss = { name = "standard" }
[[sweep.case]]
label = "LS"
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.4, 0.1] }
[profiles.quick.train]
steps = 50
"""

#: Figures 3 and 7's kind.
DENSITIES = """\
title = "Confidence on digits"
figure = [3, 7]
seeds = [0, 1]
[data]
name = "digits"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 100
[[sweep.case]]
label = "Baseline"
loss = { name = "standard" }
[[sweep.case]]
label = "LS"
loss = { name = "label-smoothing", alpha = 0.2 }
"""

CURVES = """\
title = "Other curves"
figure = 1
[computation]
alpha = 0.3
points = 3
[profiles.quick.computation]
alpha = 0.4
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two recipes, a computation and no database."""
    (tmp_path / "curves.toml").write_text(CURVES, encoding="utf-8")
    (tmp_path / "means.toml").write_text(MEANS, encoding="utf-8")
    (tmp_path / "densities.toml").write_text(DENSITIES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LSN_DB", raising=False)
    monkeypatch.delenv("LSN_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def lsn(folder: Path) -> Callable[..., SimpleNamespace]:
    """Call ``lsn report …`` in the folder; gives its exit status, stdout and stderr."""
    app = typer.Typer(cls=LsnGroup)
    app.callback()(lambda: None)
    app.command("report")(report_command.command)

    def call(*words: str) -> SimpleNamespace:
        result = CliRunner().invoke(app, ["report", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return SimpleNamespace(status=result.exit_code, out=result.stdout, err=" ".join(result.stderr.split()))

    return call
