"""From intervals and thresholds to a verdict, in the protocol's words (15). Not for where the numbers come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..statistics import Interval
from ..words import interval, number

HOLDS = "holds"
SO_DO_CONTROLS = "holds, but so do the controls"
FAILS = "fails"
TIE = "undefined (tie)"
INCONCLUSIVE = "inconclusive"
NOT_TESTED = "not tested"
VERDICTS = (HOLDS, SO_DO_CONTROLS, FAILS, TIE, INCONCLUSIVE, NOT_TESTED)

BEYOND, COVERS, WRONG, UNKNOWN = "beyond", "covers", "wrong", "unknown"


@dataclass(frozen=True)
class Part:
    """One number that a claim is about, with what it is compared to (one of the three).

    Attributes
    ----------
    what
        Its name in a sentence.
    interval
        Estimate and confidence interval.
    where
        The cell, or pair of cells, that it was read at.
    at_least, at_most, excludes
        The threshold: a floor, a ceiling, or a value that the interval must not contain.
    unit
        "°", or nothing.
    against
        All cells, or pairs, whose own interval is wholly on the wrong side of the threshold.
    """

    what: str
    interval: Interval
    where: str = ""
    at_least: float | None = None
    at_most: float | None = None
    excludes: float | None = None
    unit: str = ""
    against: tuple[str, ...] = ()

    @property
    def side(self) -> str:
        """The interval against the threshold: its nearer end clears it, it covers it, or it is on the wrong side."""
        lo, hi = self.interval.lo, self.interval.hi
        if not self.interval.known:
            return UNKNOWN
        if self.at_least is not None:
            return BEYOND if lo >= self.at_least else WRONG if hi < self.at_least else COVERS
        if self.at_most is not None:
            return BEYOND if hi <= self.at_most else WRONG if lo > self.at_most else COVERS
        assert self.excludes is not None
        return COVERS if lo <= self.excludes <= hi else BEYOND  # two-sided: there is no wrong side

    @property
    def threshold(self) -> str:
        """ "at least 0.9", in words."""
        if self.excludes is not None:
            return f"interval without {self.excludes:g}"
        word, value = ("at least", self.at_least) if self.at_least is not None else ("at most", self.at_most)
        return f"{word} {value:g}{self.unit}"

    @property
    def shown(self) -> str:
        """ "0.912 [0.887, 0.937]"."""
        return interval(self.interval.estimate, self.interval.lo, self.interval.hi, unit=self.unit)


def side_of(parts: Sequence[Part]) -> str:
    """All beyond: beyond. One on the wrong side: wrong. Otherwise the intervals cover the threshold."""
    sides = {part.side for part in parts}
    if not sides or UNKNOWN in sides:
        return UNKNOWN
    return WRONG if WRONG in sides else COVERS if COVERS in sides else BEYOND


def judge(
    parts: Sequence[Part],
    controls: Sequence[Part],
    *,
    tested: bool,
    tied_share: float = math.nan,
    tie_share: float = 0.5,
    p: float | None = None,
    level: float = 0.05,
) -> str:
    """The verdict.

    Parameters
    ----------
    parts, controls
        The numbers of the claim, and the same of its control.
    tested
        Whether enough seeds and cells reached the floor.
    tied_share, tie_share
        Share of networks whose P-vector is undefined, and above which there is no verdict.
    p, level
        Where the claim is one of several tests: its corrected p-value, which must not exceed the level.
    """
    side, control = side_of(parts), side_of(controls)
    if not tested:
        return NOT_TESTED
    if tied_share > tie_share:
        return TIE
    if side == UNKNOWN:
        return NOT_TESTED
    if side == WRONG:
        return FAILS
    if side == COVERS or control == UNKNOWN or (p is not None and not p <= level):
        return INCONCLUSIVE
    return SO_DO_CONTROLS if control == BEYOND else HOLDS


def explain(verdict: str, parts: Sequence[Part], controls: Sequence[Part], *, tied: str = "", p: float | None = None,
            untested: str = "", left_out: str = "") -> str:  # fmt: skip
    """One sentence with the numbers that the verdict rests on.

    `untested` says why there is no verdict, `tied` how many networks are tied (empty: none), which is why there is none
    or to be known beside one; `left_out` names cells that did not enter.
    """
    shown = [part for part in parts if math.isfinite(part.interval.estimate)]
    numbers = "; ".join(
        f"{part.what} {part.shown}{f' ({part.where})' if part.where else ''}, threshold: {part.threshold}"
        for part in shown
    )
    if verdict == NOT_TESTED:
        seen = "; ".join(f"{part.what} {number(part.interval.estimate, unit=part.unit)}" for part in shown)
        return f"{_capital(untested)}{f'; exploratory: {seen}' if seen else ''}."
    if verdict == TIE:
        return f"{_capital(tied)}; {numbers}."
    known = [part for part in controls if math.isfinite(part.interval.estimate)]
    control = "; ".join(f"{part.what} {part.shown}" for part in known)
    ends = [numbers, f"control: {control}" if control else "the control is missing"]
    against = [f"{part.what} of {', '.join(part.against)}" for part in parts if part.against]
    if verdict == INCONCLUSIVE and against:
        ends.append(f"wholly on the wrong side by an interval of its own: {'; '.join(against)}")
    if tied:
        ends.append(tied)
    if p is not None:
        ends.append(f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'} after correction for the number of tests")
    return f"{_capital('; '.join([*ends, *([left_out] if left_out else [])]))}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
