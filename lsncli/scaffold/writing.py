"""Writes the package of a new plugin from the templates, as a whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from lsncli import __version__
from lsncli.errors import LsnError
from lsncli.scaffold.names import KINDS, PluginNames


def write_plugin(names: PluginNames, kind: str, parent: Path) -> list[Path]:
    """Write the package into a new folder ``parent/lsn-NAME``; the files, relative to ``parent``.

    kind: a key of :data:`lsncli.scaffold.names.KINDS`. Raises :class:`LsnError` if the folder is there already or
    cannot be written; nothing is left behind then.
    """
    folder = parent / names.distribution
    if folder.exists() or folder.is_symlink():
        raise LsnError(
            f"{names.distribution} is there already; nothing was written",
            where=str(folder),
            next="choose another name, or another folder with --into",
        )
    staging: Path | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{names.distribution}-", dir=parent))
        staging.chmod(0o755)
        for place, text in package_files(names, kind).items():
            path = staging / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        staging.rename(folder)
    except OSError as error:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        raise LsnError(
            f"cannot write the package: {error.strerror or error}",
            where=str(folder),
            next="choose another folder with --into",
        ) from None
    return sorted(path.relative_to(parent) for path in folder.rglob("*") if path.is_file())


def package_files(names: PluginNames, kind: str) -> dict[str, str]:
    """The files of the package, by their place in it."""
    title, part = KINDS[kind]
    values = {
        "component": names.component,
        "distribution": names.distribution,
        "module": names.module,
        "title": names.title,
        "kind": title,
        "part": part,
        "lsn_range": _range(__version__),
        "device": f" --device {names.component}" if kind == "backend" else "",
    }
    templates = resources.files("lsncli.scaffold") / "templates"
    shared, own = templates / "shared", templates / kind

    def filled(folder: Traversable, name: str) -> str:
        text = (folder / f"{name}.template").read_text(encoding="utf-8")
        return Template(text).substitute(values)

    return {
        "pyproject.toml": filled(shared, "pyproject.toml"),
        "README.md": filled(shared, "README.md"),
        ".gitignore": filled(shared, "gitignore"),
        f"{names.module}/__init__.py": f'"""The {title} {names.component} for lsn."""\n',
        f"{names.module}/py.typed": "",
        f"{names.module}/plugin.py": filled(own, "plugin.py"),
        f"{names.module}/{part}.py": filled(own, f"{part}.py"),
        f"tests/test_{part}.py": filled(own, f"test_{part}.py"),
        f"recipes/{names.component}.toml": filled(own, "recipe.toml"),
    }


def _range(version: str) -> str:
    """The versions that promise to be compatible: up to the next first number, or second while the first is 0."""
    major, minor, *_ = (int(number) for number in version.split(".")[:2])
    return f">={version},<{f'0.{minor + 1}' if major == 0 else major + 1}"
