"""The mean taken away by design: twins whose features have mean zero beside the plain networks (claims.yml: intervention)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from ..statistics import Interval
from .agreement import Networks, Pair
from .judging import Judging, numbers


def intervention(judging: Judging) -> pd.DataFrame:
    """Twins whose features have no mean beside the plain networks: pairs of different architectures, by kind of twin.

    A row for each data set, kind, convention and state: `plain` (plain with plain), `twins` (twin with twin), `mixed`
    (plain with another architecture's twin), and `fall`, plain less twins. `equal`: the mean accuracies of every
    network and its twin differ by no more than the claims allow.
    """
    rows = []
    for dataset in judging.datasets:
        runs = judging.entering(dataset, roles=("primary", "control"))
        for kind in ("centred", "standardised"):
            twins = {plain: f"{plain}_{kind}" for plain in judging.claims.intervention.twins}
            names = set(runs["architecture"])
            twins = {plain: twin for plain, twin in twins.items() if {plain, twin} <= names}
            if len(twins) < 2:
                continue
            accuracy = runs.groupby("architecture")["test_accuracy"].mean()
            apart = max(abs(accuracy[plain] - accuracy[twin]) for plain, twin in twins.items())
            for convention in judging.claims.measurement.conventions:
                for state in ("trained", "untrained"):
                    rows.append({
                        "study": judging.study.name, "dataset": dataset, "kind": kind, "convention": convention,
                        "state": state, "equal": bool(apart <= judging.claims.intervention.equal_accuracy),
                        "accuracy_apart": float(apart),
                        **_twin_numbers(judging, judging.networks(runs, state, convention), twins),
                    })  # fmt: skip
    return pd.DataFrame(rows)


def _twin_numbers(judging: Judging, networks: Networks, twins: Mapping[str, str]) -> dict[str, float]:
    plain: list[Pair] = [(a, b) for a in twins for b in twins if a < b]
    both = [(twins[a], twins[b]) for a, b in plain]
    mixed = [(a, twins[b]) for a in twins for b in twins if a != b]
    found = {
        name: judging.mean(networks, [_ordered(p) for p in pairs])
        for name, pairs in (("plain", plain), ("twins", both), ("mixed", mixed))
    }
    # Plain networks and twins share no seed: the variances of the two means add.
    renamed = Networks(networks.cos, {a: networks.members[twins[a]] for a in twins})
    found["fall"] = _difference(judging.mean(networks, plain), judging.mean(renamed, plain))
    return {key: value for name, one in found.items() for key, value in numbers(name, one).items()}


def _difference(first: Interval, second: Interval) -> Interval:
    half = math.hypot(first.hi - first.estimate, second.hi - second.estimate)
    estimate = first.estimate - second.estimate
    return Interval(estimate, estimate - half, estimate + half)


def _ordered(pair: Pair) -> Pair:
    return (pair[0], pair[1]) if pair[0] <= pair[1] else (pair[1], pair[0])
