"""Mean |cos| over pairs of seeds, for every pair of cells (claim 1), and the spans where k = 1 is undefined."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..statistics import Interval, one_sample_mean, two_sample_mean
from ..tables import Study
from .cells import primary_runs
from .file import Claim, Claims
from .verdict import Part

STATES = (("trained", "trained"), ("untrained", "untrained"), ("trained", "untrained"))
_CELL = ("cell", "label", "seed")
KEYS = ("study", "dataset", "layer", "split", "convention")


def pair_table(
    study: Study,
    claims: Claims,
    *,
    dataset: str,
    convention: str,
    layer: str | None = None,
    split: str | None = None,
    states=STATES,
    roles=("primary",),
) -> pd.DataFrame:
    """One row a pair of cells and of states: the mean |cos| over pairs of seeds with its interval.

    Every finished run counts, floors or not: the verdicts' own selection is the ledger's. A cell is also paired
    with itself (different seeds). With trained and untrained networks, `cell_a` is the trained one.

    Returns
    -------
    DataFrame
        study, dataset, layer, split, convention, state_a, state_b, cell_a, label_a, seeds_a, cell_b, label_b,
        seeds_b, pairs, mean, lo, hi (NaN with fewer than the minimum of seeds: a point, exploratory), worst,
        worst_seed_a, worst_seed_b, percentile_10, mean_direction (mean of c_a c_b: the |cos| that the mean
        direction alone gives), r (mean correlation of the entries, beyond it).
    """
    layer, split = layer or claims.layer, split or claims.split
    runs = study.runs
    runs = runs[(runs["dataset"] == dataset) & runs["role"].isin(roles) & (runs["status"] == "done")]
    pairs = _at(study, layer=layer, split=split, convention=convention)
    tables = [means(named(pairs, runs, *both), claims).assign(state_a=both[0], state_b=both[1]) for both in states]
    table = pd.concat(tables, ignore_index=True)
    for name, value in zip(KEYS, (study.name, dataset, layer, split, convention), strict=True):
        table[name] = value
    first = [*KEYS, "state_a", "state_b"]
    return table[[*first, *(column for column in table if column not in first)]]


def _at(study: Study, *, layer: str, split: str, convention: str) -> pd.DataFrame:
    pairs = study.pairs
    return pairs[(pairs["layer"] == layer) & (pairs["split"] == split) & (pairs["convention"] == convention)]


def named(pairs: pd.DataFrame, runs: pd.DataFrame, state_a: str, state_b: str) -> pd.DataFrame:
    """Pairs in these states whose ends are in `runs`, with cell, label and seed of both ends.

    The end in `state_a` comes first; with equal states, the cell that is first in the alphabet.
    """
    cells = runs.drop_duplicates("run").set_index("run")[list(_CELL)]
    pairs = pairs[pairs["run_a"].isin(cells.index) & pairs["run_b"].isin(cells.index)]
    straight = (pairs["state_a"] == state_a) & (pairs["state_b"] == state_b)
    parts = [pairs[straight]]
    if state_a != state_b:
        parts.append(_swapped(pairs[(pairs["state_a"] == state_b) & (pairs["state_b"] == state_a)]))
    rows = pd.concat(parts, ignore_index=True)
    for end in "ab":
        rows = rows.merge(cells.add_suffix(f"_{end}"), left_on=f"run_{end}", right_index=True)
    if state_a == state_b:
        swap = rows["cell_a"] > rows["cell_b"]
        rows = pd.concat([rows[~swap], _swapped(rows[swap])], ignore_index=True)
    return rows


def _swapped(pairs: pd.DataFrame) -> pd.DataFrame:
    ends = {"_a": "_b", "_b": "_a"}
    return pairs.rename(columns={name: name[:-2] + ends[name[-2:]] for name in pairs if name[-2:] in ends})


def means(pairs: pd.DataFrame, claims: Claims, *, points: bool = False) -> pd.DataFrame:
    """The columns of `pair_table` from `cell_a` on. `points`: no intervals."""
    values = {name: pairs[name].to_numpy() for name in pairs}
    groups = pairs.groupby(["cell_a", "cell_b"]).indices
    parts = [{name: value[at] for name, value in values.items()} for _, at in sorted(groups.items())]
    rows = [_mean_row(part, claims, points) for part in parts]
    columns = ("cell_a", "label_a", "seeds_a", "cell_b", "label_b", "seeds_b", "pairs", "mean", "lo", "hi", "worst",
               "worst_seed_a", "worst_seed_b", "percentile_10", "mean_direction", "r")  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns))


def _mean_row(pairs: dict[str, np.ndarray], claims: Claims, points: bool) -> dict:
    """One pair of cells; `pairs` has its columns as arrays."""
    runs = set(pairs["run_a"]), set(pairs["run_b"])
    same = pairs["cell_a"][0] == pairs["cell_b"][0]
    seeds = (len(runs[0] | runs[1]),) * 2 if same else (len(runs[0]), len(runs[1]))
    mean = one_sample_mean if same else two_sample_mean
    found = mean(pairs["cos"], pairs["run_a"], pairs["run_b"], confidence=claims.confidence).clipped(0.0, 1.0)
    if points or min(seeds) < claims.minimum_seeds:
        found = Interval(found.estimate)
    worst = int(np.argmin(pairs["cos"]))
    return {
        **{name: pairs[name][0] for name in ("cell_a", "label_a", "cell_b", "label_b")},
        "seeds_a": seeds[0], "seeds_b": seeds[1], "pairs": len(pairs["cos"]), "mean": found.estimate, "lo": found.lo,
        "hi": found.hi, "worst": float(pairs["cos"][worst]), "worst_seed_a": int(pairs["seed_a"][worst]),
        "worst_seed_b": int(pairs["seed_b"][worst]), "percentile_10": float(np.quantile(pairs["cos"], 0.1)),
        "mean_direction": float(np.mean(pairs["c_a"] * pairs["c_b"])), "r": float(pd.Series(pairs["r"]).mean()),
    }  # fmt: skip


class Cosines:
    """Claim 1 on one study: the smallest mean |cos| between different cells."""

    def __init__(self, study: Study, claims: Claims):
        self.study, self.claims = study, claims
        pairs = study.pairs
        same = pairs["state_a"] == pairs["state_b"]
        self._pairs = pairs[(pairs["layer"] == claims.layer) & same & pairs["state_a"].isin(["trained", "untrained"])]

    def table(self, runs: pd.DataFrame, convention: str, *, split: str, state: str, points: bool) -> pd.DataFrame:
        """`means` of pairs of different cells."""
        at = (self._pairs["split"] == split) & (self._pairs["convention"] == convention)
        pairs = named(self._pairs[at], runs, state, state)
        return means(pairs[pairs["cell_a"] != pairs["cell_b"]], self.claims, points=points)

    def singles(self, runs: pd.DataFrame, convention: str) -> dict:
        """The single worst pair of networks of different cells, and the 10th percentile (no intervals: protocol 2)."""
        at = (self._pairs["split"] == self.claims.split) & (self._pairs["convention"] == convention)
        pairs = named(self._pairs[at], runs, "trained", "trained")
        pairs = pairs[pairs["cell_a"] != pairs["cell_b"]]
        if pairs.empty:
            return {}
        worst = pairs.loc[pairs["cos"].idxmin()]
        where = f"{worst['label_a']}, seed {worst['seed_a']}, with {worst['label_b']}, seed {worst['seed_b']}"
        return {"worst": float(worst["cos"]), "worst_where": where, "percentile_10": float(pairs["cos"].quantile(0.1))}

    def part(self, claim: Claim, runs: pd.DataFrame, convention: str, *, split: str, state: str, points: bool) -> Part:
        """The smallest mean, as the claim's number."""
        table = self.table(runs, convention, split=split, state=state, points=points)
        what = "smallest mean |cos|" if state == "trained" else f"smallest mean |cos| of {state} networks"
        at_least = claim.threshold["at_least"]
        low = table[table["hi"] < at_least]
        against = tuple(f"{a} with {b}" for a, b in zip(low["label_a"], low["label_b"], strict=True))
        return Part(what, *smallest(table), at_least=at_least, against=against)


def smallest(table: pd.DataFrame) -> tuple[Interval, str]:
    """The smallest mean of a table of pairs of cells, with its interval, and where it is.

    "Any two" asks it of every pair: so the lower end is the smallest lower end of all pairs (then the level is
    kept without correction: an intersection-union test, Berger, Technometrics 24 (1982) 295). The upper end is
    that of the smallest mean.
    """
    if table.empty:
        return Interval(math.nan), ""
    row = table.loc[table["mean"].idxmin()]
    lo = table["lo"].min() if table["lo"].notna().all() else math.nan
    return Interval(float(row["mean"]), float(lo), float(row["hi"])), f"{row['label_a']} with {row['label_b']}"


def span_table(study: Study, claims: Claims, *, dataset: str) -> pd.DataFrame:
    """Spans of k centred directions of primary cells, against what random spans give (protocol 6): means over pairs.

    Returns
    -------
    DataFrame
        study, dataset, k, cell_a, label_a, cell_b, label_b, pairs, overlap, lo, hi, overlap_null, angle_to_span,
        angle_to_span_null (degrees); lo and hi are of the overlap, NaN with fewer than the minimum of seeds.
    """
    spans = study.spans[study.spans["state"] == "trained"].assign(state_a="trained", state_b="trained")
    pairs = named(spans, primary_runs(study, dataset), "trained", "trained")
    rows = []
    for (k, cell_a, cell_b), part in pairs.groupby(["k", "cell_a", "cell_b"], sort=True):
        mean = one_sample_mean if cell_a == cell_b else two_sample_mean
        found = mean(part["overlap"], part["run_a"], part["run_b"], confidence=claims.confidence).clipped(0.0, 1.0)
        if min(part["run_a"].nunique(), part["run_b"].nunique()) + (cell_a == cell_b) < claims.minimum_seeds:
            found = Interval(found.estimate)
        rows.append({
            "study": study.name, "dataset": dataset, "k": int(k), "cell_a": cell_a, "label_a": part["label_a"].iloc[0],
            "cell_b": cell_b, "label_b": part["label_b"].iloc[0], "pairs": len(part), "overlap": found.estimate,
            "lo": found.lo, "hi": found.hi, **part[["overlap_null", "angle_to_span", "angle_to_span_null"]].mean(),
        })  # fmt: skip
    columns = ("study", "dataset", "k", "cell_a", "label_a", "cell_b", "label_b", "pairs", "overlap", "lo", "hi",
               "overlap_null", "angle_to_span", "angle_to_span_null")  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns))
