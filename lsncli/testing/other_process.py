"""Builds a data set in another process, whose strings hash otherwise: what an order of a set must not decide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsncli.testing.expectations import skip

#: The status of a process that does not find the data set.
UNKNOWN = 3

_SCRIPT = f"""
import json, sys
from pathlib import Path
from lsncli.data.context import DataContext
from lsncli.errors import LsnError
from lsncli.parameters import NoParams, validate
from lsncli.registry import registry
name, params, folder, download = json.loads(sys.argv[1])
try:
    info = registry().find("data set", name).info
except LsnError as error:
    print(error.what, file=sys.stderr)
    sys.exit({UNKNOWN})
params = validate(info.params or NoParams, params, where="conformance", subject=f"data set {{name!r}}")
print(info.build(params, DataContext(Path(folder), download, None)).digest)
"""


def digest_elsewhere(name: str, params: Mapping[str, Any], folder: Path, download: bool, hash_seed: int) -> str:
    """The digest of the data set ``name`` as a process with this PYTHONHASHSEED builds it.

    Only what JSON and the environment carry reaches that process: a data set that its registry does not find
    (because this process alone registered it) skips the check. Raises AssertionError where it cannot be built.
    """
    paths = [path or str(Path.cwd()) for path in sys.path]
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps([name, params, str(folder), download])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = (result.stderr.strip().splitlines() or ["no message"])[-1]
    if result.returncode == UNKNOWN:
        skip(f"another process does not find it: {last}")
    if result.returncode:
        raise AssertionError(f"data set {name!r} cannot be built in a process of its own: {last}")
    return result.stdout.split()[-1]
