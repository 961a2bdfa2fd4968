"""Intervals keep their promise when the seed is the unit, and say nothing where seeds are too few."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from pvlib.report.answers.agreement import Level, Networks, mean_over_pairs
from pvlib.report.statistics import Interval, holm, one_sample_mean

FIRST, SECOND = (np.array(end) for end in zip(*itertools.product(range(5), range(5)), strict=True))


def two_sample(values, first=FIRST, second=SECOND, minimum=2) -> Interval:
    """The interval of two architectures "a" and "b": one number for each pair of their seeds."""
    m, n = max(first) + 1, max(second) + 1
    cos = np.full((m + n, m + n), np.nan)
    cos[first, m + np.asarray(second)] = values
    networks = Networks(cos, {"a": np.arange(m), "b": m + np.arange(n)})
    return mean_over_pairs([(networks, 1.0)], [("a", "b")], Level(0.95, minimum))


def two_cells(rng, cell=0.02, pair=0.01, seeds=5):
    """|cos| of all pairs: a part of either seed, a part of the pair; the mean is 0.9."""
    a, b = cell * rng.normal(size=(2, seeds))
    return 0.9 + a[FIRST] + b[SECOND] + pair * rng.normal(size=len(FIRST))


def test_two_sample_interval_covers_the_mean_when_seeds_vary():
    rng = np.random.default_rng(0)
    found = [two_sample(two_cells(rng)) for _ in range(1500)]
    covered = np.mean([i.lo <= 0.9 <= i.hi for i in found])
    assert 0.94 <= covered <= 0.995


def test_two_sample_interval_covers_when_one_cell_alone_varies():
    """The worst case of the degrees of freedom: all the variance comes from five seeds."""
    rng = np.random.default_rng(1)
    values = (0.9 + 0.02 * rng.normal(size=5)[FIRST] + 1e-4 * rng.normal(size=25) for _ in range(1500))
    covered = np.mean([i.lo <= 0.9 <= i.hi for i in (two_sample(v) for v in values)])
    assert 0.93 <= covered <= 0.97


def test_treating_pairs_as_independent_would_not_cover():
    """Why the jackknife leaves out seeds and not pairs."""
    rng = np.random.default_rng(0)
    half = stats.t.ppf(0.975, 24) / 5
    values = [two_cells(rng) for _ in range(500)]
    assert np.mean([abs(v.mean() - 0.9) <= half * v.std(ddof=1) for v in values]) < 0.75


def test_one_sample_interval_covers_the_mean():
    rng = np.random.default_rng(2)
    i, j = np.triu_indices(5, 1)
    covered = []
    for _ in range(1500):
        a = 0.02 * rng.normal(size=5)
        found = one_sample_mean(0.9 + a[i] + a[j] + 0.01 * rng.normal(size=10), i, j)
        covered.append(found.lo <= 0.9 <= found.hi)
    assert 0.94 <= np.mean(covered) <= 0.995


def test_two_sample_interval_is_the_textbook_one_for_additive_values():
    """Without an interaction the jackknife is exact: s_a^2 / m + s_b^2 / n."""
    a, b = np.array([0.1, -0.2, 0.05, 0.3, 0.0]), np.array([0.02, 0.01, -0.04, 0.0, 0.03])
    found = two_sample(a[FIRST] + b[SECOND])
    half = stats.t.ppf(0.975, 4) * math.sqrt(a.var(ddof=1) / 5 + b.var(ddof=1) / 5)
    assert found.hi - found.estimate == pytest.approx(half)
    assert found.lo == pytest.approx(a.mean() + b.mean() - half)


def test_interval_ignores_the_order_of_pairs_and_names_of_runs():
    values, order = np.random.default_rng(3).uniform(size=10), np.random.default_rng(4).permutation(10)
    i, j = np.triu_indices(5, 1)
    names = np.array(["f3", "a0", "9c", "77", "b1"])
    one = one_sample_mean(values, i, j)
    two = one_sample_mean(values[order], names[i[order]], names[j[order]])
    assert (one.lo, one.hi) == pytest.approx((two.lo, two.hi))


def test_pairs_in_both_orders_do_not_narrow_the_interval():
    i, j = np.triu_indices(5, 1)
    values = np.random.default_rng(4).uniform(size=10)
    once = one_sample_mean(values, i, j)
    twice = one_sample_mean(np.tile(values, 2), np.concatenate([i, j]), np.concatenate([j, i]))
    assert (once.lo, once.hi) == pytest.approx((twice.lo, twice.hi))


@pytest.mark.parametrize("pairs", [[(0, 0)], [(0, 0), (0, 1), (0, 2)]])
def test_one_seed_gives_a_point_and_no_interval(pairs):
    first, second = zip(*pairs, strict=True)
    found = two_sample([0.5] * len(pairs), first, second)
    assert found.estimate == 0.5
    assert not found.known


def test_two_seeds_of_one_cell_give_a_point():
    """There is one pair; leaving out a seed leaves nothing."""
    found = one_sample_mean([0.5], ["a"], ["b"])
    assert found.estimate == 0.5
    assert not found.known


def test_no_pairs_give_nothing():
    assert math.isnan(one_sample_mean([], [], []).estimate)


def test_clipping_keeps_an_unknown_interval_unknown():
    assert not Interval(0.5).clipped(0, 1).known
    assert Interval(0.99, 0.95, 1.03).clipped(0, 1).hi == 1.0


def test_holm_on_a_worked_example():
    """statsmodels.stats.multitest.multipletests(p, method="holm")[1] gives these numbers."""
    p = [0.01, 0.04, 0.03, 0.005]
    np.testing.assert_allclose(holm(p), [0.03, 0.06, 0.06, 0.02])


def test_holm_never_exceeds_one_and_keeps_the_order():
    p = np.array([0.5, 0.9, 0.001, 0.4])
    adjusted = holm(p)
    assert adjusted.max() <= 1
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def test_a_test_that_was_not_done_still_counts():
    """Six tests were declared; doing two of them must not make these easier."""
    adjusted = holm([0.01, math.nan, 0.02, math.nan, math.nan, math.nan])
    np.testing.assert_allclose(adjusted[[0, 2]], [0.06, 0.1])
    assert np.isnan(adjusted[[1, 3, 4, 5]]).all()
