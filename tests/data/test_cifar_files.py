"""CIFAR by way of torchvision: nothing is unpickled whose checksum is wrong."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsncli.data import catalogue, stored
from lsncli.data.context import DataContext
from lsncli.data.prepare import fetch
from lsncli.data.readiness import make_ready
from lsncli.errors import LsnError

FOLDER, ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"


class Trap:
    """Unpickling it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def check(arrays: object, images: dict[str, np.ndarray]) -> None:
    train = np.concatenate([images[f"data_batch_{k}"] for k in range(1, 6)])
    np.testing.assert_array_equal(arrays.train_images, train)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(arrays.test_images, images["test_batch"])  # type: ignore[attr-defined]
    assert arrays.train_labels.tolist() == list(range(10)) * 5  # type: ignore[attr-defined]


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_existing_folder_is_read_and_decoded_once(
    below: str, small: dict[str, np.ndarray], context: DataContext, tmp_path: Path
) -> None:
    place = context.data_dir / below
    place.mkdir(parents=True)
    (tmp_path / "original" / FOLDER).rename(place / FOLDER)
    assert catalogue.describe("cifar10", context.data_dir).available
    first = catalogue.load("cifar10", {}, context)
    check(first, small)
    (place / FOLDER).rename(tmp_path / "gone")
    check(catalogue.load("cifar10", {}, context), small)
    assert catalogue.describe("cifar10", context.data_dir).digest == first.digest
    assert stored.read_meta(context.cache_dir / "cifar10").source == FOLDER


def test_existing_archive(small: dict[str, np.ndarray], context: DataContext, tmp_path: Path) -> None:
    context.data_dir.mkdir()
    (tmp_path / ARCHIVE).rename(context.data_dir / ARCHIVE)
    assert catalogue.describe("cifar10", context.data_dir).available
    check(catalogue.load("cifar10", {}, context), small)
    assert sorted(f.name for f in context.data_dir.iterdir()) == ["cache", ARCHIVE]


def test_download_and_repair(small: dict[str, np.ndarray], context: DataContext) -> None:
    told: list[str] = []
    online = replace(context, download=True, progress=lambda what, done, total: told.append(what))
    check(fetch("cifar10", online), small)
    assert f"downloading {ARCHIVE}" in told
    # A decoded copy that went bad is made again.
    copy = context.cache_dir / "cifar10" / "train_images.npy"
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    check(fetch("cifar10", online), small)


def test_data_dir_that_cannot_be_written_still_serves(
    small: dict[str, np.ndarray], context: DataContext, tmp_path: Path
) -> None:
    context.data_dir.mkdir()
    (tmp_path / "original" / FOLDER).rename(context.data_dir / FOLDER)
    context.cache_dir.write_text("a file in the way")
    check(catalogue.load("cifar10", {}, context), small)


def test_wrong_checksum_is_refused_without_unpickling(context: DataContext, tmp_path: Path) -> None:
    """The real checksums this time: batches that set a trap, and are not the published ones."""
    mark = tmp_path / "unpickled"
    (context.data_dir / FOLDER).mkdir(parents=True)
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta"]:
        (context.data_dir / FOLDER / name).write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(LsnError, match="data_batch_1 of cifar10 does not have its published MD5"):
        catalogue.load("cifar10", {}, context)
    assert not mark.exists()
    pickle.loads((context.data_dir / FOLDER / "test_batch").read_bytes())
    assert mark.exists(), "the trap works"


def test_one_bad_file_among_good_ones(small: dict[str, np.ndarray], context: DataContext, tmp_path: Path) -> None:
    context.data_dir.mkdir()
    (tmp_path / "original" / FOLDER).rename(context.data_dir / FOLDER)
    mark = tmp_path / "unpickled"
    for name in ("test_batch", "batches.meta"):
        path = context.data_dir / FOLDER / name
        good = path.read_bytes()
        path.write_bytes(pickle.dumps(Trap(mark)))
        with pytest.raises(LsnError, match=f"{name} of cifar10 does not have"):
            catalogue.load("cifar10", {}, context)
        assert not mark.exists()
        path.write_bytes(good)
    (context.data_dir / FOLDER / "data_batch_3").unlink()
    with pytest.raises(LsnError, match="not complete: data_batch_3 cannot be read"):
        catalogue.load("cifar10", {}, context)


def test_wrong_archive_is_not_opened(context: DataContext) -> None:
    context.data_dir.mkdir()
    (context.data_dir / ARCHIVE).write_bytes(b"not the archive")
    with pytest.raises(LsnError, match="does not have its published MD5, so it was not opened"):
        catalogue.load("cifar10", {}, context)


def change_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_changed_file_is_told_before_a_batch(
    small: dict[str, np.ndarray], context: DataContext, tmp_path: Path
) -> None:
    context.data_dir.mkdir()
    (tmp_path / "original" / FOLDER).rename(context.data_dir / FOLDER)
    change_last_byte(context.data_dir / FOLDER / "data_batch_4")
    with pytest.raises(LsnError, match="data_batch_4 of cifar10 does not have its published MD5"):
        make_ready("cifar10", {}, context)
    assert not context.cache_dir.exists()


@pytest.mark.parametrize("part", ["train_images.npy", "test_labels.npy", "meta.json"])
def test_a_changed_copy_is_made_again_before_a_batch(
    part: str, small: dict[str, np.ndarray], context: DataContext, tmp_path: Path
) -> None:
    """It would be used under the digest of what it was."""
    context.data_dir.mkdir()
    (tmp_path / "original" / FOLDER).rename(context.data_dir / FOLDER)
    make_ready("cifar10", {}, context)
    copy = context.cache_dir / "cifar10"
    digest = stored.read_meta(copy).digest
    change_last_byte(copy / part)
    assert stored.changed(copy)
    make_ready("cifar10", {}, context)
    assert stored.changed(copy) is None
    assert stored.read_meta(copy).digest == digest
    check(catalogue.load("cifar10", {}, context), small)
    # Where it cannot be made again, nothing is trained on it.
    (context.data_dir / FOLDER).rename(tmp_path / "gone")
    make_ready("cifar10", {}, context)
    change_last_byte(copy / part)
    with pytest.raises(LsnError, match="cifar10 is not on this machine"):
        make_ready("cifar10", {}, context)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_neither_file_nor_download(name: str, context: DataContext) -> None:
    with pytest.raises(LsnError, match=f"{name} is not on this machine") as caught:
        catalogue.load(name, {}, context)
    message = str(caught.value)
    assert str(context.data_dir) in message
    assert "python.tar.gz" in message
    assert f"lsn data prepare NAME SOURCE --stands-in-for {name}" in message
    assert f"--data {name}=NAME" in message


def test_failing_download(context: DataContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "url", (tmp_path / "nowhere").as_uri())
    with pytest.raises(LsnError, match="not on this machine and the download failed") as caught:
        catalogue.load("cifar10", {}, replace(context, download=True))
    assert "looked for" in str(caught.value)
    assert "--data cifar10=NAME" in str(caught.value)
    assert list(context.data_dir.iterdir()) == []
