"""``lsn`` called in this process, in a folder of its own."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lsncli.cli.main import build_app

#: Two losses, one seed, 20 steps on 200 digits: a fraction of a second.
TINY = """\
title = "Tiny"
seeds = [0]
[data]
name = "digits"
train_size = 200
test_size = 100
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
hidden = [8]
[train]
steps = 20
batch_size = 50
evaluations = 2
[sweep]
"loss.name" = ["standard", "label-smoothing"]
[profiles.smoke.train]
steps = 4
[profiles.quick.train]
steps = 6
"""


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    @property
    def one_message(self) -> bool:
        """Status 2, nothing on stdout, one error that names what, and no traceback."""
        return (
            self.status == 2
            and not self.out
            and self.err.startswith("error: ")
            and self.err.count("error: ") == 1
            and "Traceback" not in self.err
        )


class Lsn:
    """Call with the words of a command line, as one string or several."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app: typer.Typer = build_app()

    def __call__(self, *words: str, **environment: str) -> Answer:
        arguments = shlex.split(words[0]) if len(words) == 1 else list(words)
        result = CliRunner().invoke(self.app, arguments, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def files(self) -> list[str]:
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*"))


@pytest.fixture
def lsn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lsn:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LSN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    (folder / "tiny.toml").write_text(TINY, encoding="utf-8")
    return Lsn(folder)


@pytest.fixture
def write(lsn: Lsn) -> Any:
    """Write the tiny recipe with one text replaced by another."""

    def change(old: str, new: str, name: str = "tiny.toml") -> None:
        assert old in TINY
        (lsn.folder / name).write_text(TINY.replace(old, new), encoding="utf-8")

    return change
