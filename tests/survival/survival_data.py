"""Grey images whose brightness tells their class, and how a batch on them left its folder."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lsncli.checkpoint_folder import OWNER
from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save


def draw(data_dir: Path) -> None:
    """Prepare 200 training and 80 test images of 8 × 8 pixels in four classes, as the data set ``drawn``."""
    generator = np.random.default_rng(3)
    parts: list[np.ndarray] = []
    for count in (200, 80):
        labels = np.arange(count, dtype=np.int64) % 4
        shade = 60 * labels[:, None, None, None]
        parts += [(generator.integers(0, 60, (count, 8, 8, 1)) + shade).astype(np.uint8), labels]
    arrays = Arrays.of(*parts, tuple("abcd"))  # type: ignore[call-arg, arg-type]
    save(data_dir / "prepared" / "drawn", arrays, describe_arrays("drawn", arrays, source="drawn"))


@dataclass
class Left:
    """What a batch left: everything that must not depend on how often it was killed, and what is wrong."""

    numbers: dict[str, object] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def read_left(folder: Path, name: str = "results.db") -> Left:
    """Read database and files by plain SQL and plain bytes; speed and times are left out."""
    left = Left()
    checkpoints = folder / f"{Path(name).stem}.checkpoints"
    with closing(sqlite3.connect(folder / name)) as connection:
        for query, shown in (("PRAGMA integrity_check", "integrity"), ("PRAGMA foreign_key_check", "foreign keys")):
            answer = [row for row in connection.execute(query).fetchall() if row != ("ok",)]
            left.wrong += [f"{shown}: {row}" for row in answer]
        runs = connection.execute("SELECT key, status, steps, final_step, error FROM run ORDER BY key").fetchall()
        left.wrong += [
            f"run {key[:10]} is {status}: {error}" for key, status, *_, error in runs if status != "done"
        ]
        if len({key for key, *_ in runs}) < len(runs):
            left.wrong.append("a key twice")
        left.numbers["runs"] = runs
        left.numbers["metrics"] = connection.execute(
            "SELECT key, name, step, value FROM metric JOIN run ON run.id = run_id"
            " WHERE name <> 'images_per_second' ORDER BY key, name, step"
        ).fetchall()
        left.numbers["arrays"] = connection.execute(
            "SELECT key, name, step, dtype, shape, data FROM array JOIN run ON run.id = run_id"
            " ORDER BY key, name, step"
        ).fetchall()
        speeds = connection.execute(
            "SELECT key, step FROM metric JOIN run ON run.id = run_id WHERE name = 'images_per_second'"
            " ORDER BY key, step"
        ).fetchall()
        left.numbers["evaluations"] = speeds
        artifacts = connection.execute(
            "SELECT key, name, path, sha256, bytes FROM artifact JOIN run ON run.id = run_id ORDER BY key, name"
        ).fetchall()
        left.numbers["artifacts"] = artifacts
        claims = connection.execute("SELECT key FROM claim").fetchall()
        left.wrong += [f"a claim is left on {key[:10]}" for (key,) in claims]
    named = {folder / path: (sha256, size) for _, _, path, sha256, size in artifacts}
    there = {path for path in checkpoints.rglob("*") if path.is_file() and path.name != OWNER}
    left.wrong += [f"left over: {path.relative_to(folder)}" for path in sorted(there - named.keys())]
    left.wrong += [f"missing: {path.relative_to(folder)}" for path in sorted(named.keys() - there)]
    for path in sorted(there & named.keys()):
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        left.files[str(path.relative_to(folder))] = digest
        if named[path] != (digest, len(data)):
            left.wrong.append(f"not as noted: {path.relative_to(folder)}")
    return left


def differences(left: Left, reference: Left) -> list[str]:
    """What is wrong with ``left``, or is not as in ``reference``, to the bit."""
    found = list(left.wrong)
    for what, expected in reference.numbers.items():
        if left.numbers[what] != expected:
            found.append(f"other {what}: {_first_difference(left.numbers[what], expected)}")
    found += [f"other bytes: {name}" for name, digest in reference.files.items() if left.files.get(name) != digest]
    return found


def _first_difference(one: object, other: object) -> str:
    assert isinstance(one, list)
    assert isinstance(other, list)
    for a, b in zip(one, other, strict=False):
        if a != b:
            return json.dumps([a, b], default=repr)
    return f"{len(one)} rows, not {len(other)}"
