"""The store and its commands never import torch, and what is not needed is not paid for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lsncli.store import Store


def loaded(code: str) -> set[str]:
    """The modules that a new interpreter has loaded after ``code``."""
    script = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


def test_the_package_itself_costs_nothing() -> None:
    modules = loaded("import lsncli.store, lsncli.cli.runs, lsncli.cli.db")
    assert not modules & {"torch", "sqlmodel", "sqlalchemy", "alembic", "pydantic", "numpy"}


@pytest.mark.parametrize("module", ["lsncli.store", "lsncli.cli.runs"])
def test_unknown_names_are_attribute_errors(module: str) -> None:
    with pytest.raises(AttributeError):
        getattr(__import__(module, fromlist=["_"]), "no_such_name")  # noqa: B009 - through __getattr__


def test_a_database_that_is_up_to_date_needs_no_alembic(path: Path) -> None:
    Store.open(path).close()
    use = (
        "from typer.testing import CliRunner\nfrom lsncli.cli import runs\n"
        f"assert CliRunner().invoke(runs.app, ['list', '--db', {str(path)!r}]).exit_code == 0\n"
        f"from lsncli.store import Store\nwith Store.open({str(path)!r}) as s:\n"
        " s.begin_run('a', {}, steps=1, provenance={})"
    )
    assert not loaded(use) & {"torch", "alembic"}
