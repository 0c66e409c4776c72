"""The corpus of what once failed, and a few hundred new cases; ``python -m tests.fuzz`` is the long mode."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

#: Kind → new cases; by what a case of it costs.
CASES = {"recipe": 80, "option": 100, "archive": 120, "checkpoint": 80, "database": 40}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
@pytest.mark.parametrize("kind", CASES)
def test_cases_are_accepted_or_refused(kind: str) -> None:
    # In a process of its own: its memory is limited, and a crash ends it alone.
    words = ("-m", "tests.fuzz", "--kind", kind, "--cases", str(CASES[kind]), "--quiet")
    ended = subprocess.run([sys.executable, *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-8000:]
    told = re.search(rf"{kind}: (\d+) of the corpus, (\d+) new cases .*; 0 defects", ended.stdout)
    assert told is not None, ended.stdout
    assert int(told[1]) == len(list((REPOSITORY / "tests/fuzz/corpus" / kind).glob("*.json"))) > 5
    assert int(told[2]) >= CASES[kind]
