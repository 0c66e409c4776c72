"""Small images drawn on the spot, archives of them, and a registry of the built-in data sets alone."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lsncli import registry as registry_module
from lsncli.data.cifar import CIFAR10_CLASSES
from lsncli.data.context import DataContext
from lsncli.data.prepare import prepare
from lsncli.errors import LsnError

CLASSES = ("cat", "dog", "emu")
TRAIN, TEST = 3, 2
CIFAR10_FOLDER = "cifar-10-batches-py"


@pytest.fixture(autouse=True)
def only_data_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """These tests need no other plugin, and an installed one must not change what they see."""
    monkeypatch.setattr(registry_module, "BUILTIN_MODULES", ("lsncli.data.plugin",))
    monkeypatch.setattr(registry_module, "metadata", SimpleNamespace(entry_points=lambda **_: ()))
    registry_module.registry.cache_clear()
    yield
    registry_module.registry.cache_clear()


@pytest.fixture
def context(tmp_path: Path) -> DataContext:
    return DataContext(tmp_path / "data")


def pixels(seed: int, height: int = 6, width: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def png() -> Callable[..., bytes]:
    """A PNG (lossless, so that its pixels are known) of random colours."""

    def draw(seed: int = 0, height: int = 6, width: int = 5, mode: str = "RGB", format: str = "PNG") -> bytes:
        out = io.BytesIO()
        Image.fromarray(pixels(seed, height, width)).convert(mode).save(out, format)
        return out.getvalue()

    return draw


@pytest.fixture
def files(png: Callable[..., bytes]) -> dict[str, bytes]:
    """Three classes with three training and two test images each, image i drawn with seed i."""
    names = [f"train/{c}/{i}.png" for c in CLASSES for i in range(TRAIN)]
    names += [f"test/{c}/{i}.png" for c in CLASSES for i in range(TEST)]
    return {name: png(seed) for seed, name in enumerate(names)}


@pytest.fixture
def expected() -> tuple[np.ndarray, np.ndarray]:
    """Training and test images that ``files`` hold, in the order of classes and file names."""
    n = TRAIN * len(CLASSES)
    train = np.stack([pixels(i) for i in range(n)])
    test = np.stack([pixels(i) for i in range(n, n + TEST * len(CLASSES))])
    return train, test


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    def write(content: dict[str, bytes], name: str = "images") -> Path:
        for file, data in content.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture
def tarball(tmp_path: Path) -> Callable[..., Path]:
    """A tar of ``content``; a value that is no bytes is a ready TarInfo."""

    def write(content: dict[str, object], compression: str = "", name: str = "images.tar") -> Path:
        path = tmp_path / name
        with tarfile.open(path, f"w:{compression}") as archive:
            for file, data in content.items():
                if isinstance(data, bytes):
                    info = tarfile.TarInfo(file)
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
                else:
                    assert isinstance(data, tarfile.TarInfo)
                    archive.addfile(data)
        return path

    return write


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    def write(content: dict[str, bytes], name: str = "images.zip", compression: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for file, data in content.items():
                archive.writestr(file, data)
        return path

    return write


@pytest.fixture
def refused(context: DataContext) -> Callable[..., LsnError]:
    """The error that preparing a path ends in, which must match and leave nothing on disk."""

    def check(path: Path, match: str, **options: object) -> LsnError:
        with pytest.raises(LsnError, match=match) as caught:
            prepare("mine", path, context, **options)  # type: ignore[arg-type]
        left = list(context.prepared_dir.rglob("*")) if context.prepared_dir.exists() else []
        assert left == []
        return caught.value

    return check


def write_batches(root: Path) -> dict[str, np.ndarray]:
    """Small batches in the authors' format (channel by channel, row by row); returns images by file."""
    (root / CIFAR10_FOLDER).mkdir(parents=True)
    images = {}
    for i, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        pixels = np.random.default_rng(i).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
        rows = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).reshape(10, 3072)
        batch = {"data": rows, "labels": list(range(10))}
        (root / CIFAR10_FOLDER / name).write_bytes(pickle.dumps(batch))
        images[name] = pixels
    (root / CIFAR10_FOLDER / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CIFAR10_CLASSES)}))
    return images


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, np.ndarray]:
    """torchvision's checksums, changed to those of small batches, which lie in tmp_path/original."""
    from torchvision.datasets import CIFAR10

    images = write_batches(tmp_path / "original")

    def md5(name: str) -> str:
        return hashlib.md5((tmp_path / "original" / CIFAR10_FOLDER / name).read_bytes()).hexdigest()

    monkeypatch.setattr(CIFAR10, "train_list", [[f"data_batch_{k}", md5(f"data_batch_{k}")] for k in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5("test_batch")]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5("batches.meta")})
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "original" / CIFAR10_FOLDER, CIFAR10_FOLDER)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setattr(CIFAR10, "url", archive.as_uri())
    return images
