"""A shell in a folder of plugin packages, which are put on the path as an installer would."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path


def install(package: Path, site: Path) -> None:
    """What ``pip install -e`` leaves behind, without an index and a build backend: metadata and a path."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    points = "\n".join(f"{name} = {value}" for name, value in project["entry-points"]["lsn"].items())
    (info / "entry_points.txt").write_text(f"[lsn]\n{points}\n", encoding="utf-8")


class Workshop:
    """A folder with a new package of each kind, installed; and a shell in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        packages = sorted(self.folder.glob("lsn-*"))
        return subprocess.run(
            [sys.executable, *words],
            cwd=cwd or self.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, (self.site, *packages))),
                "LSN_DATA_DIR": str(self.folder / "data"),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            timeout=280,
        )

    def lsn(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "lsncli", *words)
