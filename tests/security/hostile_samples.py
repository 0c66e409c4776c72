"""A recipe, and a database from elsewhere, whose every name means something to what shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from lsncli.cli.main import build_app
from lsncli.plan import Plan
from lsncli.store import Store

#: To a browser, to TeX, to a spreadsheet (four ways), to Markdown, to a terminal, to matplotlib, to rich.
NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\\input{/etc/passwd}",
    "\\write18{touch pwned}",
    "=cmd|' /C calc'!A0",
    "+1+cmd()",
    "-2+3",
    "@SUM(A1)",
    "a | b",
    "line\nbreak",
    "\x1b[31mred\x1b]0;owned\x07",
    "\x9b2J",
    "$\\frac{1}{0}$",
    "--><script>1</script>",
    "[bold red]x[/bold red]",
    "`code` **bold** [x](javascript:alert(1))",
    "\u202egnp.exe",
)

RECIPE = """\
title = {title}
table = 7
figure = [2]
seeds = [0, 1]
[data]
name = "digits"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 10
[report]
metrics = ["test_accuracy", {metric}]
[[sweep.case]]
label = "=plain"
{cases}
"""

CASE = """
[[sweep.case]]
label = {label}
loss = {{ name = "label-smoothing" }}
sweep = {{ "loss.alpha" = [{alpha}] }}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


class Place:
    """A folder with the recipe and the database, and ``lsn`` to be called in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app: Any = build_app()

    def __call__(self, *words: str) -> Answer:
        result = CliRunner().invoke(self.app, list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)


def written(text: str) -> str:
    """As a basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f").replace("\x9b", "\\u009b")


def recipe_of(names: tuple[str, ...]) -> str:
    cases = "".join(CASE.format(label=written(n), alpha=0.01 * (i + 1)) for i, n in enumerate(names))
    return RECIPE.format(title=written(" ".join(names)), metric=written(names[0]), cases=cases)


def fill(store: Store, plan: Plan, names: tuple[str, ...]) -> None:
    """Runs that ended well, with names of all kinds around their numbers, and one that failed."""
    for index, run in enumerate(plan):
        name = names[index % len(names)]
        provenance = {"command": f"lsn run {name}", name: {"host": name}}
        store.begin_run(run.key, run.spec.plain(), title=name, steps=10, provenance=provenance)
        store.record_metrics(run.key, 10, {"test_accuracy": 0.5 + 0.01 * index, name: 1.0})
        store.record_array(run.key, 10, name, [1.0, 2.0])
        store.record_artifact(run.key, name, "results.checkpoints/x/final.safetensors", sha256="0" * 64, size=1)
        status = "failed" if index == 0 else "done"
        store.finish_run(run.key, status, final_step=10, seconds=1.0, error=name, traceback=f"Traceback\n{name}")
    store.set_stand_in(names[0], names[1])
