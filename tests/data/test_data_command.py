"""``lsn data``: what is printed where, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from lsncli.cli.data import app as data_app
from lsncli.cli.main import LsnGroup

Lsn = Callable[..., Result]


@pytest.fixture
def lsn(tmp_path: Path) -> Lsn:
    app = typer.Typer(cls=LsnGroup, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    app.add_typer(data_app, name="data")

    def run(*arguments: object) -> Result:
        environment = {"LSN_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "200"}
        return CliRunner().invoke(app, ["data", *map(str, arguments)], env=environment)

    return run


def test_list(lsn: Lsn, files: dict[str, bytes], folder: Callable[..., Path]) -> None:
    assert lsn("prepare", "mine", folder(files)).exit_code == 0
    listed = json.loads(lsn("list", "--format", "json").stdout)
    assert [entry["name"] for entry in listed] == ["cifar10", "cifar100", "digits", "imagenet", "mine"]
    mine = listed[-1]
    assert (mine["num_classes"], mine["train_size"], mine["test_size"]) == (3, 9, 6)
    assert mine["image_shape"] == [6, 5, 3]
    assert mine["available"] is True
    table = lsn("list").stdout
    assert "6×5×3" in table
    assert "prepared from images" in table


def test_prepare_speaks_on_stderr_alone(lsn: Lsn, files: dict[str, bytes], tarball: Callable[..., Path]) -> None:
    result = lsn("prepare", "mine", tarball(files), "--noisy-labels", "--size", 4)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "mine: prepared; 9 training and 6 test images, 4×4×3, 3 classes" in result.stderr
    again = lsn("prepare", "mine", tarball(files), "--noisy-labels", "--size", 4)
    assert "mine: unchanged" in again.stderr
    assert "noisy labels" in lsn("list").stdout


def test_stand_in_says_how_to_use_it(lsn: Lsn, png: Callable[..., bytes], folder: Callable[..., Path]) -> None:
    ten = {f"{s}/{k}/x.png": png(k) for s in ("train", "test") for k in range(10)}
    result = lsn("prepare", "ten", folder(ten), "--stands-in-for", "cifar10")
    assert "--data cifar10=ten" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "Bad_Name", "SOURCE"], "is not a name for a data set"),
        (["prepare", "mine", "nowhere.tar"], "cannot read 'nowhere.tar'"),
        (["prepare", "digits", "SOURCE"], "registered data set"),
        (["prepare", "mine"], "no registered data set 'mine' to download"),
        (["prepare", "digits", "--noisy-labels"], "without a SOURCE of images --noisy-labels means nothing"),
        (["prepare", "mine", "SOURCE", "--max-gib", "0"], "unpacks to more than 0 GiB"),
        (["prepare", "mine", "SOURCE", "--max-gib", "inf"], "a finite number is expected"),
        (["verify", "digitz"], "unknown data set 'digitz'"),
    ],
)
def test_wrong_requests(
    arguments: list[str], message: str, lsn: Lsn, files: dict[str, bytes], tarball: Callable[..., Path]
) -> None:
    source = str(tarball(files))
    result = lsn(*(source if a == "SOURCE" else a for a in arguments))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_prepare_of_a_registered_set(lsn: Lsn) -> None:
    result = lsn("prepare", "digits")
    assert result.exit_code == 0
    assert "digits: ready; 1000 training and 797 test images" in result.stderr


def test_verify(lsn: Lsn, files: dict[str, bytes], folder: Callable[..., Path], tmp_path: Path) -> None:
    assert lsn("verify").exit_code == 0
    for name in ("good", "bad"):
        lsn("prepare", name, folder(files))
    assert lsn("verify").exit_code == 0
    labels = tmp_path / "data" / "prepared" / "bad" / "test_labels.npy"
    labels.write_bytes(labels.read_bytes()[:-16] + bytes(16))
    result = lsn("verify", "--format", "json")
    assert result.exit_code == 1
    assert {row["name"]: row["state"] for row in json.loads(result.stdout)} == {"bad": "damaged", "good": "ok"}
    assert "damaged: bad" in result.stderr
    assert lsn("verify", "good", "digits").exit_code == 0
    assert "has changed" in lsn("verify", "bad").stdout


def test_rm(lsn: Lsn, files: dict[str, bytes], folder: Callable[..., Path]) -> None:
    """Asked for by name, confirmed, and of what is there."""
    for name in ("mine", "yours"):
        assert lsn("prepare", name, folder(files)).exit_code == 0
    unconfirmed = lsn("rm", "mine")
    assert (unconfirmed.exit_code, "--yes" in unconfirmed.stderr) == (2, True)
    assert "unknown data set 'mnie'" in lsn("rm", "mnie", "mine", "--yes").stderr
    assert "nothing of data set 'cifar10' is on disk" in lsn("rm", "cifar10", "--yes").stderr
    assert lsn("verify", "mine").exit_code == 0
    assert lsn("rm", "mine", "--yes").stdout == "removed mine\n"
    assert "unknown data set 'mine'" in lsn("verify", "mine").stderr
    assert lsn("verify", "yours").exit_code == 0
    assert "prepared already" in lsn("prepare", "yours").stderr


def test_verify_without_anything_says_so(lsn: Lsn) -> None:
    assert "no decoded data set" in lsn("verify").stderr
