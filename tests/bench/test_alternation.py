"""The alternation: its order, its limit, and numbers that follow from speeds that are known."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsncli.bench.alternation import Repeated, Spread, alternate, ratios

RATES = st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=20)


class Known:
    """Has rates that are given, and notes when it is asked."""

    def __init__(self, name, rates, notes, clock=None, takes=0.0):
        self.name, self.rates, self.notes = name, iter(rates), notes
        self.clock, self.takes = clock, takes

    def burst(self, seconds):
        self.notes.append((self.name, seconds))
        if self.clock is not None:
            self.clock.now += self.takes
        return -1.0 if seconds == 0 else next(self.rates)

    def close(self):
        self.notes.append((self.name, "closed"))


def test_every_second_round_is_backwards_and_the_first_burst_does_not_count():
    notes = []
    contestants = [Known("a", [1, 2, 3], notes), Known("b", [10, 20, 30], notes)]
    told = []
    assert alternate(contestants, rounds=3, seconds=0.5, told=told.append) == [[1, 2, 3], [10, 20, 30]]
    warm, measured = notes[:2], [name for name, _ in notes[2:]]
    assert warm == [("a", 0.0), ("b", 0.0)]
    assert measured == ["a", "b", "b", "a", "a", "b"]
    assert told == [1, 2, 3]


def test_a_round_that_would_end_after_the_limit_is_not_begun(clock):
    """The warm-up and each round take 10 s: the second round ends after 30 s, a third would end after 40."""
    notes = []
    contestants = [Known("a", [1, 2, 3, 4], notes, clock, takes=10.0)]
    assert alternate(contestants, rounds=4, seconds=1.0, limit=35.0) == [[1, 2]]
    contestants = [Known("a", [1, 2, 3, 4], notes, clock, takes=10.0)]
    assert alternate(contestants, rounds=4, seconds=1.0, limit=None) == [[1, 2, 3, 4]]
    # The first round is always measured, however long it takes.
    contestants = [Known("a", [7], notes, clock, takes=10.0)]
    assert alternate(contestants, rounds=4, seconds=1.0, limit=0.1) == [[7]]


def test_calls_per_second(clock):
    """A call of a quarter of a second: 4 calls fill one second; 3 images a call are 12 a second."""

    def work():
        clock.now += 0.25

    assert Repeated("four", work).burst(1.0) == pytest.approx(4.0)
    assert Repeated("twelve", work, amount=3).burst(1.0) == pytest.approx(12.0)
    # At least one call, even where no time is given: 1 / 0.25.
    assert Repeated("once", work).burst(0.0) == pytest.approx(4.0)


@given(RATES)
def test_spread_is_median_and_extremes(rates):
    """Against numpy's median."""
    spread = Spread.of(rates)
    assert spread.median == pytest.approx(float(np.median(rates)))
    assert spread.low == min(rates)
    assert spread.high == max(rates)
    assert spread.plain() == {"median": spread.median, "low": spread.low, "high": spread.high}


def test_a_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no rounds"):
        Spread.of([])


@given(RATES, st.floats(0.01, 100))
def test_what_slows_a_whole_round_leaves_the_ratio(slowdowns, ratio):
    """Both sides of round i are divided by the same number, so that each ratio is the true one."""
    found = ratios([ratio * 100 / s for s in slowdowns], [100 / s for s in slowdowns])
    assert statistics.median(found) == pytest.approx(ratio)
    assert min(found) == pytest.approx(max(found))


def test_ratios_need_as_many_rounds():
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])
