"""The angle to another seed's final P-vector, before and after training (claim 2). Not for what lies between."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..statistics import Interval, one_sample_mean
from ..tables import Study
from .cells import primary_runs
from .file import Claim, Claims
from .verdict import Part

ENDS = ("start", "end")


def along_table(
    study: Study, claims: Claims, *, dataset: str, convention: str, split: str | None = None
) -> pd.DataFrame:
    """One row a primary cell: mean angle to the final P-vector of other seeds, at step 0 and at the last step.

    Returns
    -------
    DataFrame
        study, dataset, convention, split, cell, label, seeds; start, start_lo, start_hi, end, end_lo, end_hi
        (degrees); alone_start, ... alone_end_hi: the same for the angle that the mean direction alone gives. No
        interval with fewer than the minimum of seeds. Every finished run counts, floors or not.
    """
    split = split or claims.split
    table = Along(study, claims).table(primary_runs(study, dataset), convention, split=split, points=False)
    for position, (name, value) in enumerate(
        (("study", study.name), ("dataset", dataset), ("convention", convention), ("split", split))
    ):
        table.insert(position, name, value)
    return table


class Along:
    """Both ends of training at the primary layer of one study."""

    def __init__(self, study: Study, claims: Claims):
        self.claims = claims
        rows = study.trajectory
        rows = rows[rows["layer"] == claims.layer]
        last = rows.groupby("run")["step"].transform("max")
        ends = {"start": rows[rows["step"] == 0], "end": rows[(rows["step"] == last) & (last > 0)]}
        self._ends = {name: part.assign(alone=_degrees(part["c_product"])) for name, part in ends.items()}

    def table(self, runs: pd.DataFrame, convention: str, *, split: str, points: bool) -> pd.DataFrame:
        """The columns of `along_table` from `cell` on, for these runs."""
        rows: dict[str, dict] = {}
        for cell, label in runs[["cell", "label"]].sort_values("cell").itertuples(index=False):
            rows.setdefault(cell, {"cell": cell, "label": label, "seeds": 0})["seeds"] += 1
        cell_of = dict(zip(runs["run"], runs["cell"], strict=True))
        for end in ENDS:
            part = self._ends[end]
            part = part[(part["convention"] == convention) & (part["split"] == split) & part["run"].isin(cell_of)]
            part = part[part["target_run"].isin(cell_of)]
            for cell, at in part.groupby(part["run"].map(cell_of)).indices.items():
                few = points or rows[cell]["seeds"] < self.claims.minimum_seeds
                for column, name in (("angle", end), ("alone", f"alone_{end}")):
                    found = self._mean(part.iloc[at], column, few)
                    rows[cell] |= {name: found.estimate, f"{name}_lo": found.lo, f"{name}_hi": found.hi}
        names = [f"{kind}{end}{of}" for kind in ("", "alone_") for end in ENDS for of in ("", "_lo", "_hi")]
        table = pd.DataFrame(list(rows.values()), columns=["cell", "label", "seeds", *names])
        return table.dropna(subset=["start", "end"], ignore_index=True)

    def _mean(self, part: pd.DataFrame, column: str, points: bool) -> Interval:
        found = one_sample_mean(part[column], part["run"], part["target_run"], confidence=self.claims.confidence)
        return Interval(found.estimate) if points else found.clipped(0.0, 90.0)

    def parts(self, claim: Claim, runs: pd.DataFrame, convention: str, *, split: str, points: bool):
        """The two numbers of the claim, each in its worst cell, and the same two of the control."""
        table = self.table(runs, convention, split=split, points=points)
        at_least, at_most = claim.threshold["start_at_least_deg"], claim.threshold["end_at_most_deg"]
        found = []
        for kind, what in (("", "angle"), ("alone_", "angle from the mean direction alone")):
            start, end = worst(table, f"{kind}start", smallest=True), worst(table, f"{kind}end", smallest=False)
            low = tuple(table["label"][table[f"{kind}start_hi"] < at_least])
            high = tuple(table["label"][table[f"{kind}end_lo"] > at_most])
            found.append([Part(f"{what} at step 0", *start, at_least=at_least, unit="°", against=low),
                          Part(f"{what} at the last step", *end, at_most=at_most, unit="°", against=high)])  # fmt: skip
        return found


def worst(table: pd.DataFrame, name: str, *, smallest: bool) -> tuple[Interval, str]:
    """The worst cell's mean and interval; the end nearer to the threshold is the worst of all cells (as in claim 1)."""
    if table.empty:
        return Interval(math.nan), ""
    row = table.loc[table[name].idxmin() if smallest else table[name].idxmax()]
    near, far = ("lo", "hi") if smallest else ("hi", "lo")
    ends = table[f"{name}_{near}"]
    reached = math.nan if ends.isna().any() else ends.min() if smallest else ends.max()
    pair = {near: float(reached), far: float(row[f"{name}_{far}"])}
    return Interval(float(row[name]), pair["lo"], pair["hi"]), row["label"]


def _degrees(cosines: pd.Series) -> pd.Series:
    return np.degrees(np.arccos(cosines.astype(float).clip(0.0, 1.0)))
