"""The reference for plugin authors is fresh and whole."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import lsncli
from lsncli import testing
from lsncli.plugin_reference import reference


@pytest.fixture(scope="module")
def page() -> str:
    return reference()


def test_it_is_fresh(page: str, repository: Path) -> None:
    """Made anew by: uv run lsn plugins reference > docs/plugins-reference.md."""
    assert (repository / "docs" / "plugins-reference.md").read_text(encoding="utf-8") == page


def test_every_public_class_and_every_field_is_told(page: str) -> None:
    classes = [getattr(lsncli, name) for name in lsncli.__all__ if isinstance(getattr(lsncli, name), type)]
    assert len(classes) > 15
    base = page.partition("### `ComponentInfo`")[2].partition("\n### ")[0]
    for cls in classes:
        assert page.count(f"### `{cls.__name__}`\n") == 1
        told = base + page.partition(f"### `{cls.__name__}`\n")[2].partition("\n### ")[0]
        for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
            assert f"| `{field.name}` |" in told, (cls, field.name)


def test_what_a_backend_says_of_itself_is_told(page: str) -> None:
    told = page.partition("### `Backend`\n")[2].partition("\n### ")[0]
    assert "| `name` | `str` | required |" in told
    for attribute in ("recorded", "parallel", "traced"):
        assert f"| `{attribute}` | `bool` | `False` |" in told
        assert f"- `{attribute}`: " in told


def test_what_executors_and_formats_deal_with_is_told(page: str) -> None:
    for cls in (
        "lsncli.executors.interface.Executor",
        "lsncli.executors.interface.Control",
        "lsncli.report.table.Table",
    ):
        assert page.count(f"### `{cls}`\n") == 1
    assert "#### `lsncli.executors.interface.Executor.execute(self, plan: Plan," in page
    # What differs from one process to the next would make the page stale for ever.
    assert " at 0x" not in page


def test_every_check_is_told(page: str) -> None:
    for name in testing.__all__:
        told = page.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
        assert told
        suite = getattr(testing, name)
        for check in [n for n in vars(suite) if n.startswith("test_")]:
            assert f"| `{check.removeprefix('test_')}` |" in told


def test_no_role_of_a_docstring_is_left(page: str) -> None:
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    assert not re.findall(r":(?:class|mod|func|meth|data):|``", prose)
