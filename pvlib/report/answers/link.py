"""Is the angle to the data P-vector linked with generalization? (claim 3 of version 2)"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

from ..statistics import Interval

BETTER, WORSE, NONE = "linked, farther is better", "linked, farther is worse", "no link above"


@dataclass(frozen=True)
class Link:
    """Granulated tau of the angle with test error, and what it means.

    Attributes
    ----------
    partial
        The same with training accuracy partialled out.
    answer
        One of `BETTER`, `WORSE`, `NONE`; `bound` is the largest |tau| that the interval still holds.
    detectable
        The smallest |tau| that this pool finds with the power asked for.
    better_rivals
        Names of rivals whose |tau| is larger beyond the intervals of both.
    """

    tau: Interval
    partial: Interval
    p_corrected: float
    answer: str
    bound: float
    detectable: float
    better_rivals: tuple[str, ...]


def judge(
    tau: Interval,
    partial: Interval,
    p_corrected: float,
    rivals: Mapping[str, Interval],
    *,
    degrees_of_freedom: int,
    tests: int,
    confidence: float,
    power: float,
) -> Link:
    """The answer from the interval of tau (the sign is that of angle against error) and its corrected p-value."""
    linked = p_corrected <= 1 - confidence
    answer = NONE if not linked else BETTER if tau.estimate < 0 else WORSE
    return Link(
        tau=tau,
        partial=partial,
        p_corrected=p_corrected,
        answer=answer,
        bound=max(abs(tau.lo), abs(tau.hi)),
        detectable=detectable(tau, degrees_of_freedom, tests=tests, confidence=confidence, power=power),
        better_rivals=tuple(name for name, rival in rivals.items() if lowest_size(rival) > highest_size(tau)),
    )


def detectable(tau: Interval, df: int, *, tests: int, confidence: float, power: float) -> float:
    """|tau| found with that power: (t of the level, shared by all tests, + t of the power) standard errors."""
    if not tau.known or df < 1:
        return math.nan
    error = (tau.hi - tau.lo) / 2 / float(stats.t.ppf((1 + confidence) / 2, df))
    level = (1 - confidence) / tests
    return error * float(stats.t.ppf(1 - level / 2, df) + stats.t.ppf(power, df))


def lowest_size(found: Interval) -> float:
    """The smallest |tau| in the interval."""
    return 0.0 if not found.known or found.lo <= 0 <= found.hi else min(abs(found.lo), abs(found.hi))


def highest_size(found: Interval) -> float:
    """The largest |tau| in the interval."""
    return max(abs(found.lo), abs(found.hi)) if found.known else math.inf
