"""Entry points and distributions made up for tests, in memory and on disk."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from lsncli import LossInfo, hookimpl


@dataclass
class FakeEntryPoint:
    """What :func:`importlib.metadata.entry_points` would give; ``load`` is any function."""

    name: str
    load: Callable[[], Any]
    dist: Any = None
    value: str = "somewhere.module"


def distribution(name: str, version: str = "1.0") -> Any:
    return SimpleNamespace(name=name, version=version)


def module(**functions: Any) -> ModuleType:
    made = ModuleType("fake")
    vars(made).update(functions)
    return made


def source(text: str, name: str = "fake_source") -> Callable[[], ModuleType]:
    """Load a module from its text, as an import would."""

    def load() -> ModuleType:
        made = ModuleType(name)
        exec(compile(textwrap.dedent(text), f"{name}.py", "exec"), vars(made))
        return made

    return load


def loss(name: str = "fake-loss", **more: Any) -> LossInfo:
    return LossInfo(name=name, build=lambda params, context: None, **more)


def registering(*infos: Any, hook: str = "lsn_losses") -> ModuleType:
    """A plugin that registers ``infos`` by ``hook``."""

    def implementation(register: Callable[[Any], None]) -> None:
        for info in infos:
            register(info)

    implementation.__name__ = hook
    return module(**{hook: hookimpl(implementation)})


def entry(dist: str, plugin: Any, name: str = "main") -> Any:
    return FakeEntryPoint(name, plugin if callable(plugin) else lambda: plugin, distribution(dist))


def install(folder: Path, dist: str, module_name: str, text: str) -> Path:
    """Put a distribution of one module into ``folder``, as an installer would; ``folder`` goes on the path."""
    info = folder / f"{dist.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lsn]\n{dist} = {module_name}\n")
    (folder / f"{module_name}.py").write_text(textwrap.dedent(text))
    return folder
