"""Looking data sets up by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lsncli import registry as registry_module
from lsncli.components import DatasetInfo
from lsncli.data import catalogue
from lsncli.data.context import DataContext, default_data_dir
from lsncli.data.prepare import prepare
from lsncli.errors import LsnError, UnknownNameError
from lsncli.registry import Origin, Plugin, Registered


def test_registered_sets_without_any_file(tmp_path: Path) -> None:
    names = [entry.name for entry in catalogue.known(tmp_path / "nowhere")]
    assert names == ["cifar10", "cifar100", "digits", "imagenet"]
    cifar = catalogue.describe("cifar100", tmp_path)
    # Krizhevsky 2009: 100 classes of 500 training and 100 test images, 32 x 32 in colour.
    assert (cifar.num_classes, cifar.train_size, cifar.test_size) == (100, 50_000, 10_000)
    assert cifar.image_shape == (32, 32, 3)
    assert len(set(cifar.class_names)) == 100
    assert list(cifar.class_names) == sorted(cifar.class_names)
    assert not cifar.available
    assert cifar.origin.startswith("lsncli ")


def test_unknown_name_suggests_registered_and_prepared(
    context: DataContext, files: dict[str, bytes], folder: Callable[..., Path]
) -> None:
    prepare("cifra-tiny", folder(files), context)
    with pytest.raises(UnknownNameError) as caught:
        catalogue.describe("cifar-tiny", context.data_dir, where="recipe.toml: data.name")
    message = str(caught.value)
    assert "'cifra-tiny'" in message
    assert "recipe.toml: data.name" in message
    assert "lsn data prepare NAME SOURCE" in message
    assert "digits" in message
    with pytest.raises(UnknownNameError):
        catalogue.load("cifar-tiny", {}, context)


@pytest.mark.parametrize("name", ["..", ".", "", "../prepared/mine", "mine/../mine"])
def test_names_do_not_lead_elsewhere(
    name: str, context: DataContext, files: dict[str, bytes], folder: Callable[..., Path]
) -> None:
    prepare("mine", folder(files), context)
    with pytest.raises(UnknownNameError):
        catalogue.describe(name, context.data_dir)


def test_unknown_parameters_are_refused(
    context: DataContext, files: dict[str, bytes], folder: Callable[..., Path]
) -> None:
    prepare("mine", folder(files), context)
    for name in ("digits", "mine"):
        with pytest.raises(LsnError, match=f"data set '{name}' has no parameter 'colour'"):
            catalogue.load(name, {"colour": 1}, context)


def test_registered_name_goes_before_a_prepared_one(
    context: DataContext, files: dict[str, bytes], folder: Callable[..., Path]
) -> None:
    made = prepare("mine", folder(files), context).folder
    made.rename(made.with_name("digits"))
    assert catalogue.describe("digits", context.data_dir).train_size == 1000
    assert len(catalogue.load("digits", {}, context).train_labels) == 1000


def test_third_party_set_of_the_wrong_type(context: DataContext) -> None:
    registry = registry_module.registry()
    info = DatasetInfo(name="odd", build=lambda params, context: np.zeros(3))
    registry._add(info, Plugin("odd-plugin", Origin("odd-dist", "2.0")))
    with pytest.raises(LsnError, match="data set 'odd' was built as ndarray") as caught:
        catalogue.load("odd", {}, context)
    assert "odd-dist 2.0" in str(caught.value)
    entry = catalogue.describe("odd", context.data_dir)
    assert entry.num_classes is None
    assert entry.available


class Undecided:
    """A builder that fails when it is asked for its files."""

    def __call__(self, params: None, context: DataContext) -> None: ...

    def available(self, data_dir: Path) -> bool:
        raise KeyError("ODD_HOME")


def test_third_party_set_that_fails_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs its own row, and whoever wants the set gets one message."""
    info = DatasetInfo(name="odd", build=Undecided(), num_classes=3)
    found = Registered(info, Plugin("odd-plugin", Origin("odd-dist", "2.0")))
    monkeypatch.setitem(registry_module.registry()._components, ("data set", "odd"), found)
    rows = {entry.name: entry for entry in catalogue.known(tmp_path)}
    assert {"cifar10", "cifar100", "digits", "imagenet", "odd"} <= set(rows)
    assert not rows["odd"].available
    told = "data set 'odd' of odd-dist 2.0 cannot say whether it is there: KeyError: 'ODD_HOME'"
    assert rows["odd"].origin == told
    with pytest.raises(LsnError) as caught:
        catalogue.describe("odd", tmp_path)
    assert caught.value.what == told


def test_unreadable_data_dir(tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("a file in the way")
    with pytest.raises(LsnError, match="cannot read the folder of data sets"):
        catalogue.known(tmp_path)


def test_default_folder_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_data_dir().name == "lsn"


def test_describing_does_not_import_torch(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, lsncli.registry as r; r.BUILTIN_MODULES = ('lsncli.data.plugin',)\n"
        "from lsncli.data import catalogue, prepare\n"
        "import lsncli.cli.data\n"
        f"catalogue.known(pathlib.Path({str(tmp_path)!r}))\n"
        "assert not {'torch', 'torchvision', 'sqlmodel', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
