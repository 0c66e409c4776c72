"""The SQL and the Python of the page on querying work on a database of the quick start."""

from __future__ import annotations

import contextlib
import io
import math
import re
import sqlite3
from pathlib import Path

import pytest
from documented import Block, blocks

PAGE = "docs/querying.md"


@pytest.mark.parametrize("block", blocks(PAGE, "sql"), ids=lambda block: block.text.split()[1])
def test_sql(block: Block, quickstart: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{quickstart}?mode=ro", uri=True)) as connection:
        rows = connection.execute(block.text).fetchall()
    assert rows
    assert all(any(value is not None for value in row) for row in rows)


def test_the_accuracies_are_those_of_the_metric_table(quickstart: Path) -> None:
    """The first query, by hand: the mean over runs of equal loss, α and rate, of the metric at the last step."""
    query = blocks(PAGE, "sql")[0].text
    with contextlib.closing(sqlite3.connect(quickstart)) as connection:
        rows = connection.execute(query).fetchall()
        assert sum(row[6] for row in rows) == connection.execute("SELECT count(*) FROM run").fetchone()[0]
        data, model, steps, loss, alpha, rate, count, mean = rows[0]
        assert (data, model, steps) == ("digits", "mlp", 20)
        values = [
            value
            for key, value in connection.execute(
                "SELECT run.spec, value FROM metric JOIN run ON run.id = run_id"
                " WHERE name = 'test_accuracy' AND step = 20"
            )
            if f'"name": "{loss}"' in key
            and f'"rate": {rate}' in key
            and (alpha is None or f'"alpha": {alpha}' in key)
        ]
    assert len(values) == count == 2
    assert mean == pytest.approx(100 * math.fsum(values) / count)


def test_python(folder: Path) -> None:
    reading, predicting = blocks(PAGE, "python")
    assert "reliability bins: (3, 100)" in (said := told(reading.text))
    assert "test_accuracy" in said
    # The smoke profile trains on 200 digits.
    said = told(predicting.text)
    assert "train_predicted (200,) int64" in said
    assert re.search(r"(?m)^\d+ training images have another label", said)


def told(program: str) -> str:
    """What a program of the page prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(program, PAGE, "exec"), {})
    return said.getvalue()
