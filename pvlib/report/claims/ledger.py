"""One row a claim, data set and convention, with its verdict and all that it rests on (protocol 14, 15)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from ..statistics import Interval, holm
from ..tables import Study
from ..words import dataset_title, listed
from . import cells, pool
from .along import Along
from .cosines import Cosines
from .file import Claim, Claims
from .verdict import Part, explain, judge


class Judged:
    """One study with what several rows need of it."""

    def __init__(self, study: Study, claims: Claims):
        self.study, self.claims = study, claims

    @cached_property
    def cells(self) -> pd.DataFrame:
        return cells.cell_table(self.study, self.claims)

    @cached_property
    def cosines(self) -> Cosines:
        return Cosines(self.study, self.claims)

    @cached_property
    def along(self) -> Along:
        return Along(self.study, self.claims)

    @cached_property
    def ties(self) -> dict[str, pd.Series]:
        return {name: cells.tied_runs(self.study, self.claims, name) for name in self.claims.conventions}

    @cached_property
    def primary(self) -> dict[str, pd.DataFrame]:
        """Data set -> the rows of the cell table for primary cells with a finished run."""
        table = self.cells[(self.cells["role"] == "primary") & (self.cells["seeds"] > 0)]
        return dict(list(table.groupby("dataset")))

    @cached_property
    def pools(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Data set and convention -> the rows of the pool."""
        return dict(list(self.study.pool.groupby(["dataset", "convention"])))


@dataclass
class Case:
    """One row before its verdict: a claim on one data set under one convention."""

    claim: Claim
    dataset: str
    convention: str
    study: Study | None = None
    parts: Sequence[Part] = ()
    controls: Sequence[Part] = ()
    replication: Sequence[Part] = ()
    untested: str = ""
    tied_share: float = math.nan
    tied: str = ""
    left_out: str = ""
    seeds: int = 0
    cells: int = 0
    cells_planned: int = 0
    p: float = math.nan
    singles: dict = field(default_factory=dict)

    def note_ties(self, tied: pd.Series, claims: Claims) -> None:
        """The share of networks whose P-vector is undefined (protocol 6), and the same in words; NaN: not measured."""
        known = tied.dropna()
        self.tied_share = float(known.mean()) if len(known) else math.nan
        self.tied = (f"{int(known.sum())} of {len(known)} networks are tied (with the samples drawn again, a median |cos| "
                     f"below {claims.tie_stability:g} with their own P-vector)")  # fmt: skip


def ledger(studies: Sequence[Study], claims: Claims) -> pd.DataFrame:
    """Every claim judged on every data set under every convention; each data set by the study that says most about it.

    Returns
    -------
    DataFrame
        One row a claim x data set x convention; the data sets of the paper first, then the demonstration. claim
        (id), name, statement, dataset, demonstration, convention; verdict, reason (one sentence with the numbers);
        estimate, lo, hi, where, threshold_value; end, end_lo, end_hi, end_where, threshold_end (claim 2: the angle
        after training); threshold (words); control, control_lo, control_hi, control_where and control_end, ...;
        replication, replication_lo, replication_hi and replication_end, ... (test anchor); worst, worst_where,
        percentile_10 (claim 1: single pairs); p, p_corrected (claim 3); tied_share; seeds (smallest number in a
        cell), cells (that entered), cells_planned, left_out; study, command. Without a verdict ("not tested") the
        estimate has no interval: it is exploratory.
    """
    judged = [Judged(study, claims) for study in studies]
    datasets = [*claims.datasets, *claims.demonstration]
    cases = [
        _BUILD[claim.kind](judged, claim, dataset, convention, claims)
        for claim, dataset, convention in itertools.product(claims.claims, datasets, claims.conventions)
    ]
    corrected = _corrected(cases, claims)
    return pd.DataFrame([_row(case, p, claims) for case, p in zip(cases, corrected, strict=True)])


def _networks(judged, claim, dataset, convention, claims, *, needed: int, fill) -> Case:
    """Claims 1 and 2: choose the study, the cells and runs that enter, then let `fill` add the numbers."""
    case = Case(claim, dataset, convention)

    def entering(one: Judged) -> tuple[int, int]:
        reached = one.primary[dataset].loc[one.primary[dataset]["enters"], "reached"]
        return len(reached), int(reached.sum())

    best = max((one for one in judged if dataset in one.primary), key=entering, default=None)  # the first of equals
    if best is None:
        case.untested = f"no published study has trained networks for {dataset_title(dataset)}"
        return case
    table = best.primary[dataset]
    used, out = table[table["enters"]], table[~table["enters"]]
    case.study, case.cells, case.cells_planned = best.study, len(used), len(table)
    absent = [
        cell for name, cell in cells.planned(best.study, dataset, "primary").items() if name not in set(table["cell"])
    ]
    case.cells_planned += len(absent)
    whys = [f"{label} ({why})" for label, why in zip(out["label"], out["why_not"], strict=True)]
    whys += [f"{cell['label']} (no finished run)" for cell in absent]
    case.left_out = f"left out: {listed(whys, most=8)}" if whys else ""
    tested = len(used) >= needed
    if tested:
        runs = cells.entering_runs(best.study, claims, best.cells, dataset)
    else:
        runs = cells.primary_runs(best.study, dataset)
        case.untested = (f"{len(used)} cells have {claims.minimum_seeds} seeds that reached the floor, {needed} needed"
                         f"{': ' if whys else ''}{listed(whys, most=8) if whys else ''}")  # fmt: skip
    case.seeds = int(runs.groupby("cell")["run"].nunique().min())
    case.note_ties(best.ties[convention].reindex(runs["run"]), claims)
    fill(case, best, runs, points=not tested)
    return case


def _smallest_mean_cosine(judged, claim, dataset, convention, claims) -> Case:
    def fill(case: Case, best: Judged, runs: pd.DataFrame, *, points: bool) -> None:
        def part(split, state):
            return best.cosines.part(claim, runs, convention, split=split, state=state, points=points)

        case.parts, case.controls = [part(claims.split, "trained")], [part(claims.split, "untrained")]
        case.replication = [part(_other(claims.split), "trained")]
        case.singles = best.cosines.singles(runs, convention)

    return _networks(judged, claim, dataset, convention, claims, needed=2, fill=fill)


def _angle_along_training(judged, claim, dataset, convention, claims) -> Case:
    def fill(case: Case, best: Judged, runs: pd.DataFrame, *, points: bool) -> None:
        case.parts, case.controls = best.along.parts(claim, runs, convention, split=claims.split, points=points)
        case.replication, _ = best.along.parts(claim, runs, convention, split=_other(claims.split), points=points)

    return _networks(judged, claim, dataset, convention, claims, needed=1, fill=fill)


def _granulated_tau(judged, claim, dataset, convention, claims) -> Case:
    case = Case(claim, dataset, convention)
    place = (dataset, convention)
    best = max((one for one in judged if place in one.pools), key=lambda one: len(one.pools[place]), default=None)
    if best is None:
        case.untested = f"no published study has a pool of networks for {dataset_title(dataset)}"
        return case
    rows = best.pools[place]
    missing = pool.missing_networks(best.study, dataset, rows)
    if missing:
        case.untested = f"the pool is not complete: {missing} of its {len(rows) + missing} networks are missing"
    sizes = rows.groupby([*pool.STRATA, *pool.FACTORS], dropna=False).size()
    case.study, case.cells, case.cells_planned, case.seeds = best.study, len(sizes), len(sizes), int(sizes.min())
    shown, case.p = pool.parts(claim, rows, claims, points=bool(missing))
    case.parts, case.controls, case.replication = ([part] for part in shown)
    case.note_ties(pool.tied(rows, claims), claims)
    if not case.untested and not case.parts[0].interval.known:
        case.untested = "the pool has no factor with two levels"
    if case.untested:
        case.p = math.nan
    return case


_BUILD = {
    "smallest_mean_cosine": _smallest_mean_cosine,
    "angle_along_training": _angle_along_training,
    "granulated_tau": _granulated_tau,
}


def _other(split: str) -> str:
    return "test" if split == "train" else "train"


def _corrected(cases: Sequence[Case], claims: Claims) -> list[float]:
    """P-values corrected within each claim, the data sets of the paper and the demonstration apart."""
    found = [case.p for case in cases]
    for claim, datasets in itertools.product(claims.claims, (claims.datasets, claims.demonstration)):
        family = [n for n, case in enumerate(cases) if case.claim is claim and case.dataset in datasets]
        if claim.correction == "holm" and family:
            for n, p in zip(family, holm([cases[n].p for n in family]), strict=True):
                found[n] = float(p)
    return found


def _row(case: Case, p: float, claims: Claims) -> dict:
    corrected = p if case.claim.correction else None
    verdict = judge(
        case.parts,
        case.controls,
        tested=not case.untested,
        tied_share=case.tied_share,
        tie_share=claims.tie_share,
        p=corrected,
        level=1 - claims.confidence,
    )
    reason = explain(verdict, case.parts, case.controls, tied=case.tied if case.tied_share > 0 else "", p=corrected, left_out=case.left_out,
                     untested=case.untested or "there are too few pairs of seeds for an interval")  # fmt: skip
    parts, controls, again = (_two(found) for found in (case.parts, case.controls, case.replication))
    return {
        "claim": case.claim.id, "name": case.claim.name, "statement": case.claim.statement, "dataset": case.dataset,
        "demonstration": case.dataset in claims.demonstration, "convention": case.convention, "verdict": verdict,
        "reason": reason, **_numbers("estimate", "", parts[0]), "where": parts[0].where,
        "threshold_value": _value(parts[0]), **_numbers("end", "end_", parts[1]), "end_where": parts[1].where,
        "threshold_end": _value(parts[1]), "threshold": ", ".join(part.threshold for part in case.parts),
        **_numbers("control", "control_", controls[0]), "control_where": controls[0].where,
        **_numbers("control_end", "control_end_", controls[1]), "control_end_where": controls[1].where,
        **_numbers("replication", "replication_", again[0]),
        **_numbers("replication_end", "replication_end_", again[1]),
        "worst": case.singles.get("worst", math.nan), "worst_where": case.singles.get("worst_where", ""),
        "percentile_10": case.singles.get("percentile_10", math.nan), "p": case.p, "p_corrected": p,
        "tied_share": case.tied_share, "seeds": case.seeds, "cells": case.cells, "cells_planned": case.cells_planned,
        "left_out": case.left_out.removeprefix("left out: "), "study": case.study.name if case.study else "",
        "command": case.study.command if case.study else "",
    }  # fmt: skip


_EMPTY = Part("", Interval(math.nan))


def _two(parts: Sequence[Part]) -> tuple[Part, Part]:
    first, second, *_ = [*parts, _EMPTY, _EMPTY]
    return first, second


def _numbers(name: str, prefix: str, part: Part) -> dict[str, float]:
    return {name: part.interval.estimate, f"{prefix}lo": part.interval.lo, f"{prefix}hi": part.interval.hi}


def _value(part: Part) -> float:
    known = [value for value in (part.at_least, part.at_most, part.excludes) if value is not None]
    return known[0] if known else math.nan
