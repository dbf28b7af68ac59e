"""Intervals of shares and means, and pass@k."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srft.maths.intervals import mean_interval, pass_at_k, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    # Computed from the closed form with z = 1.959964.
    [(0, 10, 0.0, 0.277533), (5, 10, 0.236593, 0.763407), (10, 10, 0.722467, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson(successes, count, low, high):
    assert wilson(successes, count) == pytest.approx((low, high), abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_interval_of_shares_holds_the_mean_and_stays_in_range(values):
    mean, low, high = mean_interval(values)
    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1


def test_the_interval_of_other_values_is_not_cut():
    assert mean_interval([0.0, 4.0]) == pytest.approx((2.0, 2 - 1.959964 * 2, 2 + 1.959964 * 2), abs=1e-5)


@pytest.mark.parametrize(("correct", "k"), list(itertools.product(range(6), range(1, 6))))
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(correct, k):
    answers = [True] * correct + [False] * (5 - correct)
    draws = list(itertools.combinations(answers, k))
    assert pass_at_k(correct, 5, k) == pytest.approx(sum(any(draw) for draw in draws) / len(draws))


def test_pass_at_k_needs_k_samples():
    with pytest.raises(ValueError, match="at least 3"):
        pass_at_k(1, 2, 3)
