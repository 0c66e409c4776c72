"""Entry points are found in any environment, damaged distributions and all."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_plugins import install

from lsncli.entry_points import installed_entry_points


def test_a_damaged_distribution_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "lsn-sound", "lsn_sound", "")
    install(tmp_path, "lsn-damaged", "lsn_damaged", "")
    install(tmp_path, "not-ours", "not_ours", "")
    (tmp_path / "lsn_damaged-1.0.dist-info" / "entry_points.txt").write_text("[lsn]\nno equals sign\n")
    (tmp_path / "not_ours-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nnor here\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = {point.name: point for point in installed_entry_points()}
    assert {"lsn-sound", "lsn-damaged"} <= set(found)
    assert "not-ours" not in found
    assert found["lsn-sound"].load().__name__ == "lsn_sound"
    with pytest.raises(ValueError, match=r"its entry_points.txt cannot be read"):
        found["lsn-damaged"].load()


def test_of_two_copies_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("second", "first"):
        install(tmp_path / folder, "lsn-twice", "lsn_twice", f"WHERE = {folder!r}")
        monkeypatch.syspath_prepend(tmp_path / folder)
    (tmp_path / "second" / "broken-1.0.dist-info").mkdir()
    (tmp_path / "second" / "broken-1.0.dist-info" / "METADATA").write_text("Name: broken\n")
    (tmp_path / "second" / "broken-1.0.dist-info" / "entry_points.txt").write_text("[x]\nbroken\n")
    points = [point for point in installed_entry_points() if point.name == "lsn-twice"]
    assert [point.load().WHERE for point in points] == ["first"]
