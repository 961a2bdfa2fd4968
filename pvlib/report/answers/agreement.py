"""Do networks agree, and is it due to training? (claim 1 of version 2) From the cosines of single pairs of networks alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..statistics import NOTHING, Interval, t_interval

YES, NO, OPEN = "yes", "no", "open"
Pair = tuple[str, str]


class Level(NamedTuple):
    """Of intervals: the confidence, and the fewest seeds of an architecture with which there is one."""

    confidence: float
    minimum: int


@dataclass(frozen=True)
class Networks:
    """Networks of one data set, in one state and under one definition: |cos| of every two of them.

    Attributes
    ----------
    cos
        (m, m) symmetric.
    members
        Architecture -> positions of its seeds in `cos`.
    """

    cos: np.ndarray
    members: Mapping[str, np.ndarray]

    def mean(self, pair: Pair, without: int | None = None) -> float:
        """Mean |cos| over pairs of seeds of two architectures, or of one with itself (different seeds)."""
        one, two = (self.members[name][self.members[name] != without] for name in pair)
        block = self.cos[np.ix_(one, two)]
        if pair[0] == pair[1]:
            block = block[~np.eye(len(one), dtype=bool)]
        return float(block.mean())


def mean_over_pairs(samples: Sequence[tuple[Networks, float]], pairs: Iterable[Pair], level: Level) -> Interval:
    """Sum over samples of weight x the mean over pairs of architectures of the mean absolute cosine over pairs of seeds.

    One sample with weight 1 is a mean; trained networks with 1 and the same networks untrained with -1 are their
    difference, in which a seed is left out of both at once.

    The unit is the seed: each seed of each architecture is left out in turn, the jackknife variances of the architectures
    are added, and t has (smallest number of seeds - 1) degrees of freedom. No interval with fewer seeds than the level asks for.
    """
    pairs = sorted(pairs)
    if not pairs:
        return NOTHING
    members = samples[0][0].members
    names = sorted({name for pair in pairs for name in pair})

    def statistic(affected: Iterable[Pair], without: int | None = None) -> float:
        return sum(weight * one.mean(pair, without) for one, weight in samples for pair in affected)

    whole = statistic(pairs)
    variance = 0.0
    for name in names:
        affected = [pair for pair in pairs if name in pair]
        rest, seeds = whole - statistic(affected), members[name]
        if len(seeds) < max(2, level.minimum) or (len(seeds) == 2 and (name, name) in affected):
            return Interval(whole / len(pairs))
        left_out = np.array([(rest + statistic(affected, seed)) / len(pairs) for seed in seeds])
        variance += (len(seeds) - 1) / len(seeds) * float(np.sum((left_out - left_out.mean()) ** 2))
    fewest = min(len(members[name]) for name in names)
    return t_interval(whole / len(pairs), variance, fewest - 1, level.confidence)


@dataclass(frozen=True)
class Agreement:
    """One set of pairs of architectures under one definition.

    Attributes
    ----------
    mean, untrained, difference
        Over the pairs: trained, untrained, and trained minus untrained.
    smallest, where
        The pair of architectures with the smallest mean, with its own interval.
    lowest_end
        The smallest lower end of all pairs: what "any two" asks to be beyond the threshold.
    without
        Architecture -> the smallest mean of a pair without it.
    agree, due_to_training
        yes, no or open.
    """

    pairs: tuple[Pair, ...]
    mean: Interval
    untrained: Interval
    difference: Interval
    smallest: Interval
    where: Pair
    lowest_end: float
    without: Mapping[str, float]
    agree: str
    due_to_training: str


def agreement(
    trained: Networks,
    untrained: Networks,
    pairs: Iterable[Pair],
    *,
    at_least: float,
    margin: float,
    level: Level,
) -> Agreement | None:
    """The two answers for a set of pairs of different architectures; None where there is no such pair.

    They agree if every pair's lower end is at `at_least` or above; they do not if some pair's upper end is below it. It is
    due to training if the interval of the difference lies above 0; it is not if it lies below 0, or holds 0 and ends
    below `margin`.
    """
    pairs = tuple(sorted(pairs))
    if not pairs:
        return None
    own = {pair: mean_over_pairs([(trained, 1.0)], [pair], level).clipped(0.0, 1.0) for pair in pairs}
    where = min(own, key=lambda pair: own[pair].estimate)
    difference = mean_over_pairs([(trained, 1.0), (untrained, -1.0)], pairs, level)
    names = sorted({name for pair in pairs for name in pair})
    without = {name: _smallest(own, name) for name in names}
    return Agreement(
        pairs=pairs,
        mean=mean_over_pairs([(trained, 1.0)], pairs, level).clipped(0.0, 1.0),
        untrained=mean_over_pairs([(untrained, 1.0)], pairs, level).clipped(0.0, 1.0),
        difference=difference,
        smallest=own[where],
        where=where,
        lowest_end=min(found.lo for found in own.values()) if all(found.known for found in own.values()) else math.nan,
        without=without,
        agree=answer_agree(own.values(), at_least),
        due_to_training=answer_due(difference, margin),
    )


def _smallest(own: Mapping[Pair, Interval], without: str) -> float:
    return min((found.estimate for pair, found in own.items() if without not in pair), default=math.nan)


def answer_agree(own: Iterable[Interval], at_least: float) -> str:
    own = list(own)
    if any(found.known and found.hi < at_least for found in own):
        return NO
    return YES if all(found.known and found.lo >= at_least for found in own) else OPEN


def answer_due(difference: Interval, margin: float) -> str:
    if not difference.known:
        return OPEN
    if difference.lo > 0:
        return YES
    return NO if difference.hi < margin else OPEN


def in_words(answers: Mapping[str, Agreement], everything: str, within: Sequence[str]) -> str:
    """The answer to "any two networks agree": of the set of all pairs, or else of the sets within families."""
    whole = answers[everything]
    if whole.agree == YES:
        words = {YES: "agree, due to training", NO: "agree, as much without training"}
        return words.get(whole.due_to_training, OPEN)
    if whole.agree == NO:
        families = [answers[name].agree for name in within if name in answers]
        return "agree within families only" if families and set(families) == {YES} else "do not agree"
    return OPEN


def relations(
    sets: Iterable[str], families: Mapping[str, Iterable[str]], present: Iterable[str]
) -> dict[str, list[Pair]]:
    """Name of a set ("all", or "family-family") -> its pairs of different architectures among those present."""
    family = {name: kind for kind, names in families.items() for name in names}
    pairs = list(itertools.combinations(sorted(name for name in present if name in family), 2))
    return {
        name: [p for p in pairs if name == "all" or sorted(name.split("-")) == sorted(family[one] for one in p)]
        for name in sets
    }
