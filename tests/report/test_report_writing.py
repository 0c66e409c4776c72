"""Reports written to files: all or nothing, and clear refusals."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lsncli.errors import LsnError
from lsncli.report.writing import write_report


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_report("first ±\n", path)
    write_report("second ±\n", path)
    assert path.read_bytes() == "second ±\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_keeps_being_one(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("old")
    link = tmp_path / "link.md"
    link.symlink_to("real.md")
    write_report("new", link)
    assert link.is_symlink()
    assert (tmp_path / "real.md").read_text() == "new"


def test_a_device_is_written_to() -> None:
    write_report("gone", Path(os.devnull))
    assert not Path(os.devnull).is_file()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match="does not exist"):
        write_report("x", tmp_path / "no" / "report.md")
    assert list(tmp_path.iterdir()) == []


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match="is a folder"):
        write_report("x", tmp_path)


def test_a_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LsnError):
        write_report("x", tmp_path / "file" / "report.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LsnError, match="cannot write the report"):
            write_report("x", tmp_path / "report.md")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a read-only folder, for root too, who may write anywhere."""
    path = tmp_path / "report.md"
    path.write_text("old")

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LsnError, match="cannot write the report: Permission denied") as caught:
        write_report("new", path)
    monkeypatch.undo()
    assert "--output" in (caught.value.where or "")
    assert path.read_text() == "old"


def test_a_full_disk_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.md"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LsnError, match="No space left"):
        write_report("new", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
