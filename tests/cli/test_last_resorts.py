"""What is left when the system refuses, somebody interrupts, or a wrong value was typed elsewhere."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: As the fixture of that name.
Lsn = Any


@pytest.mark.parametrize(
    ("option", "value", "words", "place"),
    [
        ("device", "gpu", "run tiny.toml", "lsn.toml, device"),
        ("profile", "nosuch", "plan tiny.toml", "lsn.toml, profile"),
        ("device", "gpu", "run tiny.toml --device abacus", "--device"),
    ],
)
def test_a_wrong_default_is_told_of_where_it_stands(
    lsn: Lsn, option: str, value: str, words: str, place: str
) -> None:
    (lsn.folder / "lsn.toml").write_text(f'{option} = "{value}"\n', encoding="utf-8")
    answer = lsn(words)
    assert answer.one_message
    (where,) = [line for line in answer.err.splitlines() if line.startswith("  where: ")]
    assert where.endswith(place)


@pytest.mark.parametrize(("name", "value"), [("LSN_DEVICE", "abacus"), ("LSN_REPLICAS", "abc")])
def test_a_wrong_variable_is_named(lsn: Lsn, name: str, value: str) -> None:
    answer = lsn("run tiny.toml", **{name: value})
    assert answer.one_message
    assert f"  where: {name}, a variable of the environment" in answer.err


def test_what_the_system_refuses_is_one_message(lsn: Lsn, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")

    monkeypatch.setattr("lsncli.batch.plan_of", refuse)
    answer = lsn("plan tiny.toml")
    assert answer.one_message
    assert answer.err.splitlines()[:2] == [
        "error: the system refuses: No space left on device",
        "  where: some/file",
    ]


@pytest.mark.parametrize("cleaning", [False, True])
def test_an_interrupt_before_anything_trains_is_a_word(
    cleaning: bool, lsn: Lsn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*words: Any, **options: Any) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            if cleaning:
                raise RuntimeError("closed already")

    monkeypatch.setattr("lsncli.batch.plan_of", interrupt)
    answer = lsn("plan tiny.toml")
    assert (answer.status, answer.err) == (130, "interrupted\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_an_output_without_room(tmp_path: Path) -> None:
    """A short one is written only at the end, where Python would tell of it in its own way."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "lsncli", "theory", "--help"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: the system refuses: No space left on device\n")
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


@pytest.mark.parametrize("words", ["report tiny.toml --output t.pdf", "select tiny.toml --output t.xls"])
def test_no_report_is_written_under_a_name_that_says_another_format(lsn: Lsn, words: str) -> None:
    answer = lsn(words)
    assert answer.one_message
    assert ".md, .csv, .json, .tex, .html, .htm, .txt" in answer.err
    assert not [name for name in lsn.files() if name.startswith("t.")]
