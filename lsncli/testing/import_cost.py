"""What importing a plugin's module and calling its registering hooks brings along, in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from lsncli.registry import REGISTERING_HOOKS

#: Packages that take from a tenth of a second to several seconds to import.
HEAVY = frozenset(
    {
        "torch",
        "torchvision",
        "torch_xla",
        "timm",
        "jax",
        "tensorflow",
        "sklearn",
        "scipy",
        "pandas",
        "matplotlib",
        "sqlalchemy",
        "sqlmodel",
        "transformers",
        "cleanlab",
    }
)

_SCRIPT = """
import importlib, json, sys
from functools import reduce
plugin = importlib.import_module(sys.argv[1])
plugin = reduce(getattr, filter(None, sys.argv[2].split(".")), plugin)
for hook in json.loads(sys.argv[3]):
    implementation = getattr(plugin, hook, None)
    if implementation is not None:
        implementation(register=lambda info: None)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@cache
def heavy_imports(module: str, name: str = "") -> frozenset[str]:
    """The :data:`HEAVY` packages that are loaded after ``module`` has registered its components.

    name: of the class or object in the module that has the hooks, where it is not the module itself.
    Raises AssertionError where the module cannot be imported by itself.
    """
    paths = [path or str(Path.cwd()) for path in sys.path]
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT, module, name, json.dumps(list(REGISTERING_HOOKS))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise AssertionError(f"module {module} cannot be imported in a process of its own: {last}")
    return HEAVY & frozenset(json.loads(result.stdout.splitlines()[-1]))
