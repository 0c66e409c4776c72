"""A run's spec as lines for people."""

from __future__ import annotations

from lsncli.store.description import indented


def test_nested_data_as_lines() -> None:
    found = indented({"data": {"name": "digits"}, "params": {}, "seed": 3})
    assert found == ["  data:", "    name: digits", "  params: {}", "  seed: 3"]


def test_a_matrix_or_a_file_of_labels_is_cut_short() -> None:
    (line,) = indented({"codes": "A" * 33_336})
    assert line == f"  codes: {'A' * 60}… (33,336 characters; --format json shows all)"
    (matrix,) = indented({"matrix": [[0.5] * 20] * 20})
    assert matrix.startswith("  matrix: [[0.5, 0.5,")
    assert len(matrix) < 130
    assert indented({"codes": "A" * 400}) == [f"  codes: {'A' * 400}"]
