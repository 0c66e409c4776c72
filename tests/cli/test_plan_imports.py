"""A plan without anything stored loads no database library: it takes as long as the rest of the plan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_without_a_database_no_database_library_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from lsncli.cli.main import build_app\n"
        "done = CliRunner().invoke(build_app(), ['plan', 'quickstart'])\n"
        "assert done.exit_code == 0, done.output\n"
        "sys.exit(','.join(sorted({'sqlmodel', 'sqlalchemy'} & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
