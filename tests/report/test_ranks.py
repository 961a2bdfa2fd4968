"""Granulated tau: right where scipy can tell, blind to what follows one factor only, honest in its intervals."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from pvlib.report.ranks import aggregate_rankings, granulated_tau

FACTORS = ("width", "lr", "size", "noise")


def pool(rng=None, *, seeds=2, x=None, y=None, jitter=0.0):
    """A balanced pool: x and y are functions of the four levels (0 or 1), or drawn per cell."""
    frame = pd.DataFrame(itertools.product(("mlp", "lenet"), *[(0, 1)] * 4), columns=["architecture", *FACTORS])
    for name, function in (("x", x), ("y", y)):
        frame[name] = [function(*at) for at in frame[list(FACTORS)].to_numpy()] if function else rng.normal(size=32)
    frame = pd.concat([frame.assign(seed=seed) for seed in range(seeds)], ignore_index=True)
    if jitter:
        frame[["x", "y"]] += jitter * rng.normal(size=(len(frame), 2))
    return frame


def tau(frame, x="x", y="y", **options):
    return granulated_tau(frame, x, y, factors=FACTORS, strata=("architecture",), **options)


def test_one_factor_of_many_levels_is_scipys_tau():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"lr": range(9), "x": rng.normal(size=9), "y": rng.normal(size=9)})
    found = granulated_tau(frame, "x", "y", factors=("lr",))
    assert found.interval.estimate == pytest.approx(kendalltau(frame["x"], frame["y"]).statistic)


def test_groups_of_one_factor_average_scipys_taus():
    rng = np.random.default_rng(1)
    grid = list(itertools.product(range(3), range(5)))
    frame = pd.DataFrame(grid, columns=["a", "b"]).assign(x=rng.normal(size=15), y=rng.normal(size=15))
    found = granulated_tau(frame, "x", "y", factors=("a", "b"))
    for fixed, moved in (("a", "b"), ("b", "a")):
        taus = [kendalltau(part["x"], part["y"]).statistic for _, part in frame.groupby(fixed)]
        assert found.by_axis[moved] == pytest.approx(np.mean(taus))
    assert found.interval.estimate == pytest.approx(np.mean(list(found.by_axis.values())))


def test_a_measure_that_follows_one_factor_only_scores_low():
    """Plain tau over the whole cloud is positive here: what granulation is for."""
    weights = (8, 1, 1, 1)
    frame = pool(x=lambda *at: at[0] - 0.01 * sum(at[1:]), y=lambda *at: float(np.dot(weights, at)))
    assert kendalltau(frame["x"], frame["y"]).statistic > 0.15
    assert tau(frame).interval.estimate == pytest.approx((1 - 3) / 4)


def test_order_within_architectures_is_found_though_their_levels_differ():
    frame = pool(x=lambda *at: float(sum(at)), y=lambda *at: float(sum(at)) ** 3)
    frame["y"] += np.where(frame["architecture"] == "mlp", 100.0, 0.0)
    frame["width"] = np.where(frame["architecture"] == "mlp", 64 + frame["width"], 8 + frame["width"])
    assert tau(frame).interval.estimate == pytest.approx(1.0)


def test_seeds_of_a_cell_are_not_compared_with_each_other():
    """Ten times the seeds of the same networks are no new evidence."""
    frame = pool(np.random.default_rng(2), seeds=1)
    many = pd.concat([frame.assign(seed=seed) for seed in range(10)], ignore_index=True)
    one, ten = tau(frame), tau(many)
    assert one.interval == ten.interval
    assert one.p == ten.p


def test_interval_covers_when_nothing_is_related():
    rng = np.random.default_rng(3)
    found = [tau(pool(rng, jitter=0.3)) for _ in range(120)]
    assert np.mean([i.interval.lo <= 0 <= i.interval.hi for i in found]) >= 0.93
    assert np.mean([i.p < 0.05 for i in found]) <= 0.07


def test_interval_covers_a_true_relation():
    rng = np.random.default_rng(4)
    truth, found = [], []
    for _ in range(120):
        frame = pool(rng)
        frame["y"] = 0.7 * frame["x"] + frame["y"]
        found.append(tau(frame).interval)
        truth.append(found[-1].estimate)
    covered = np.mean([i.lo <= np.mean(truth) <= i.hi for i in found])
    assert covered >= 0.93
    assert np.mean([i.lo > 0 for i in found]) > 0.5  # and it is not so wide that nothing is ever found


def test_partial_tau_takes_out_what_both_follow():
    """x and y are related through z alone."""
    rng = np.random.default_rng(5)
    plain, partial = [], []
    for _ in range(60):
        frame = pool(rng)
        z = frame["x"]
        frame = frame.assign(z=z, x=z + 0.5 * rng.normal(size=len(z)), y=z + 0.5 * rng.normal(size=len(z)))
        plain.append(tau(frame).interval.estimate)
        partial.append(tau(frame, given="z").interval.estimate)
    assert np.mean(plain) > 0.4
    assert np.mean(partial) < 0.5 * np.mean(plain)


def test_partial_tau_is_kendalls_formula():
    frame = pool(np.random.default_rng(6), seeds=1).assign(z=np.random.default_rng(7).normal(size=32))
    xy, xz, yz = (tau(frame, *pair).interval.estimate for pair in (("x", "y"), ("x", "z"), ("y", "z")))
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert tau(frame, given="z").interval.estimate == pytest.approx(expected)


def test_ties_in_what_is_held_do_not_hide_it():
    """x and y follow z alone, which only takes two values; tau-a would count the ties against z and leave a link."""
    frame = pool(x=lambda *at: float(at[0]), y=lambda *at: float(at[0])).assign(z=lambda f: f["x"])
    rng = np.random.default_rng(8)
    frame["x"], frame["y"] = (frame["z"] + 1e-3 * rng.normal(size=len(frame)) for _ in range(2))
    assert abs(tau(frame, given="z").interval.estimate) < 0.3
    assert tau(frame).interval.estimate > 0.2
    assert np.isnan(tau(frame.assign(z=1.0), given="z").interval.estimate)


def test_a_pool_that_varies_nothing_gives_nothing():
    frame = pd.DataFrame({"lr": [1, 1], "x": [1.0, 2.0], "y": [1.0, 2.0]})
    found = granulated_tau(frame, "x", "y", factors=("lr",))
    assert np.isnan(found.interval.estimate)
    assert np.isnan(found.p)


def test_rankings_that_agree_are_kept():
    scores = pd.DataFrame({"angle": [0.1, 0.2], "cka": [0.9, 0.8], "loss": [0.5, 0.6]})
    found = aggregate_rankings(scores)
    assert list(found["item"]) == ["cka", "loss", "angle"]
    assert list(found["first_in"]) == [2, 0, 0]


def test_a_near_tie_gives_way_to_a_clear_difference():
    """Two strata put a just before b, one puts b far before a: weighted footrule sides with the clear one."""
    scores = pd.DataFrame({"a": [0.91, 0.91, 0.1], "b": [0.90, 0.90, 0.9], "c": [0.0, 0.0, 0.0]})
    assert aggregate_rankings(scores)["item"].iloc[0] == "b"


def test_too_many_items_are_refused_rather_than_searched_for_hours():
    with pytest.raises(ValueError, match="at most eight"):
        aggregate_rankings(pd.DataFrame(np.zeros((1, 9))))
