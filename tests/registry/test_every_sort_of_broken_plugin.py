"""Broken plugins of every sort, all installed at once: lsn and the sound plugins work, and each is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_plugins import install

HEAD = "from lsncli import LossInfo, NoiseModelInfo, Params, hookimpl\n"


def losses(*records: str) -> str:
    lines = "\n".join(f"    register({record})" for record in records)
    return f"{HEAD}@hookimpl\ndef lsn_losses(register):\n{lines}\n"


#: Distribution → the module that it brings, and what `lsn plugins list` must say of it.
BROKEN = {
    "missing-dependency": ("import lsn_no_such_module", "No module named 'lsn_no_such_module'"),
    "old-lsn": ("from lsncli import NoSuchInfo", "cannot import name 'NoSuchInfo'"),
    "syntax": ("def broken(:", "SyntaxError"),
    "wrong-signature": (f"{HEAD}@hookimpl\ndef lsn_losses(registrar): ...", "registrar"),
    "hook-raises": (f"{HEAD}@hookimpl\ndef lsn_losses(register): raise RuntimeError('not today')", "not today"),
    "no-such-hook": (f"{HEAD}@hookimpl\ndef lsn_loses(register): ...", "unknown hook 'lsn_loses'"),
    "wrong-default": (
        HEAD + "class P(Params):\n    q: float = 'much'\n" + losses("LossInfo(name='d', build=print, params=P)"),
        "the default of q is wrong",
    ),
    "wrong-record": (losses("NoiseModelInfo(name='n', build=print)"), "takes records of kind 'loss'"),
    "wrong-summary": (losses("LossInfo(name='s', build=print, summary=3)"), "summary must be a string, not 3"),
    "wrong-revision": (losses("LossInfo(name='r', build=print, revision='2')"), "revision must be a whole number"),
    "wrong-needs": (losses("LossInfo(name='w', build=print, needs=['transition'])"), "needs must be a frozenset"),
    "wrong-label": (losses("LossInfo(name='l', build=print, label='LS {alpha')"), "cannot be filled"),
    "exits": ("raise SystemExit(7)", "SystemExit: 7"),
    "commands-raise": (f"{HEAD}@hookimpl\ndef lsn_commands(app): raise OSError('no commands')", "no commands"),
    "takes-run": (
        f"{HEAD}@hookimpl\ndef lsn_commands(app): app.command('run')(lambda: None)",
        "there already is a command 'run'",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("broken")
    site = made / "site"
    for name, (text, _) in BROKEN.items():
        install(site, name, name.replace("-", "_") + "_plugin", text)
    for name in ("twin-one", "twin-two"):
        install(site, name, name.replace("-", "_"), losses("LossInfo(name='twin', build=print)"))
    install(
        site,
        "noisy",
        "noisy_plugin",
        "print('hello from the import')\n" + losses("LossInfo(name='loud', build=print)"),
    )
    install(site, "late", "late_plugin", losses("LossInfo(name='late', build=lambda params: None, label='late')"))
    install(site, "no-module", "no_module_plugin", "")
    (site / "no_module_plugin.py").unlink()
    (made / "late.toml").write_text(
        'title = "t"\nseeds = [0]\ndata = { name = "digits", train_size = 100, test_size = 100 }\n'
        'noise = { name = "none" }\nmodel = { name = "linear" }\ntrain = { steps = 2, batch_size = 50 }\n'
        '[sweep]\n"loss.name" = ["standard", "late"]\n'
    )
    return made


def lsn(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lsncli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "site"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    "words", ["--help", "report quickstart --profile smoke", "plan quickstart --profile smoke"]
)
def test_lsn_works(folder: Path, words: str) -> None:
    result = lsn(folder, *words.split())
    assert result.returncode == 0, result.stderr
    assert "hello from the import" not in result.stdout
    assert "Traceback" not in result.stderr
    # One line for each, and nothing else but what the noisy one prints.
    warned = [line for line in result.stderr.splitlines() if line.startswith("warning: plugin ")]
    assert len(warned) == len(BROKEN) + 1, result.stderr


def test_each_is_named_with_its_cause(folder: Path) -> None:
    result = lsn(folder, "plugins", "list", "--format", "json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    plugins = {
        row["source"].split()[0]: row for row in rows if row["kind"] == "plugin" and row["status"] == "failed"
    }
    assert set(plugins) == {*BROKEN, "no-module"}
    for name, (_, cause) in BROKEN.items():
        assert cause in plugins[name]["error"]
    assert "No module named 'no_module_plugin'" in plugins["no-module"]["error"]
    components = {row["name"]: row for row in rows if row["kind"] == "loss"}
    assert (components["twin"]["status"], components["standard"]["status"]) == ("conflict", "ok")
    assert components["twin"]["error"] == "registered twice: by twin-one 1.0 and by twin-two 1.0"
    assert components["loud"]["source"] == "noisy 1.0"


def test_the_table_says_failed_and_the_check_fails(folder: Path) -> None:
    table = lsn(folder, "plugins", "list").stdout
    assert "failed: ModuleNotFoundError: No module named 'lsn_no_such_module'" in table
    assert "conflict: registered twice: by twin-one 1.0 and by twin-two 1.0" in table
    for name, cause in (("wrong-default", "the default of q is wrong"), ("twin-two", "registered twice")):
        checked = lsn(folder, "plugins", "check", name)
        assert checked.returncode == 1
        assert cause in " ".join(checked.stdout.split())


def test_a_builder_that_cannot_be_called_costs_its_own_run(folder: Path) -> None:
    result = lsn(folder, "run", "late.toml", "--executor", "in-process")
    assert result.returncode == 1
    runs = json.loads(lsn(folder, "runs", "list", "--format", "json").stdout)
    assert {r["spec"]["loss"]["name"]: r["status"] for r in runs} == {"standard": "done", "late": "failed"}
    assert "TypeError" in result.stderr
