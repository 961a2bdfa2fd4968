"""Which cells of a study may enter a verdict: seeds, floors, ties (protocol 1, 6, 11). Not for cosines."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..tables import Study
from .file import Claims

COLUMNS = ("study", "dataset", "cell", "label", "role", "objective", "architecture", "labels", "pixels")


def cell_table(study: Study, claims: Claims) -> pd.DataFrame:
    """One row a cell (pools apart): its score over seeds, and whether it may enter a verdict.

    Returns
    -------
    DataFrame
        `COLUMNS`; seeds (finished), failed; score_name, score_mean, score_sd (NaN for one seed), score_min; floor
        (NaN: none declared), reached (seeds at or above it), floor_met (all of them); test_accuracy_mean,
        test_accuracy_sd; tied_CONVENTION (share of the networks that reached the floor whose P-vector is
        undefined), enters (a primary cell with enough seeds that reached the floor), why_not (in words, where a
        primary cell does not enter).
    """
    runs = study.runs[study.runs["role"] != "pool"].copy()
    runs["study"] = study.name
    runs["done"] = runs["status"] == "done"
    runs["floor"] = [claims.floor(study.name, cell) for cell in runs["cell"]]
    runs["reached"] = runs["done"] & (runs["score"].astype(float) >= runs["floor"])
    if "test_accuracy" not in runs:
        runs["test_accuracy"] = math.nan
    ties = {convention: tied_runs(study, claims, convention) for convention in claims.conventions}
    rows = [_row(part, ties, claims) for _, part in runs.groupby("cell", sort=True)]
    names = [*COLUMNS, "seeds", "failed", "score_name", "score_mean", "score_sd", "score_min", "floor", "reached",
             "floor_met", "test_accuracy_mean", "test_accuracy_sd", *(f"tied_{c}" for c in claims.conventions),
             "enters", "why_not"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _row(runs: pd.DataFrame, ties: dict[str, pd.Series], claims: Claims) -> dict:
    done, reached = runs[runs["done"]], runs[runs["reached"]]
    score, accuracy = done["score"].astype(float), done["test_accuracy"].astype(float)
    row = {
        **{name: runs[name].iloc[0] for name in COLUMNS},
        "seeds": len(done),
        "failed": int((runs["status"] == "failed").sum()),
        "score_name": done["score_name"].iloc[0] if len(done) else "",
        "score_mean": score.mean(),
        "score_sd": score.std(ddof=1),
        "score_min": score.min(),
        "floor": runs["floor"].iloc[0],
        "reached": len(reached),
        "floor_met": bool(len(done) and len(reached) == len(done)),
        "test_accuracy_mean": accuracy.mean(),
        "test_accuracy_sd": accuracy.std(ddof=1),
        **{f"tied_{name}": _share(tied.reindex(reached["run"])) for name, tied in ties.items()},
    }
    why_not = _why_not(row, claims.minimum_seeds) if row["role"] == "primary" else ""
    return {**row, "enters": row["role"] == "primary" and not why_not, "why_not": why_not}


def _why_not(row: dict, minimum: int) -> str:
    if row["reached"] >= minimum:
        return ""
    if math.isnan(row["floor"]):
        return "no floor declared"
    if row["reached"] < row["seeds"]:
        return f"{row['reached']} of {row['seeds']} seeds reached the floor of {row['floor']:g}"
    return f"{row['seeds']} of {minimum} seeds"


def planned(study: Study, dataset: str, role: str) -> dict[str, dict]:
    """The cells of that role that the study plans for a data set, trained or not: cell -> label, role, dataset, runs."""
    cells = study.provenance["planned_cells"]
    return {name: cell for name, cell in cells.items() if (cell["dataset"], cell["role"]) == (dataset, role)}


def entering_runs(study: Study, claims: Claims, cells: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The runs that a verdict on `dataset` rests on: those at or above the floor, of cells that enter."""
    runs = study.runs
    names = cells.loc[cells["enters"] & (cells["dataset"] == dataset), "cell"]
    runs = runs[runs["cell"].isin(names) & (runs["status"] == "done")]
    floors = np.array([claims.floor(study.name, cell) for cell in runs["cell"]], dtype=float)
    return runs[runs["score"].astype(float).to_numpy() >= floors]


def primary_runs(study: Study, dataset: str) -> pd.DataFrame:
    """All finished runs of primary cells, whatever they reached: what is exploratory rests on these."""
    runs = study.runs
    return runs[(runs["dataset"] == dataset) & (runs["role"] == "primary") & (runs["status"] == "done")]


def tied_runs(study: Study, claims: Claims, convention: str) -> pd.Series:
    """Run -> whether its P-vector is undefined: unstable under resampled samples, or none at all (no variance left).

    NaN where stability was not computed. The stability is that of the trained network at the primary layer,
    training anchor.
    """
    runs = study.runs.loc[study.runs["status"] == "done", "run"]
    finals = study.finals
    at = (finals["layer"] == claims.layer) & (finals["split"] == "train") & (finals["state"] == "trained")
    rows = finals[at & (finals["convention"] == convention)].drop_duplicates("run").set_index("run")
    stability = rows["stability"].astype(float)
    tied = (stability < claims.tie_stability).astype(float).where(stability.notna())
    return tied.reindex(runs).where(runs.isin(rows.index).to_numpy(), 1.0)


def _share(tied: pd.Series) -> float:
    known = tied.dropna()
    return float(known.mean()) if len(known) else math.nan
