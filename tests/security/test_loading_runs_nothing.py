"""Nothing that lsn loads can run code, plugins apart: no module of it calls what could."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lsncli"
SOURCES = sorted(PACKAGE.rglob("*.py"))

#: Modules whose readers make any object, and so run any code; and those that start a shell.
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
FORBIDDEN_MODULES |= {"jsonpickle", "pty", "commands"}

#: Builtins that run text.
FORBIDDEN_BUILTINS = {"eval", "exec", "compile", "__import__"}

#: Functions by the end of their dotted name: (function, the keyword that makes it harmless, its value).
CONDITIONAL = {
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "np.save": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
FORBIDDEN_CALLS = {
    *(
        "os.system",
        "os.popen",
        "torch.jit.load",
        "torch.hub.load",
        "torch.package.PackageImporter",
        "pd.read_pickle",
    ),
    *(
        "np.lib.format.read_array",
        "shutil.unpack_archive",
        "archive.extractall",
        "archive.extract",
        "tar.extractall",
    ),
}

#: Who imports what a name says: the registry and the conformance suites (plugins); all others take the name
#: from a list of their own.
IMPORTERS = {
    *("registry.py", "testing/running.py"),
    *("__init__.py", "store/__init__.py", "testing/__init__.py", "cli/main.py", "cli/doctor.py"),
    *("report/claims/formats.py", "bench/stacks.py"),
}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_no_loader_of_objects() -> None:
    assert len(SOURCES) > 200
    wrong = {p.name: found for p in SOURCES if (found := wrong_in(ast.parse(p.read_text(encoding="utf-8"))))}
    assert not wrong


def wrong_in(tree: ast.AST) -> list[str]:
    """What a module must not do, by line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: {a.name}" for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES:
            found.append(f"{node.lineno}: {node.module}")
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            keywords = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
            if name in FORBIDDEN_BUILTINS or name in FORBIDDEN_CALLS or name.endswith(".extractall"):
                found.append(f"{node.lineno}: {name}")
            for function, (keyword, value) in CONDITIONAL.items():
                if name == function and keywords.get(keyword) is not value:
                    found.append(f"{node.lineno}: {name} without {keyword}={value}")
            if keywords.get("shell") is True:
                found.append(f"{node.lineno}: {name} with a shell")
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from yaml import load",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "eval('1')",
        "archive.extractall(folder)",
        "subprocess.run(x, shell=True)",
    ],
)
def test_the_test_finds_it(code: str) -> None:
    assert wrong_in(ast.parse(code))


def test_modules_are_imported_by_name_only_where_plugins_are() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "import_module":
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found <= IMPORTERS


def test_cifar_alone_is_unpickled_and_after_its_checksum() -> None:
    """torchvision's readers of CIFAR unpickle; every file's MD5 is compared before they are made."""
    users = [p.name for p in SOURCES if "from torchvision import datasets" in p.read_text(encoding="utf-8")]
    assert users == ["cifar.py"]
    (reader,) = (
        node
        for node in ast.walk(ast.parse((PACKAGE / "data/cifar.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == "_read"
    )
    calls = [(node.lineno, dotted(node.func)) for node in ast.walk(reader) if isinstance(node, ast.Call)]
    compared = [line for line, name in calls if name == "md5_of"]
    unpickled = [line for line, name in calls if name == "dataset"]
    assert compared
    assert unpickled
    assert max(compared) < min(unpickled)
