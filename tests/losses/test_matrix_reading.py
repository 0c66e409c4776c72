"""Matrices as parameters: inline, from files, stored by content; and every way a file can be wrong."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lsncli.errors import LsnError
from lsncli.losses.params import ForwardParams, SmearingParams
from lsncli.matrices import as_array, as_transition, check_transition
from lsncli.parameters import validate

T = [[0.8, 0.2, 0.0], [0.0, 0.5, 0.5], [0.25, 0.25, 0.5]]
ROWS = tuple(tuple(row) for row in T)


def read(value, model: type[BaseModel] = ForwardParams, base_dir=None):
    context = None if base_dir is None else {"base_dir": base_dir}
    return validate(model, {"matrix": value}, where="r.toml", subject="loss", context=context)


def refused(value, base_dir=None, model: type[BaseModel] = ForwardParams):
    with pytest.raises(LsnError) as error:
        read(value, model, base_dir)
    return str(error.value)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def npy(path, array, **options):
    np.save(path, array, **options)
    return path


@pytest.mark.parametrize("value", [T, ROWS, np.array(T)])
def test_inline(value):
    assert read(value).matrix == ROWS
    np.testing.assert_array_equal(as_array(read(value).matrix), T)


def test_files_of_every_kind_and_the_folder_of_the_recipe(tmp_path, write):
    write("t.json", json.dumps(T))
    write("t.csv", "# made by hand\n0.8, 0.2, 0.0\n0.0,0.5,0.5\n\n.25,.25,5e-1\n")
    npy(tmp_path / "t.npy", np.array(T))
    npy(tmp_path / "t32.npy", np.array(T, dtype=np.float32))
    for name in ("t.json", "t.csv", "t.npy"):
        assert read(name, base_dir=tmp_path).matrix == ROWS
        assert read(str(tmp_path / name)).matrix == ROWS
        assert read(str(tmp_path / name), base_dir=tmp_path / "elsewhere").matrix == ROWS
    np.testing.assert_allclose(as_transition(read("t32.npy", base_dir=tmp_path).matrix).sum(1), 1, atol=1e-15)


def test_a_relative_path_without_a_recipe_starts_in_the_working_folder(tmp_path, write, monkeypatch):
    write("t.json", json.dumps(T))
    monkeypatch.chdir(tmp_path)
    assert read("t.json").matrix == ROWS


def test_the_content_is_stored_not_the_path(tmp_path, write):
    """The dump (what a run's key is made of) is the same inline and from a file, and reads back."""
    write("t.json", json.dumps(T))
    dumped = read("t.json", base_dir=tmp_path).model_dump(mode="json")
    assert dumped == read(T).model_dump(mode="json")
    assert read(dumped["matrix"]).matrix == ROWS
    write("t.json", json.dumps([[1, 0], [0, 1]]))
    assert read("t.json", base_dir=tmp_path).model_dump(mode="json") != dumped


def test_rounding_of_rows_is_removed():
    """Six digits of 1/3 sum to 0.999999."""
    third = [[0.333333] * 3] * 3
    np.testing.assert_allclose(as_transition(read(third).matrix), np.full((3, 3), 1 / 3), rtol=1e-15)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "at least two classes"),
        ([[1.0]], "at least two classes"),
        (5, "list of rows"),
        ([1, 2], "list of rows"),
        ({"a": 1}, "list of rows"),
        (["ab", "cd"], "list of rows"),
        ([[1, 0], [0, "1"]], "row 2, column 2 is '1'"),
        ([[True, False], [False, True]], "True, not a number"),
        ([[float("nan"), 1], [0, 1]], "row 1, column 1 is not a finite number"),
        ([[10**400, 1], [0, 1]], "row 1, column 1 is not a finite number"),
        (np.eye(2) + 0j, "real numbers"),
        ([[1, 0, 0], [0, 1, 0]], "not square"),
    ],
)
def test_values_that_are_no_matrix(value, reason):
    assert reason in refused(value)
    assert reason in refused(value, model=SmearingParams)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("junk.csv", b"\x80\x81\xfe\x00\x01", "junk.csv"),
        ("text.csv", "a,b\n1,0\n0,1\n", "row 1, column 1 is 'a'"),
        ("ragged.csv", "1,0\n1\n", "not square"),
        ("empty.csv", "", "at least two classes"),
        ("junk.json", "{not json", "junk.json"),
        ("nan.json", "[[NaN, 1], [0, 1]]", "not a finite number"),
        ("object.json", '{"matrix": 1}', "list of rows"),
        ("deep.json", "[" * 100_000, "deep.json"),
        ("junk.npy", b"this is not an array", "junk.npy"),
        ("empty.npy", b"", "empty.npy"),
        ("pickle.npy", pickle.dumps([[1, 0], [0, 1]]), "pickle.npy"),
        ("matrix.xlsx", b"PK", "must end in .csv, .json, .npy"),
        ("matrix", b"", "must end in .csv, .json, .npy"),
        ("wrong.json", "[[0.5, 0.4], [0, 1]]", "row 1 sums to 0.9"),
    ],
)
def test_damaged_files(tmp_path, write, name, content, reason):
    write(name, content)
    assert reason in refused(name, base_dir=tmp_path)


def test_arrays_that_are_no_matrix(tmp_path):
    npy(tmp_path / "objects.npy", np.array([[None, 1], [0, 1]]), allow_pickle=True)
    npy(tmp_path / "complex.npy", np.eye(2) + 0j)
    npy(tmp_path / "cube.npy", np.zeros((2, 2, 2)))
    with (tmp_path / "archive.npy").open("wb") as file:
        np.savez(file, a=np.eye(2))
    for name in ("objects.npy", "complex.npy", "cube.npy", "archive.npy"):
        assert "matrix" in refused(name, base_dir=tmp_path)


def test_a_header_that_promises_more_than_the_file_holds(tmp_path):
    """10⁷ × 10⁷ doubles would be 800 TB: refused from the file's size, not allocated."""
    path = npy(tmp_path / "huge.npy", np.eye(2))
    path.write_bytes(path.read_bytes().replace(b"(2, 2), }" + b" " * 14, b"(10000000, 10000000), }"))
    assert b"10000000" in path.read_bytes()
    assert "huge.npy" in refused("huge.npy", base_dir=tmp_path)


def test_missing_file_and_folder(tmp_path):
    message = refused("nowhere.csv", base_dir=tmp_path)
    assert str(tmp_path / "nowhere.csv") in message
    assert "No such file" in message
    (tmp_path / "folder.json").mkdir()
    assert "folder.json" in refused("folder.json", base_dir=tmp_path)


def test_a_home_that_nobody_has():
    assert "cannot read the matrix file '~no-such-user/m.csv'" in refused("~no-such-user/m.csv")


def test_json_schema_allows_lists_and_paths():
    kinds = [kind["type"] for kind in SmearingParams.model_json_schema()["properties"]["matrix"]["anyOf"]]
    assert kinds == ["array", "string"]


ENTRY = st.one_of(st.floats(), st.integers(), st.text(max_size=2), st.none(), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.recursive(ENTRY, lambda inner: st.lists(inner, max_size=3), max_leaves=12))
def test_whatever_is_given_becomes_a_matrix_or_a_message(value):
    try:
        rows = SmearingParams.model_validate({"matrix": value}).matrix
    except ValidationError:
        return
    assert np.isfinite(as_array(rows)).all()
    assert as_array(rows).shape == (len(rows), len(rows))


@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
def test_a_matrix_made_by_code_is_checked_for_numbers(entry: float) -> None:
    matrix = np.eye(3)
    matrix[1, 2] = entry
    with pytest.raises(ValueError, match=r"row 2, column 3 is -?(nan|inf), not a probability"):
        check_transition(matrix)
    check_transition(np.eye(3))
