"""``lsn plugins new`` refuses what it cannot do, in one message, and writes nothing then."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lsncli.cli.main import build_app
from lsncli.errors import LsnError
from lsncli.scaffold.names import plugin_names
from lsncli.scaffold.writing import write_plugin

APP = build_app()


def new(folder: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(APP, ["plugins", "new", *words, "--into", str(folder)])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("My Loss",), "lsn plugins new my-loss"),
        (("my_loss",), "lsn plugins new my-loss"),
        (("2gce",), "lsn plugins new gce"),
        (("-",), "NAME"),
        (("lsn-",), "cannot be the name of a plugin"),
        (("../escape",), "cannot be the name of a plugin"),
        (("a--b",), "lsn plugins new a-b"),
        (("ünïcode",), "cannot be the name of a plugin"),
        (("standard",), "there is a loss 'standard' already, of lsn"),
        (("lsn-symmetric", "--kind", "noise"), "there is a noise model 'symmetric' already"),
        (("x", "--kind", "optimizer"), "optimizer"),
    ],
)
def test_a_name_that_cannot_be(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    status, output = new(tmp_path, *words)
    assert status == 2
    assert told in " ".join(output.split())
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_another_kind_is_free(tmp_path: Path) -> None:
    assert new(tmp_path, "symmetric", "--kind", "loss")[0] == 0


def test_a_distribution_or_module_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site" / "lsn_there-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lsn-there\nVersion: 2.0\n")
    (tmp_path / "site" / "lsn_elsewhere.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "site")
    for name, told in (
        ("there", "the distribution 'lsn-there' is installed already, in version 2.0"),
        ("elsewhere", "there is a module 'lsn_elsewhere' already"),
    ):
        status, output = new(tmp_path / "out", name)
        assert (status, told in output) == (2, True), output
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "lsn-mine").mkdir()
    (tmp_path / "lsn-mine" / "work.py").write_text("precious")
    status, output = new(tmp_path, "mine")
    assert status == 2
    assert "lsn-mine is there already; nothing was written" in output
    assert [p.name for p in tmp_path.rglob("*")] == ["lsn-mine", "work.py"]
    (tmp_path / "lsn-file").write_text("")
    assert new(tmp_path, "file")[0] == 2
    (tmp_path / "lsn-link").symlink_to(tmp_path / "nowhere")
    assert new(tmp_path, "link")[0] == 2


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LsnError, match="cannot write the package") as caught:
        write_plugin(plugin_names("mine"), "loss", tmp_path / "file" / "below")
    assert "--into" in (caught.value.next or "")


def test_both_spellings_mean_one_plugin() -> None:
    assert plugin_names("lsn-my-loss") == plugin_names("my-loss")
    names = plugin_names("my-loss")
    assert (names.distribution, names.module, names.title) == ("lsn-my-loss", "lsn_my_loss", "MyLoss")
