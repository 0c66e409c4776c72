"""The generated pages are what the code says now, and whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from lsncli.cli.main import build_app
from lsncli.recipe.schema import Recipe
from reference_pages.__main__ import main
from reference_pages.pages import pages


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_they_are_fresh(made: dict[str, str], repository: Path) -> None:
    """Made anew by: uv run python -m reference_pages."""
    old = [name for name, text in made.items() if (repository / "docs" / name).read_text(encoding="utf-8") != text]
    assert old == []


def test_the_check_finds_an_old_page(
    made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in made.items():
        (tmp_path / name).write_text(text + ("old" if name == "commands.md" else ""), encoding="utf-8")
    monkeypatch.setattr("reference_pages.__main__.DOCS", tmp_path)
    assert main(["--check"]) == 1
    assert "commands.md" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_every_command_and_option_is_told(made: dict[str, str]) -> None:
    page = made["commands.md"]

    def walk(command: object, path: str) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            section = re.search(
                rf"^#+ {re.escape(f'{path} {name}')}\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE
            )
            assert section, f"{path} {name}"
            for parameter in inner.params:
                for option in parameter.opts:
                    if option.startswith("--") and option != "--help":
                        assert option in section[1], f"{path} {name} {option}"
            walk(inner, f"{path} {name}")

    walk(get_command(build_app()), "lsn")


def test_every_key_of_a_recipe_is_told(made: dict[str, str]) -> None:
    page = made["recipes-reference.md"]
    for name, field in Recipe.model_fields.items():
        assert f"| `{name}` |" in page
        for inner in getattr(field.annotation, "model_fields", {}):
            assert f"| `{inner}` |" in page.partition(f"## `[{name}]`\n")[2].partition("\n## ")[0], (name, inner)


def test_the_cases_of_a_sweep_and_the_estimators_are_told(made: dict[str, str]) -> None:
    page = made["recipes-reference.md"]
    for section, keys in (
        ("## `[[sweep.case]]`", ("label", "at", "sweep")),
        ('### [transition.estimator] `name = "anchor"`', ("percentile", "identity_weight", "argmax")),
    ):
        told = page.partition(f"{section}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
        assert [key for key in keys if f"| `{key}` |" not in told] == []
