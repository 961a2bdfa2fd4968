"""Every branch of the protocol's verdicts, from made-up intervals."""

import math
from dataclasses import replace

import pytest

from pvlib.report.claims.verdict import Part, explain, judge
from pvlib.report.statistics import Interval


def above(lo, hi, threshold=0.9):
    return Part("cosine", Interval((lo + hi) / 2, lo, hi), at_least=threshold)


def below(lo, hi, threshold=30):
    return Part("angle", Interval((lo + hi) / 2, lo, hi), at_most=threshold)


def two_sided(lo, hi):
    return Part("tau", Interval((lo + hi) / 2, lo, hi), excludes=0.0)


CLEAR, COVER, WRONG = above(0.91, 0.95), above(0.85, 0.95), above(0.2, 0.4)


@pytest.mark.parametrize(("part", "control", "verdict"), [
    (CLEAR, WRONG, "holds"),
    (CLEAR, COVER, "holds"),
    (CLEAR, CLEAR, "holds, but so do the controls"),
    (WRONG, CLEAR, "fails"),
    (COVER, WRONG, "inconclusive"),
    (two_sided(0.1, 0.3), two_sided(-0.1, 0.2), "holds"),
    (two_sided(-0.3, -0.1), two_sided(-0.1, 0.2), "holds"),
    (two_sided(-0.1, 0.3), two_sided(0.1, 0.2), "inconclusive"),
    (two_sided(0.1, 0.3), two_sided(-0.3, -0.2), "holds, but so do the controls"),
])  # fmt: skip
def test_the_nearer_end_of_the_interval_decides(part, control, verdict):
    assert judge([part], [control], tested=True) == verdict


def test_both_ends_of_the_fall_must_clear_their_thresholds():
    start, end = above(65, 80, 60), below(5, 20)
    control = [above(5, 10, 60), below(5, 10)]
    assert judge([start, end], control, tested=True) == "holds"
    assert judge([start, below(20, 40)], control, tested=True) == "inconclusive"
    assert judge([start, below(40, 60)], control, tested=True) == "fails"
    assert judge([above(10, 20, 60), below(20, 40)], control, tested=True) == "fails"


def test_a_tie_in_more_than_half_of_the_networks_leaves_the_claim_undefined():
    assert judge([CLEAR], [WRONG], tested=True, tied_share=0.51) == "undefined (tie)"
    assert judge([CLEAR], [WRONG], tested=True, tied_share=0.5) == "holds"
    assert judge([WRONG], [WRONG], tested=True, tied_share=0.6) == "undefined (tie)"


def test_too_few_seeds_are_never_a_verdict_whatever_the_numbers_say():
    assert judge([CLEAR], [WRONG], tested=False) == "not tested"
    point = Part("cosine", Interval(0.99), at_least=0.9)
    assert judge([point], [WRONG], tested=True) == "not tested"


def test_a_p_value_that_the_correction_raises_above_the_level_is_inconclusive():
    part, control = two_sided(0.1, 0.3), two_sided(-0.1, 0.2)
    assert judge([part], [control], tested=True, p=0.04) == "holds"
    assert judge([part], [control], tested=True, p=0.06) == "inconclusive"
    assert judge([part], [control], tested=True, p=math.nan) == "inconclusive"


def test_a_claim_without_its_control_does_not_hold():
    assert judge([CLEAR], [Part("cosine", Interval(0.5), at_least=0.9)], tested=True) == "inconclusive"


def test_what_an_interval_put_together_hides_is_named():
    part = Part("angle", Interval(45, 20, 70), where="A", at_least=60, unit="°", against=("B", "C"))
    assert "wholly on the wrong side by an interval of its own: angle of B, C" in explain(
        "inconclusive", [part], [WRONG]
    )
    assert "wholly" not in explain("fails", [part], [WRONG])
    assert "wholly" not in explain("inconclusive", [replace(part, against=())], [WRONG])


def test_tied_networks_are_counted_beside_a_verdict():
    assert explain("fails", [WRONG], [WRONG], tied="2 of 9 networks are tied").endswith("2 of 9 networks are tied.")
