"""Where a result comes from: versions, source state, plugins, device; never raw environment variables."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lsncli
from lsncli.engine.packages import package_versions
from lsncli.hookspecs import DISTRIBUTION

if TYPE_CHECKING:
    from lsncli.engine.settings import EngineSettings
    from lsncli.engine.workspace import Workspace
    from lsncli.plan import RunSpec


def describe_run(spec: RunSpec, settings: EngineSettings, work: Workspace) -> dict[str, Any]:
    """The software, and what of the run its spec does not say: digest of the data, command, parameters."""
    return {
        **software(),
        "data_digest": work.data_digest,
        "seeds": {"run": spec.seed, "noise": spec.noise.seed, "subset": spec.data.subset_seed},
        "command": settings.command,
        "parameters": sum(p.numel() for p in work.module.parameters()),
    }


@cache
def software() -> dict[str, Any]:
    """Versions of Python, lsn, the packages that results depend on, the plugins, and lsn's git state."""
    from lsncli.registry import registry

    others = [plugin for plugin in registry().plugins if plugin.origin.distribution != DISTRIBUTION]
    # One with an error and components has trouble with its commands alone.
    loaded = [plugin for plugin in others if plugin.error is None or plugin.components]
    return {
        "lsn": lsncli.__version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": package_versions(sorted({plugin.origin.distribution for plugin in loaded})),
        "plugins": {plugin.name: str(plugin.origin) for plugin in others},
        "git": git_state(Path(lsncli.__file__).resolve().parent),
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and dirtiness of the checkout that holds ``folder``; None where it is no checkout of lsn."""
    if not (folder.parent / ".git").exists():
        return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
