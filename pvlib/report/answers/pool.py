"""The angle to the data P-vector against generalization, over a balanced pool of networks: the tables of claim 3."""

from __future__ import annotations

import math

import pandas as pd

from ..ranks import Granulated, aggregate_rankings, granulated_tau

FACTORS = ("width", "lr", "train_size", "label_noise")
STRATA = ("architecture",)
PREDICTORS = {
    "angle_data_deg": "angle to the data P-vector",
    "cka_data": "linear CKA with the data",
    "train_loss": "training loss",
    "weight_norm": "weight norm",
}
ESTIMANDS = {"test_error": "test error", "generalization_gap": "generalization gap"}


def tau(rows: pd.DataFrame, predictor: str, estimand: str, confidence: float, given: str | None = None) -> Granulated:
    """Granulated Kendall tau on a pool, architectures apart."""
    return granulated_tau(rows, predictor, estimand, factors=FACTORS, strata=STRATA, given=given, confidence=confidence)


def taus(pool: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Granulated tau of the angle and of its rivals, with test error and with the generalization gap.

    Returns
    -------
    DataFrame
        dataset, convention, predictor, name, estimand, tau, lo, hi, given_train_accuracy (partial tau), given_lo, given_hi,
        tau_FACTOR for each factor, networks, cells. Rivals do not depend on the convention.
    """
    table = []
    for (dataset, convention), rows in pool.groupby(["dataset", "convention"], sort=False):
        for predictor, name in PREDICTORS.items():
            for estimand in ESTIMANDS:
                plain = tau(rows, predictor, estimand, confidence)
                given = tau(rows, predictor, estimand, confidence, given="train_accuracy").interval
                table.append({
                    "dataset": dataset, "convention": convention, "predictor": predictor, "name": name,
                    "estimand": estimand, "tau": plain.interval.estimate, "lo": plain.interval.lo,
                    "hi": plain.interval.hi, "given_train_accuracy": given.estimate, "given_lo": given.lo,
                    "given_hi": given.hi,
                    **{f"tau_{factor}": plain.by_axis.get(factor, math.nan) for factor in FACTORS},
                    "networks": len(rows), "cells": plain.cells,
                })  # fmt: skip
    return pd.DataFrame(table)


def ranking(pool: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Which predictor follows the test error best: one ranking by |tau|, aggregated over data sets and architectures.

    Returns
    -------
    DataFrame
        convention (of the angle), predictor, rank, mean_rank, first_in, strata (`ranks.aggregate_rankings`).
    """
    tables = []
    for convention, rows in pool.groupby("convention", sort=False):
        scores = pd.DataFrame([
            {name: abs(tau(part, name, "test_error", confidence).interval.estimate) for name in PREDICTORS}
            for _, part in rows.groupby(["dataset", *STRATA], sort=False)
        ])  # fmt: skip
        ranked = aggregate_rankings(scores).rename(columns={"item": "predictor"})
        ranked.insert(0, "convention", convention)
        tables.append(ranked)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
