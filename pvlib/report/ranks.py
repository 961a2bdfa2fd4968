"""Rank correlation over a balanced pool of networks, granulated by hyperparameter, and aggregation of rankings.

The unit is the cell of the factorial (protocol 13); intervals over seeds are in `statistics`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from .statistics import Interval


@dataclass(frozen=True)
class Granulated:
    """A granulated tau: `interval` and two-sided `p` by leaving out cells, and the tau `by_axis`.

    `by_axis` has the plain tau of each factor (nothing partialled out); their mean is the granulated tau. The t of the interval
    has `degrees_of_freedom`: cells less strata.
    """

    interval: Interval
    p: float
    by_axis: dict[str, float]
    cells: int
    degrees_of_freedom: int


@dataclass(frozen=True)
class Grid:
    """Which cells of a factorial differ in one factor only.

    Attributes
    ----------
    pairs
        (pairs, 3) every run of one cell with every run of the other: numbers of the edge and of the two runs.
    stratum
        (cells,) number of the stratum; cells of different strata are never compared.
    edges
        (edges, 2) pairs of cells that differ in one factor.
    axis
        (edges,) the number of that factor.
    factors
        Names of the factors.
    """

    pairs: np.ndarray
    stratum: np.ndarray
    edges: np.ndarray
    axis: np.ndarray
    factors: tuple[str, ...]

    @classmethod
    def of(cls, runs: pd.DataFrame, factors, strata) -> Grid:
        """The grid of a table with one row a run; `factors` and `strata` are names of columns."""
        factors, strata = list(factors), list(strata)
        cell = runs.groupby(strata + factors, dropna=False).ngroup().to_numpy()
        _, first = np.unique(cell, return_index=True)
        levels = np.column_stack([pd.factorize(runs[name])[0][first] for name in factors])
        stratum = runs.groupby(strata, sort=False).ngroup().to_numpy()[first] if strata else np.zeros(len(first), int)
        differs = levels[:, None, :] != levels[None, :, :]
        neighbours = (differs.sum(axis=2) == 1) & (stratum[:, None] == stratum[None, :])
        edges = np.argwhere(np.triu(neighbours))
        members = [np.flatnonzero(cell == number) for number in range(len(first))]
        pairs = [(number, i, j) for number, (a, b) in enumerate(edges) for i in members[a] for j in members[b]]
        return cls(
            np.array(pairs).reshape(-1, 3),
            stratum,
            edges,
            differs[edges[:, 0], edges[:, 1]].argmax(axis=1),
            tuple(factors),
        )

    def concordance(self, x, y) -> np.ndarray:
        """(edges,) concordant less discordant pairs of runs, one of each cell of the edge, as a share."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        edge, i, j = self.pairs.T
        signs = np.sign(x[i] - x[j]) * np.sign(y[i] - y[j])
        return np.bincount(edge, signs, minlength=len(self.edges)) / np.bincount(edge, minlength=len(self.edges))

    def mean(self, values: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
        """Mean over axes of the mean over each axis's edges; `kept` (..., edges) says which edges count."""
        kept = np.ones((1, len(values)), dtype=bool) if kept is None else kept
        sums = np.stack([(kept * values)[..., self.axis == axis].sum(-1) for axis in np.unique(self.axis)])
        counts = np.stack([kept[..., self.axis == axis].sum(-1) for axis in np.unique(self.axis)])
        with np.errstate(invalid="ignore", divide="ignore"):
            return (sums / counts).mean(axis=0)

    def without_each_cell(self) -> np.ndarray:
        """(cells, edges): the edges left when one cell is left out."""
        cells = np.arange(len(self.stratum))[:, None]
        return (self.edges[:, 0] != cells) & (self.edges[:, 1] != cells)

    def variance(self, left_out: np.ndarray) -> float:
        """Jackknife variance from the statistic without each cell, strata added up."""
        parts = [left_out[self.stratum == number] for number in np.unique(self.stratum)]
        return sum((len(part) - 1) / len(part) * float(np.sum((part - part.mean()) ** 2)) for part in parts)


def granulated_tau(runs: pd.DataFrame, x: str, y: str, *, factors, strata=(), given: str | None = None,
                   confidence: float = 0.95) -> Granulated:  # fmt: skip
    """Kendall's tau between two columns where one factor changes and all others are held.

    For each factor, the tau of networks that differ in that factor alone, averaged over all settings of the others;
    then the mean over factors. A measure that follows one factor only scores low on the others. Seeds of a cell are
    never compared with each other.

    Parameters
    ----------
    runs
        One row a network.
    x, y
        Columns to correlate.
    factors, strata
        Columns of the factorial, and columns (architecture) across which nothing is compared.
    given
        A column that is partialled out: (t_xy - t_xg t_yg) / sqrt((1 - t_xg^2)(1 - t_yg^2)), where each t is divided by
        the geometric mean of the shares of comparisons that are no ties in its two columns (as tau-b is): training
        accuracies of 100 % tie. NaN where one of the columns is tied throughout.
    confidence
        Of the interval, by leaving out one cell (all its seeds) at a time: cells are the unit, because seeds of a cell
        are no independent evidence; t with (cells - strata) degrees of freedom. Simulated coverage: 97-99 % (tests);
        drawing cells with replacement counts each comparison's own variance three times and gives 99.5 %.

    Source: Jiang et al., Fantastic generalization measures (ICLR 2020), section 4; partial tau: Kendall, Biometrika 32
    (1942) 277. The interval holds for the factors that were varied, not for others that might have been.
    """
    grid = Grid.of(runs, factors, strata)
    if not len(grid.edges):
        return Granulated(Interval(math.nan), math.nan, {}, len(grid.stratum), 0)
    plain = grid.concordance(runs[x], runs[y])
    statistic = partial(grid.mean, plain) if given is None else _partial(grid, runs[x], runs[y], runs[given])
    estimate = float(statistic(None)[0])
    variance = grid.variance(statistic(grid.without_each_cell()))
    df = len(grid.stratum) - len(np.unique(grid.stratum))
    interval, p = _tested(estimate, variance, df, confidence)
    by_axis = {grid.factors[axis]: float(plain[grid.axis == axis].mean()) for axis in np.unique(grid.axis)}
    return Granulated(interval, p, by_axis, len(grid.stratum), df)


def _partial(grid: Grid, x, y, g):
    """The function of `kept` edges that gives the partial tau of x and y, g held."""
    columns = {"x": x, "y": y, "g": g}
    edges = {
        pair: grid.concordance(columns[pair[0]], columns[pair[1]]) for pair in ("xy", "xg", "yg", "xx", "yy", "gg")
    }

    def statistic(kept):
        mean = {pair: grid.mean(values, kept) for pair, values in edges.items()}
        with np.errstate(invalid="ignore", divide="ignore"):
            xy, xg, yg = (mean[a + b] / np.sqrt(mean[a + a] * mean[b + b]) for a, b in ("xy", "xg", "yg"))
            return (xy - xg * yg) / np.sqrt((1 - xg**2) * (1 - yg**2))

    return statistic


def _tested(estimate: float, variance: float, df: int, confidence: float) -> tuple[Interval, float]:
    if df < 1 or not math.isfinite(variance):
        return Interval(estimate), math.nan
    if variance == 0:
        return Interval(estimate, estimate, estimate), float(estimate == 0)
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * math.sqrt(variance)
    p = 2 * stats.t.sf(abs(estimate) / math.sqrt(variance), df)
    return Interval(estimate, max(-1.0, estimate - half), min(1.0, estimate + half)), float(p)


def aggregate_rankings(scores: pd.DataFrame) -> pd.DataFrame:
    """One ranking of the columns that is nearest to the rankings in all rows (strata), by weighted Spearman footrule.

    Parameters
    ----------
    scores
        (strata, items), larger is better. Moving an item costs the places it moves times the difference of the
        stratum's scores at these places, so near ties are cheap. At most eight items: all orders are tried.

    Returns
    -------
    DataFrame
        item, rank (1 is best), mean_rank, first_in (number of strata where it is first), strata; best first.

    Source: Pihur, Datta and Datta, BMC Bioinformatics 10 (2009) 62, eq. 2, with a search that is exhaustive.
    """
    if scores.shape[1] > 8:
        raise ValueError(f"at most eight items can be ranked by trying all orders, got {scores.shape[1]}")
    scores = scores.dropna()
    if scores.empty:
        return pd.DataFrame(columns=["item", "rank", "mean_rank", "first_in", "strata"])
    values = scores.to_numpy(dtype=np.float64)
    places = (-values).argsort(axis=1, kind="stable").argsort(axis=1)
    ladder = -np.sort(-values, axis=1)
    span = ladder[:, :1] - ladder[:, -1:]
    ladder = np.divide(ladder - ladder[:, -1:], span, out=np.zeros_like(ladder), where=span > 0)
    rows = np.arange(len(values))[:, None]

    def cost(order: tuple[int, ...]) -> float:
        wanted = np.broadcast_to(np.array(order), places.shape)
        moved = np.abs(ladder[rows, wanted] - ladder[rows, places]) * np.abs(wanted - places)
        return float(moved.sum())

    best = np.array(min(itertools.permutations(range(values.shape[1])), key=cost))
    return pd.DataFrame({
        "item": scores.columns, "rank": best + 1, "mean_rank": places.mean(axis=0) + 1,
        "first_in": (places == 0).sum(axis=0), "strata": len(values),
    }).sort_values("rank", ignore_index=True)  # fmt: skip
