"""One direction and no way back: which part may know of which, and what a command may cost."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "lsncli"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
MOST_LINES = 350


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, *, top_only: bool = False) -> Iterator[str]:
    """The modules that a file imports; with ``top_only``, those that importing the file itself imports."""

    def walk(nodes: list[ast.stmt]) -> Iterator[str]:
        for node in nodes:
            match node:
                case ast.Import():
                    yield from (alias.name for alias in node.names)
                case ast.ImportFrom(module=str(module), level=0):
                    yield module
                    yield from (f"{module}.{alias.name}" for alias in node.names)
                case ast.ImportFrom():
                    raise AssertionError(f"{path}: relative import")
                case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                    yield from walk(node.orelse)
                case ast.FunctionDef() | ast.AsyncFunctionDef() if top_only:
                    pass
                case _:
                    for part in ("body", "orelse", "finalbody"):
                        yield from walk(getattr(node, part, []))
                    for handler in getattr(node, "handlers", []):
                        yield from walk(handler.body)
                    for case in getattr(node, "cases", []):
                        yield from walk(case.body)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")).body)


def under(*parts: str) -> list[Path]:
    """The sources below these parts of the package, folders or modules."""
    found = [
        p
        for p in SOURCES
        if any(name_of(p) == f"lsncli.{x}" or name_of(p).startswith(f"lsncli.{x}.") for x in parts)
    ]
    assert found, parts
    return found


def of(modules: Iterator[str], *prefixes: str) -> set[str]:
    return {m for m in modules if any(m == p or m.startswith(f"{p}.") for p in prefixes)}


TORCH = ("torch", "torchvision")


@pytest.mark.parametrize(
    "part", ["store", "report", "battery", "recipe", "plan", "registry", "components", "hookspecs"]
)
def test_what_never_imports_torch(part: str) -> None:
    for path in under(part):
        assert not of(imports(path), *TORCH, "lsncli.engine.training"), path


def test_no_command_imports_torch() -> None:
    """``lsn doctor`` asks for packages by name; no command has a use for torch of its own."""
    for path in under("cli"):
        assert not of(imports(path), *TORCH), path


@pytest.mark.parametrize("path", under("cli"), ids=name_of)
def test_command_modules_are_cheap(path: Path) -> None:
    if path.stem in ("display", "console"):  # imported only by what prints with them
        return
    known = set(sys.stdlib_module_names) | {"typer"}
    for module in imports(path, top_only=True):
        if module.split(".")[0] == "lsncli":
            assert of(iter([module]), "lsncli.cli", "lsncli.errors", "lsncli.inert"), f"{path}: {module}"
        else:
            assert module.split(".")[0] in known, f"{path}: {module}"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.stem == "plugin"], ids=name_of)
def test_registering_imports_no_torch(path: Path) -> None:
    assert not of(imports(path, top_only=True), *TORCH), path


#: Part → what it may not know of.
CLOSED = {
    "engine": ("lsncli.store", "lsncli.report", "lsncli.cli", "lsncli.executors", "lsncli.batch"),
    "executors": ("lsncli.store", "lsncli.report", "lsncli.cli", "lsncli.losses", "lsncli.noise"),
    "store": ("lsncli.engine", "lsncli.executors", "lsncli.report", "lsncli.cli", "lsncli.recipe", "lsncli.plan"),
    "report": ("lsncli.engine", "lsncli.executors", "lsncli.cli", "lsncli.battery"),
    "battery": ("lsncli.engine", "lsncli.executors", "lsncli.cli"),
    "recipe": ("lsncli.engine", "lsncli.executors", "lsncli.store", "lsncli.report", "lsncli.cli"),
    "plan": ("lsncli.engine", "lsncli.executors", "lsncli.store", "lsncli.report", "lsncli.recipe", "lsncli.cli"),
    "losses": ("lsncli.engine", "lsncli.store", "lsncli.recipe", "lsncli.data", "lsncli.cli", "lsncli.noise"),
    "noise": ("lsncli.engine", "lsncli.store", "lsncli.recipe", "lsncli.data", "lsncli.cli"),
    "architectures": ("lsncli.engine", "lsncli.store", "lsncli.recipe", "lsncli.data", "lsncli.cli"),
    **dict.fromkeys(
        ("registry", "components", "hookspecs"),
        tuple(
            f"lsncli.{part}"
            for part in ("engine", "executors", "store", "report", "recipe", "plan", "batch", "cli")
        ),
    ),
    "errors": ("lsncli",),
}


@pytest.mark.parametrize("part", CLOSED)
def test_one_direction(part: str) -> None:
    for path in under(part):
        assert not of(imports(path), *CLOSED[part]), path


def test_nobody_imports_the_commands() -> None:
    for path in SOURCES:
        if not name_of(path).startswith("lsncli.cli") and path.name != "__main__.py":
            assert not of(imports(path), "lsncli.cli"), path


def test_names_say_what_lives_there() -> None:
    for path in SOURCES:
        assert not {part.lower() for part in path.relative_to(PACKAGE).with_suffix("").parts} & FORBIDDEN_NAMES, (
            path
        )


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(ast.parse(text)), "a module says in a sentence what it is"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert "\nraise NotImplementedError" not in text


# -- what commands cost, each in a new interpreter --------------------------------------------------------

RUNNER = """
import sys
sys.argv = ["lsn", *{words!r}]
try:
    from lsncli.cli.main import main
    main()
except SystemExit as end:
    status = end.code
print("\\nLOADED", status, *sorted(m for m in sys.modules if "." not in m), file=sys.stderr)
"""


def loaded(folder: Path, *words: str) -> set[str]:
    """The top-level modules that a command has loaded when it ends, which must be well."""
    result = subprocess.run(
        [sys.executable, "-c", RUNNER.format(words=words)],
        cwd=folder,
        env={**os.environ, "LSN_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
    )
    mark, status, *modules = result.stderr.splitlines()[-1].split()
    assert (mark, status in ("0", "None")) == ("LOADED", True), result.stderr
    return set(modules)


@pytest.mark.parametrize("words", ["--help", "--version", "run --help"])
def test_help_costs_little(words: str, tmp_path: Path) -> None:
    heavy = {"torch", "torchvision", "sqlmodel", "sqlalchemy", "numpy", "sklearn", "matplotlib"}
    modules = loaded(tmp_path, *words.split())
    assert not modules & heavy
    # Typer itself may bring pydantic where it must read an option; the list of commands needs none.
    assert words != "--help" or "pydantic" not in modules


@pytest.mark.parametrize(
    "words",
    [
        "plugins list",
        "plugins show label-smoothing",
        "recipe list",
        "plan quickstart --profile smoke",
        "run quickstart --profile smoke --dry-run",
        "report quickstart --profile smoke",
        "report --table 7",
        "battery label-smoothing --report",
        "data list",
        "runs list",
        "db info",
    ],
)
def test_torch_is_only_for_training(words: str, tmp_path: Path) -> None:
    if words in ("runs list", "db info"):
        make = "from lsncli.store import Store; Store.open('results.db').close()"
        subprocess.run([sys.executable, "-c", make], cwd=tmp_path, check=True)
    assert not loaded(tmp_path, *words.split()) & {"torch", "torchvision", "sklearn", "matplotlib"}
