"""The rules by which settings and claims are decided."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsncli.report.claims.catalogue import CLAIMS
from lsncli.report.claims.verdicts import RULE, Expectation, Verdict, against_every, on_setting, together


@pytest.mark.parametrize(
    ("expectation", "mean", "p", "against", "verdict"),
    [
        ("higher", 1.0, 0.049, None, "supported"),
        ("higher", -1.0, 0.049, None, "contradicted"),
        ("higher", 1.0, 0.05, None, "undecided"),
        ("lower", -1.0, 0.001, None, "supported"),
        ("lower", 1.0, 0.001, None, "contradicted"),
        ("higher", 0.0, 0.0, None, "undecided"),
        ("not-worse", -0.5, 0.01, 0.9, "supported"),
        ("not-worse", -3.0, 0.99, 0.01, "contradicted"),
        ("not-worse", -1.0, 0.5, 0.5, "undecided"),
        ("equivalent", 0.1, 0.02, 1.0, "supported"),
        ("equivalent", 5.0, 1.0, 0.02, "contradicted"),
        ("equivalent", 5.0, 1.0, None, "undecided"),
    ],
)
def test_on_setting(
    expectation: Expectation, mean: float, p: float, against: float | None, verdict: Verdict
) -> None:
    assert on_setting(expectation, mean, p, against) == verdict


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ([], "not enough runs"),
        (["not enough runs"], "not enough runs"),
        (["not enough runs", "undecided"], "undecided"),
        (["supported", "undecided", "not enough runs"], "supported"),
        (["contradicted", "undecided"], "contradicted"),
        (["supported", "contradicted"], "mixed"),
        (["supported", "contradicted", "undecided", "not enough runs"], "mixed"),
    ],
)
def test_together(settings: list[Verdict], verdict: Verdict) -> None:
    assert together(settings) == verdict


@pytest.mark.parametrize(
    ("references", "verdict"),
    [
        ([], "not enough runs"),
        (["supported", "supported"], "supported"),
        (["supported", "undecided"], "undecided"),
        (["undecided", "not enough runs"], "undecided"),
        (["supported", "not enough runs"], "not enough runs"),
        (["supported", "supported", "contradicted"], "contradicted"),
        (["contradicted", "undecided", "not enough runs"], "contradicted"),
    ],
)
def test_against_every_reference(references: list[Verdict], verdict: Verdict) -> None:
    assert against_every(references) == against_every(references[::-1]) == verdict


@given(st.lists(st.sampled_from(["supported", "contradicted", "undecided", "not enough runs"])), st.randoms())
def test_the_order_of_settings_does_not_matter(settings: list[Verdict], random: object) -> None:
    shuffled = list(settings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert together(shuffled) == together(settings) == together([*settings, "not enough runs"])


def test_the_rule_names_every_verdict() -> None:
    assert all(word in RULE for word in ("supported", "contradicted", "mixed", "undecided", "not enough runs"))


def test_no_claim_says_more_than_the_rule_decides() -> None:
    """One supported setting among undecided ones supports a claim: so none is about every one of them."""
    assert together(["supported", "undecided"]) == "supported"
    assert [claim.id for claim in CLAIMS if {"every", "all", "always"} & set(claim.statement.split())] == []
    # Nor about two methods, of which one would do.
    assert [claim.id for claim in CLAIMS if {"and", "or", "both"} & set(claim.statement.split())] == []
