"""Wrong parameters of losses: one clear message each, while the plan is made or when the loss is built."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lsncli.components import CheckContext, LossContext
from lsncli.errors import LsnError
from lsncli.losses.labels import table_label
from lsncli.losses.plugin import lsn_losses
from lsncli.parameters import validate

INFOS = {}
lsn_losses(lambda info: INFOS.__setitem__(info.name, info))
CORRECTIONS = ["backward-correction", "forward-correction"]
GOOD = [[0.8, 0.2], [0.3, 0.7]]
SINGULAR = [[0.5, 0.5], [0.5, 0.5]]


def params(name, **values):
    return validate(INFOS[name].params, values, where="test.toml [loss]", subject=f"loss {name!r}")


def refused(name, **values):
    with pytest.raises(LsnError) as error:
        params(name, **values)
    assert error.value.where == "test.toml [loss]"
    return str(error.value)


@pytest.mark.parametrize("name", ["label-smoothing", *CORRECTIONS])
@pytest.mark.parametrize("alpha", [1.0, 1.5, -0.1, float("nan"), float("inf"), "0.1", True, [0.1]])
def test_alpha_outside_its_range(name, alpha):
    assert "alpha" in refused(name, alpha=alpha)


@pytest.mark.parametrize("name", sorted(INFOS))
@pytest.mark.parametrize("floor", [-1e-9, 0.5, float("nan"), "0"])
def test_floor_outside_its_range(name, floor):
    values = {"alpha": 0.1} if name in CORRECTIONS else {"matrix": GOOD} if name == "smearing" else {}
    assert "floor" in refused(name, floor=floor, **values)


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, "none is given"),
        ({"alpha": 0.1, "matrix": GOOD}, "alpha and matrix are given"),
        ({"alpha": 0.1, "transition": "true"}, "alpha and transition are given"),
        ({"matrix": GOOD, "transition": "estimated"}, "matrix and transition are given"),
        ({"alpha": 0.0, "matrix": GOOD, "transition": "true"}, "alpha and matrix and transition are given"),
    ],
)
def test_exactly_one_source_of_the_matrix(name, values, found):
    message = refused(name, **values)
    assert "exactly one of alpha, matrix and transition" in message
    assert found in message


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_transition_that_is_neither_true_nor_estimated(name):
    assert "'true' or 'estimated'" in refused(name, transition="guessed")


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        ([[0.9, 0.2], [0.3, 0.7]], "row 1 sums to 1.1"),
        ([[0.8, 0.2], [1.3, -0.3]], "row 2, column 1 is 1.3"),
        ([[0.8, 0.2]], "not square"),
        ([[0.8, 0.2], [1.0]], "not square"),
    ],
)
def test_matrix_that_is_no_transition_matrix(name, matrix, reason):
    assert reason in refused(name, matrix=matrix)


def test_singular_matrix_where_an_inverse_is_needed():
    assert "singular" in refused("backward-correction", matrix=SINGULAR)
    assert params("forward-correction", matrix=SINGULAR).matrix == ((0.5, 0.5), (0.5, 0.5))


def test_smearing_needs_a_matrix_and_takes_any_square_one():
    assert "matrix" in refused("smearing")
    assert params("smearing", matrix=[[2, -1], [0, 1]]).matrix == ((2.0, -1.0), (0.0, 1.0))


def test_unknown_parameter_names_the_valid_ones():
    message = refused("label-smoothing", alhpa=0.1)
    assert "did you mean 'alpha'" in message


def check(name, checked, *, num_classes=2, has_transition=True, has_estimate=False):
    context = CheckContext(
        dataset="digits",
        num_classes=num_classes,
        noise="instance",
        has_transition=has_transition,
        has_estimate=has_estimate,
    )
    INFOS[name].check(checked, context)


@pytest.mark.parametrize("name", [*CORRECTIONS, "smearing"])
def test_plan_refuses_a_matrix_of_the_wrong_size(name):
    checked = params(name, matrix=GOOD)
    check(name, checked)
    check(name, checked, num_classes=None)
    with pytest.raises(ValueError, match="2 x 2, but the data has 10 classes"):
        check(name, checked, num_classes=10)
    with pytest.raises(LsnError, match="2 x 2, but the data has 10 classes"):
        INFOS[name].build(checked, LossContext(10, 5))


@pytest.mark.parametrize("name", CORRECTIONS)
def test_plan_refuses_the_true_matrix_of_noise_without_one(name):
    checked = params(name, transition="true")
    check(name, checked)
    with pytest.raises(ValueError, match="'instance' has none"):
        check(name, checked, has_transition=False)
    check(name, params(name, transition="estimated"), has_transition=False, has_estimate=True)
    with pytest.raises(ValueError, match="needs an estimate"):
        check(name, params(name, transition="estimated"))


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize(
    ("transition", "reason"),
    [
        (None, "has no matrix"),
        (np.eye(3), r"shape \(2, 2\)"),
        (np.array([[np.nan, 1], [0, 1]]), "finite"),
        (np.array([[0.5, 0.4], [0, 1]]), "not row-stochastic"),
    ],
)
def test_matrix_of_the_run_that_cannot_be_used(name, transition, reason):
    with pytest.raises(LsnError, match=reason):
        INFOS[name].build(params(name, transition="true"), LossContext(2, 5, transition))


def test_singular_matrix_of_the_run():
    """Symmetric noise of rate (L−1)/L is the uniform distribution: no label is left to learn from."""
    with pytest.raises(LsnError, match="singular"):
        INFOS["backward-correction"].build(
            params("backward-correction", transition="true"), LossContext(2, 5, np.array(SINGULAR))
        )


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("standard", {}, "CE"),
        ("label-smoothing", {}, "LS α=0.1"),
        ("backward-correction", {"alpha": 0.25}, "BC α=0.25"),
        ("forward-correction", {"alpha": 0.0}, "FC α=0"),
        ("forward-correction", {"transition": "true"}, "FC true T"),
        ("backward-correction", {"transition": "estimated"}, "BC estimated T"),
        ("forward-correction", {"matrix": GOOD}, "FC given T"),
        ("smearing", {"matrix": GOOD}, "smearing"),
    ],
)
def test_labels_in_tables(name, values, expected):
    assert table_label(INFOS[name], params(name, **values)) == expected


def test_label_without_its_parameters_is_the_name():
    assert table_label(INFOS["label-smoothing"]) == "label-smoothing"
    assert table_label(INFOS["label-smoothing"], {"alpha": 0.5}) == "LS α=0.5"


def test_registering_imports_no_torch():
    code = (
        "import sys, lsncli.losses.plugin, lsncli.losses.labels, lsncli.losses.vectors, lsncli.noise.plugin;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", sorted(INFOS))
def test_every_parameter_is_described(name):
    assert all(field.description for field in INFOS[name].params.model_fields.values())
    assert INFOS[name].summary
