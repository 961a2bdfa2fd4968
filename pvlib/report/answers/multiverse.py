"""Every reasonable definition at once: in how many of them does each statement of the paper hold? (protocol 15)

A universe is a data set, a layer, a convention, an anchor and a family of architectures. Descriptive: universes are not
independent, and nothing is tested over them.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd

from ..statistics import Interval, one_sample_mean
from .agreement import OPEN, YES, Agreement, Networks
from .convergence import Fall, answer_fall, usually
from .judging import Judging

FAMILIES = ("all", "classifier", "autoencoder")
STATEMENTS = {
    "agree": "any two networks agree",
    "more_than_untrained": "trained networks agree more than untrained ones",
    "falls": "the angle falls from 60 degrees or more to 30 or less, in more than half of the architectures",
}


def universes(judging: Judging, *, variational: bool = True) -> pd.DataFrame:
    """A row for each universe of a study that at least two architectures have features in.

    Parameters
    ----------
    variational
        Whether variational autoencoders count as autoencoders, or are left out.

    Returns
    -------
    DataFrame
        study, dataset, layer, convention, split, family; architectures, pairs; smallest, trained, untrained, difference
        (mean absolute cosine: of the smallest pair, over pairs, and trained less untrained); start, end (mean angle in degrees to
        another seed's final P-vector, over architectures; before training BatchNorm is calibrated); the statements, each
        True, False, or missing where the universe cannot say; `agree_open`, `more_than_untrained_open`, `falls_open`: whether
        its intervals leave it open (then the statement is False); and `agree_beyond_controls`: they agree, and due to training.
    """
    plan, rows = judging.claims.multiverse, []
    for dataset, layer, convention, split in itertools.product(
        judging.datasets, plan.layers, plan.conventions, plan.splits
    ):
        answers = judging.agreements(dataset, convention, layer=layer, split=split, variational=variational)
        falls = _falls(judging, dataset, convention, layer, split) if answers else {}
        for family in FAMILIES:
            one = answers.get("all" if family == "all" else f"{family}-{family}")
            if one is not None:
                place = {"dataset": dataset, "layer": layer, "convention": convention, "split": split}
                row = _row(one, falls, judging.claims.convergence.threshold.usually_more_than)
                rows.append({"study": judging.study.name, **place, "family": family, **row})
    return pd.DataFrame(rows)


def _row(one: Agreement, falls: dict[str, Fall], more_than: float) -> dict:
    members = sorted({architecture for pair in one.pairs for architecture in pair})
    fallen = [falls[name] for name in members if name in falls]
    known = one.untrained.known and one.mean.known
    usual = usually(fallen, more_than).answer if fallen else None
    return {
        "agree_open": one.agree == OPEN,
        "more_than_untrained_open": one.due_to_training == OPEN,
        "falls_open": usual == OPEN,
        "architectures": len(members),
        "pairs": len(one.pairs),
        "smallest": one.smallest.estimate,
        "trained": one.mean.estimate,
        "untrained": one.untrained.estimate,
        "difference": one.difference.estimate,
        "start": float(np.mean([fall.start.estimate for fall in fallen])) if fallen else math.nan,
        "end": float(np.mean([fall.end.estimate for fall in fallen])) if fallen else math.nan,
        "agree": one.agree == YES,
        "more_than_untrained": one.due_to_training == YES if known else None,
        "falls": usual == YES if fallen else None,
        "agree_beyond_controls": one.agree == YES and one.due_to_training == YES if known else None,
    }


def _falls(judging: Judging, dataset: str, convention: str, layer: str, split: str) -> dict[str, Fall]:
    """Architecture -> its angle to another seed's final P-vector before training (BatchNorm calibrated) and after."""
    runs, confidence = judging.entering(dataset), judging.level.confidence
    threshold = judging.claims.convergence.threshold
    trained = judging.networks(runs, "trained", convention, layer=layer, split=split)
    found = {}
    for name, start in judging.mixed(runs, convention, layer=layer, split=split).groupby("architecture"):
        if name in trained.members:
            first = one_sample_mean(start["angle"], start["run_a"], start["run_b"], confidence=confidence)
            last = _end(trained, name, confidence)
            answer = answer_fall(first, last, threshold.start_at_least_deg, threshold.end_at_most_deg)
            found[name] = Fall(name, first, last, math.nan, math.nan, answer)
    return found


def _end(trained: Networks, name: str, confidence: float) -> Interval:
    seeds = trained.members[name]
    i, j = np.triu_indices(len(seeds), 1)
    angles = np.degrees(np.arccos(np.minimum(trained.cos[np.ix_(seeds, seeds)], 1.0)))
    return one_sample_mean(angles[i, j], i, j, confidence=confidence)


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """Statement -> in how many universes it holds, is left open, of how many that can say, and in how many beyond the controls."""
    rows = []
    for name, words in STATEMENTS.items():
        said = table[name].dropna()
        beyond = table["agree_beyond_controls"].dropna() if name == "agree" else said
        rows.append(
            {
                "statement": words,
                "holds": int(said.sum()),
                "open": int(table.loc[said.index, f"{name}_open"].sum()),
                "of": len(said),
                "beyond_controls": int(beyond.sum()),
            }
        )
    return pd.DataFrame(rows)
