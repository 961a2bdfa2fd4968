"""Does the angle to a final P-vector fall from 60 degrees or more to 30 or less, and usually? (claim 2 of version 2)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..statistics import NOTHING, Interval, one_sample_mean, t_interval
from .agreement import NO, OPEN, YES


@dataclass(frozen=True)
class Fall:
    """One architecture: the mean angle in degrees before and after training, and whether it falls as the paper says."""

    architecture: str
    start: Interval
    end: Interval
    baseline_start: float  # what the mean direction alone gives
    baseline_end: float
    answer: str


@dataclass(frozen=True)
class Usually:
    """In how many of n architectures it falls so: certainly (`yes`), certainly not (`no`), and the answer to "usually"."""

    yes: int
    no: int
    n: int
    answer: str


def fall_to_another_seed(
    architecture: str, rows: pd.DataFrame, *, start_at_least: float, end_at_most: float, confidence: float, minimum: int
) -> Fall:
    """From rows of the trajectory of one architecture: run, target_run, step, angle, c_product."""
    last = rows.groupby("run")["step"].transform("max")
    ends = {}
    for name, part in (("start", rows[rows["step"] == 0]), ("end", rows[(rows["step"] == last) & (last > 0)])):
        enough = part["run"].nunique() >= minimum
        found = one_sample_mean(part["angle"], part["run"], part["target_run"], confidence=confidence)
        alone = np.degrees(np.arccos(part["c_product"].astype(float).clip(0, 1)))
        ends[name] = (found.clipped(0, 90) if enough else Interval(found.estimate), float(alone.mean()))
    return _fall(architecture, ends, start_at_least, end_at_most)


def fall_to_the_own_state(
    architecture: str, rows: pd.DataFrame, *, start_at_least: float, end_at_most: float, confidence: float, minimum: int
) -> Fall:
    """From rows of the snapshots of one architecture: run, step, angle_own. The end is 0 by definition, so the start decides."""
    start = rows[rows["step"] == 0]["angle_own"].to_numpy(dtype=float)
    found = NOTHING
    if len(start):
        variance = start.var(ddof=1) / len(start) if len(start) >= max(2, minimum) else float("nan")
        found = t_interval(start.mean(), variance, len(start) - 1, confidence).clipped(0, 90)
    ends = {"start": (found, float("nan")), "end": (Interval(0.0, 0.0, 0.0), float("nan"))}
    return _fall(architecture, ends, start_at_least, end_at_most)


def _fall(architecture, ends, start_at_least: float, end_at_most: float) -> Fall:
    (start, alone_start), (end, alone_end) = ends["start"], ends["end"]
    return Fall(architecture, start, end, alone_start, alone_end, answer_fall(start, end, start_at_least, end_at_most))


def answer_fall(start: Interval, end: Interval, start_at_least: float, end_at_most: float) -> str:
    """yes: both intervals beyond their thresholds; no: one of them wholly on the wrong side; else open."""
    if (start.known and start.hi < start_at_least) or (end.known and end.lo > end_at_most):
        return NO
    both = start.known and end.known and start.lo >= start_at_least and end.hi <= end_at_most
    return YES if both else OPEN


def usually(falls: Iterable[Fall], more_than: float) -> Usually:
    """yes: certain in more than that share of architectures; no: not even with the open ones; else open."""
    answers = [fall.answer for fall in falls]
    yes, no, n = answers.count(YES), answers.count(NO), len(answers)
    if n and yes > more_than * n:
        return Usually(yes, no, n, YES)
    return Usually(yes, no, n, NO if n and n - no <= more_than * n else OPEN)
