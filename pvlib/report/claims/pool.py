"""The angle to the data P-vector against generalization, over a balanced pool of networks (claim 3, protocol 13)."""

from __future__ import annotations

import math

import pandas as pd

from ..ranks import Granulated, aggregate_rankings, granulated_tau
from ..statistics import Interval
from ..tables import Study
from .cells import planned
from .file import Claim, Claims
from .verdict import Part

FACTORS = ("width", "lr", "train_size", "label_noise")
STRATA = ("architecture",)
PREDICTORS = {
    "angle_data_deg": "angle to the data P-vector",
    "cka_data": "linear CKA with the data",
    "train_loss": "training loss",
    "weight_norm": "weight norm",
}
ESTIMANDS = ("test_error", "generalization_gap")


def missing_networks(study: Study, dataset: str, rows: pd.DataFrame) -> int:
    """How many of the planned networks are not in the pool; a failed one is missing too, for the pool is then unbalanced."""
    return sum(cell["runs"] for cell in planned(study, dataset, "pool").values()) - len(rows)


def tau(rows: pd.DataFrame, predictor: str, estimand: str, confidence: float, given: str | None = None) -> Granulated:
    """Granulated Kendall tau on a pool, architectures apart."""
    return granulated_tau(rows, predictor, estimand, factors=FACTORS, strata=STRATA, given=given, confidence=confidence)


NUMBERS = {  # of the claim, of its control, and of its replication on the other anchor
    "angle_data_deg": "tau",
    "cka_data": "tau of linear CKA",
    "angle_data_other_deg": "tau on the test anchor",
}


def parts(claim: Claim, rows: pd.DataFrame, claims: Claims, *, points: bool) -> tuple[list[Part], float]:
    """The claim's number, its control and its replication, and the first one's p-value before correction."""
    found = {predictor: tau(rows, predictor, "test_error", claims.confidence) for predictor in NUMBERS}
    shown = [
        Part(f"{NUMBERS[predictor]} with test error", Interval(one.interval.estimate) if points else one.interval,
             excludes=claim.threshold["excludes"])
        for predictor, one in found.items()
    ]  # fmt: skip
    return shown, found["angle_data_deg"].p


def tied(rows: pd.DataFrame, claims: Claims) -> pd.Series:
    """For each network of a pool whether its P-vector is undefined (protocol 6); NaN where that was not measured."""
    stability = rows["stability"].astype(float)
    return (stability < claims.tie_stability).astype(float).where(stability.notna())


def generalization_table(study: Study, claims: Claims) -> pd.DataFrame:
    """Granulated tau of the angle and of its baselines, with test error and with the generalization gap.

    Returns
    -------
    DataFrame
        study, dataset, convention, predictor, name, estimand, tau, lo, hi, p (not corrected), given_train_accuracy
        (partial tau), given_lo, given_hi, tau_FACTOR for each factor, networks, cells. Baselines do not depend on
        the convention.
    """
    table = []
    for (dataset, convention), rows in study.pool.groupby(["dataset", "convention"], sort=False):
        for predictor, name in PREDICTORS.items():
            for estimand in ESTIMANDS:
                plain = tau(rows, predictor, estimand, claims.confidence)
                given = tau(rows, predictor, estimand, claims.confidence, given="train_accuracy")
                table.append({
                    "study": study.name, "dataset": dataset, "convention": convention, "predictor": predictor,
                    "name": name, "estimand": estimand, "tau": plain.interval.estimate, "lo": plain.interval.lo,
                    "hi": plain.interval.hi, "p": plain.p, "given_train_accuracy": given.interval.estimate,
                    "given_lo": given.interval.lo, "given_hi": given.interval.hi,
                    **{f"tau_{factor}": plain.by_axis.get(factor, math.nan) for factor in FACTORS},
                    "networks": len(rows), "cells": plain.cells,
                })  # fmt: skip
    return pd.DataFrame(table)


def predictor_ranking(study: Study, claims: Claims) -> pd.DataFrame:
    """Which predictor follows generalization best, over strata of data set and architecture: one aggregated ranking.

    Returns
    -------
    DataFrame
        convention, estimand, predictor, name, rank, mean_rank, first_in, strata (`ranks.aggregate_rankings`);
        predictors are ranked by |tau|.
    """
    tables = []
    for convention, rows in study.pool.groupby("convention", sort=False):
        for estimand in ESTIMANDS:
            scores = pd.DataFrame([
                {name: abs(tau(part, name, estimand, claims.confidence).interval.estimate) for name in PREDICTORS}
                for _, part in rows.groupby(["dataset", *STRATA], sort=False)
            ])  # fmt: skip
            ranking = aggregate_rankings(scores).rename(columns={"item": "predictor"})
            ranking.insert(0, "convention", convention)
            ranking.insert(1, "estimand", estimand)
            ranking.insert(3, "name", ranking["predictor"].map(PREDICTORS))
            tables.append(ranking)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
