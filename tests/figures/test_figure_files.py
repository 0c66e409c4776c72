"""The drawn files: of their kind, of a sensible size, the same for the same numbers, safe with any text."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree
from pathlib import Path

import pytest
from figure_samples import fill, resolved
from PIL import Image

from lsncli.errors import LsnError
from lsncli.report.figures.build import build_figure
from lsncli.report.figures.canvas import draw
from lsncli.report.figures.files import choose_file, write_figure
from lsncli.report.figures.model import Figure
from lsncli.report.figures.style import looks
from lsncli.store import Store


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Figure]:
    """All nine figures from databases without a missing run, at the smoke profile."""
    folder = tmp_path_factory.mktemp("figures")
    for name in ("figure2", "figure3", "figure4", "figure6"):
        fill(folder / "results.db", resolved(name, profile="smoke"))
    with Store.open(folder / "results.db", read_only=True) as store:
        return {number: build_figure(number, store) for number in range(1, 10)}


@pytest.mark.parametrize("number", range(1, 10))
def test_every_figure_is_a_picture(figures: dict[int, Figure], number: int) -> None:
    figure = figures[number]
    assert {cell.status for cell in figure.cells()} <= {"complete"}
    assert figure.profile == (None if number in (1, 5) else "smoke")
    content = draw(figure)
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        image.load()
        width, height = image.size
        # Not blank: white paper, and ink in more than one colour.
        assert len(image.convert("RGB").reduce(4).getcolors(1 << 20)) > 20
    assert 700 <= width <= 2400
    assert 500 <= height <= 2400
    assert 10_000 < len(content) < 1_000_000


def test_vector_files(figures: dict[int, Figure]) -> None:
    svg, pdf = draw(figures[4], "svg"), draw(figures[2], "pdf")
    assert xml.etree.ElementTree.fromstring(svg).tag.endswith("svg")
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert 5_000 < len(svg) < 2_000_000
    assert 5_000 < len(pdf) < 1_000_000


def test_the_same_numbers_give_the_same_file(figures: dict[int, Figure]) -> None:
    assert draw(figures[6], "svg") == draw(figures[6], "svg")
    assert draw(figures[1], "pdf") == draw(figures[1], "pdf")


TEXTS = ("costs $5 and $6", r"a $\frac{1$ b", r"\$x$", "_hidden", "<b>&amp;", "two\nlines\x1b[31m", "标签 🙂", "")


def test_text_of_a_recipe_is_text(folder: Path) -> None:
    # JSON's strings, but for its surrogates, are TOML's.
    case = """
        [[sweep.case]]
        label = {}
        loss = {{ name = "label-smoothing" }}
        sweep = {{ "loss.alpha" = [{}] }}
        """
    text = (folder / "means.toml").read_text().partition("[sweep]")[0].replace("Smoothing on digits", "$a_{$ b^")
    text += '[report]\nmetrics = ["test_$x^{$\\u001b"]\n'
    text += "".join(case.format(json.dumps(t, ensure_ascii=False), 0.1 + i / 20) for i, t in enumerate(TEXTS))
    (folder / "texts.toml").write_text(text, encoding="utf-8")
    figure = build_figure(2, None, recipe="texts.toml", notes=("a note with $one$ formula and \x07 a bell",))
    svg = draw(figure, "svg").decode()
    xml.etree.ElementTree.fromstring(svg)
    # matplotlib writes what a text says as a comment beside its outlines; nothing was taken for mathematics.
    for said in (
        *TEXTS[:3],
        " _hidden",
        "two lines [31m",
        "标签 🙂",
        "Figure 2: $a_{$ b^",
        "note with $one$ formula",
    ):
        assert said in svg


def test_the_users_matplotlibrc_changes_nothing(figures: dict[int, Figure]) -> None:
    import matplotlib

    before = draw(figures[6])
    with matplotlib.rc_context({"font.size": 30, "text.usetex": True, "axes.facecolor": "black"}):
        assert draw(figures[6]) == before
        assert matplotlib.rcParams["font.size"] == 30


def test_methods_are_told_apart_without_colour() -> None:
    labels = ["Baseline", "LS, α = 0.1", "FC", "BC", "mine", "other", "third", "fourth"]
    chosen = looks(labels)
    assert list(chosen) != []
    for of in (
        [(str(look.line), look.marker) for look in chosen.values()],
        [look.color for look in chosen.values()],
        [look.marker for look in chosen.values()],
    ):
        assert len(set(of)) == len(labels)
    # A method looks the same in every figure.
    assert looks(["FC", "LS"])["LS"] == looks(["LS"])["LS"] == chosen["LS, α = 0.1"]


def test_the_suffix_decides(tmp_path: Path) -> None:
    assert choose_file(3, None, None) == (Path("figure3.png"), "png")
    assert choose_file(3, None, "svg") == (Path("figure3.svg"), "svg")
    assert choose_file(3, tmp_path / "a.PDF", None) == (tmp_path / "a.PDF", "pdf")


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("a.jpg", None, "cannot be written as 'jpg'"),
        ("a", None, "no ending"),
        ("a.png", "svg", "contradicts"),
        ("a.png", "md", "cannot be written as 'md'"),
        ("no/a.png", None, "does not exist"),
        ("", None, "is a folder"),
    ],
)
def test_files_that_cannot_be(tmp_path: Path, name: str, form: str | None, said: str) -> None:
    with pytest.raises(LsnError, match=said):
        choose_file(3, tmp_path / name, form)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.png"
    write_figure(b"first", path)
    write_figure(b"second", path)
    assert path.read_bytes() == b"second"

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(LsnError, match="No space left"):
        write_figure(b"third", path)
    assert path.read_bytes() == b"second"
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]
