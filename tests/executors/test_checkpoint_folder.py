"""Which folder a database's weights go to: one of its own, and the one that it had before."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsncli.checkpoint_folder import OWNER, checkpoint_dir, keep_checkpoint_dir

ADA = "postgresql+psycopg://me:secret@ada/results"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(name: str) -> str:
    """The folder of a database file that is there and is trained into."""
    if "://" not in name:
        Path(name).touch()
    kept = keep_checkpoint_dir(name)
    assert checkpoint_dir(name) == kept
    return str(kept)


def test_beside_the_file_or_in_this_folder(folder: Path) -> None:
    assert str(checkpoint_dir("results.db")) == "results.checkpoints"
    assert str(checkpoint_dir("sqlite:///results.db")) == "results.checkpoints"
    assert str(checkpoint_dir(ADA)) == "lsn.checkpoints"
    assert list(folder.iterdir()) == []


def test_older_folders_are_found(folder: Path) -> None:
    """Without a word on whose they are."""
    for name in ("lab.checkpoints", "lsn.checkpoints"):
        (folder / name).mkdir()
    assert keep("lab.sqlite") == "lab.checkpoints"
    assert keep(ADA) == "lsn.checkpoints"
    # And found again.
    assert keep("lab.sqlite") == "lab.checkpoints"
    assert keep(ADA) == "lsn.checkpoints"


@pytest.mark.parametrize(
    "names",
    [
        ("lab.db", "lab.sqlite", "lab"),
        (ADA, ADA.replace("ada", "eva"), ADA.replace("results", "others"), ADA.replace("ada", "ada:5433")),
        ("lsn.db", ADA),
        (ADA, "lsn.db"),
    ],
)
def test_no_two_databases_share_one(names: tuple[str, ...], folder: Path) -> None:
    kept = [keep(name) for name in names]
    assert len(set(kept)) == len(names)
    assert [keep(name) for name in reversed(names)] == kept[::-1]


def test_another_user_or_driver_is_the_same_database(folder: Path) -> None:
    assert keep(ADA) == keep(ADA.replace("me:secret", "you")) == keep(ADA.replace("ada", "ada:5432"))
    assert "secret" not in (folder / "lsn.checkpoints" / OWNER).read_text()


def test_what_was_renamed_keeps_its_folder(folder: Path) -> None:
    keep("lab.sqlite")
    Path("lab.sqlite").rename("lab.db")
    assert keep("lab.db") == "lab.checkpoints"
    # Both renamed, and a new database under the old name.
    Path("lab.db").rename("old.db")
    Path("lab.checkpoints").rename("old.checkpoints")
    assert keep("lab.db") == "lab.checkpoints"
    assert keep("old.db") == "old.checkpoints"


def test_who_is_second_at_the_same_moment_goes_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lab.db", "lab.sqlite"):
        Path(name).touch()
    mkdir, waiting = Path.mkdir, ["lab.db"]

    def slow(self: Path, *arguments: object, **options: object) -> None:
        mkdir(self, *arguments, **options)  # type: ignore[arg-type]
        if waiting:
            keep_checkpoint_dir(waiting.pop())

    monkeypatch.setattr(Path, "mkdir", slow)
    second = keep_checkpoint_dir("lab.sqlite")
    assert second == checkpoint_dir("lab.sqlite") != checkpoint_dir("lab.db")
