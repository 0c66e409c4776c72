"""The cache of decoded arrays: whole or not at all, and damage is told."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lsncli.data import catalogue, stored
from lsncli.data.context import DataContext
from lsncli.data.prepare import prepare
from lsncli.errors import LsnError


@pytest.fixture
def kept(context: DataContext, files: dict[str, bytes], folder: Callable[..., Path]) -> Path:
    return prepare("mine", folder(files), context).folder


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def replace_array(path: Path, array: np.ndarray) -> None:
    np.save(path, array, allow_pickle=True)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("train_images.npy", Path.unlink),
        ("train_images.npy", truncate),
        ("test_images.npy", lambda p: p.write_bytes(b"not an array")),
        ("test_images.npy", lambda p: p.write_bytes(b"")),
        ("train_labels.npy", lambda p: replace_array(p, np.zeros(9, np.int32))),
        ("train_labels.npy", lambda p: replace_array(p, np.zeros(8, np.int64))),
        ("train_labels.npy", lambda p: replace_array(p, np.full(9, 3))),
        ("test_labels.npy", lambda p: replace_array(p, np.array([{}] * 6, dtype=object))),
        ("meta.json", Path.unlink),
        ("meta.json", lambda p: p.write_text("{")),
        ("meta.json", lambda p: p.write_text("{}")),
        ("meta.json", lambda p: p.write_bytes(b"\xff\xfe")),
    ],
)
def test_damage_is_one_clear_error(
    file: str, damage: Callable[[Path], None], kept: Path, context: DataContext
) -> None:
    damage(kept / file)
    with pytest.raises(LsnError, match="'mine' is damaged") as caught:
        catalogue.load("mine", {}, context)
    assert "lsn data prepare mine SOURCE --force" in str(caught.value)
    assert "is damaged" in (stored.problem(kept) or "")
    # A listing still lists it.
    entry = next(e for e in catalogue.known(context.data_dir) if e.name == "mine")
    assert entry.available == (file != "meta.json" and (kept / file).exists())


def test_changed_content_shows_in_the_digest(kept: Path, context: DataContext) -> None:
    assert stored.problem(kept) is None
    path = kept / "train_images.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "has changed" in (stored.problem(kept) or "")


def test_prepare_repairs(kept: Path, context: DataContext, tmp_path: Path) -> None:
    truncate(kept / "train_images.npy")
    assert prepare("mine", tmp_path / "images", context).outcome == "repaired"
    assert stored.problem(kept) is None
    (kept / "meta.json").write_text("{")
    with pytest.raises(LsnError, match="is damaged"):
        prepare("mine", tmp_path / "images", context)
    assert prepare("mine", tmp_path / "images", context, force=True).outcome == "replaced"
    assert stored.problem(kept) is None


def test_newer_format(kept: Path) -> None:
    meta = json.loads((kept / "meta.json").read_text())
    meta |= {"format": stored.FORMAT + 1, "something_new": 1}
    (kept / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(LsnError, match="newer lsn"):
        stored.load(kept)


def test_a_file_larger_than_the_memory_is_mapped_to_be_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux refuses to map more than it has where that may be written, even copy-on-write; it is no damage."""
    genuine, expected = np.load, np.load(kept / "train_images.npy")

    def load(path: Path, *, mmap_mode: str, allow_pickle: bool) -> np.ndarray:
        if mmap_mode == "c" and path.name == "train_images.npy":
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        return genuine(path, mmap_mode=mmap_mode, allow_pickle=allow_pickle)

    monkeypatch.setattr(np, "load", load)
    arrays = stored.load(kept)
    np.testing.assert_array_equal(arrays.train_images, expected)
    assert not arrays.train_images.flags.writeable
    assert arrays.test_images.flags.writeable


def test_loaded_arrays_are_mapped_and_the_file_stays_as_it_is(kept: Path) -> None:
    arrays = stored.load(kept)
    assert isinstance(arrays.train_images.base, np.memmap)
    arrays.train_images[:] = 0
    arrays.train_labels[:] = 0
    assert stored.problem(kept) is None


def test_failed_replacement_keeps_the_old(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays, meta = stored.load(kept), stored.read_meta(kept)
    rename = Path.rename

    def fail_into_place(self: Path, target: Path) -> Path:
        if Path(target) == kept and not self.name.endswith("-old"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_into_place)
    with pytest.raises(LsnError, match="Input/output error"):
        stored.save(kept, arrays, meta)
    assert stored.problem(kept) is None
    assert [f.name for f in kept.parent.iterdir()] == ["mine"]


def test_a_set_that_a_crash_left_without_its_name_comes_back(
    kept: Path, context: DataContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power goes between the two renames of a replacement."""
    arrays, meta = stored.load(kept), stored.read_meta(kept)
    rename = Path.rename

    class PowerCutError(BaseException):
        pass

    def cut(self: Path, target: Path) -> Path:
        if Path(target) == kept:
            raise PowerCutError
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(PowerCutError):
            stored.save(kept, arrays, meta)
    assert not kept.exists()
    # At this moment somebody might be replacing it.
    assert catalogue.on_disk(context.data_dir) == {}
    assert not kept.exists()
    monkeypatch.setattr(stored, "_REPLACING_SECONDS", -1.0)
    assert catalogue.load("mine", {}, context).digest == meta.digest
    assert stored.problem(kept) is None
    assert [f.name for f in kept.parent.iterdir()] == ["mine"]


def test_an_old_set_does_not_come_back_over_a_new_one(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_REPLACING_SECONDS", -1.0)
    for name in (".mine-17-0123abcd-old", ".other-17-0123abcd"):
        (kept.parent / name).mkdir()
    stored.bring_back(kept.parent)
    assert sorted(f.name for f in kept.parent.iterdir()) == [".mine-17-0123abcd-old", ".other-17-0123abcd", "mine"]
    stored.bring_back(kept.parent / "nowhere")


def test_meta_says_what_it_should(kept: Path) -> None:
    meta = json.loads((kept / "meta.json").read_text())
    assert meta["class_names"] == ["cat", "dog", "emu"]
    assert (meta["train_size"], meta["test_size"], meta["image_shape"]) == (9, 6, [6, 5, 3])
    assert meta["source"] == "images"  # the base name: no path of this machine
    assert {"digest", "stands_in_for", "noisy_labels", "created", "lsn_version", "mean", "std"} <= set(meta)
