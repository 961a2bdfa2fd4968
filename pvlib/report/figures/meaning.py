"""What the verdicts mean for a reader: sentences chosen by the verdicts, none written by hand. Not for judging."""

from __future__ import annotations

import pandas as pd

from ..claims import VERDICTS
from ..words import listed
from .markup import Words
from .view import title

HOLDS, SO_DO_CONTROLS, FAILS, TIE, INCONCLUSIVE, NOT_TESTED = VERDICTS
FOUND = {
    HOLDS: "any two networks agree as the paper says, and untrained ones do not",
    SO_DO_CONTROLS: "any two networks agree as the paper says, but so do networks that never learned anything",
    FAILS: "not every two networks agree",
    TIE: "most networks have no single principal direction to compare",
    INCONCLUSIVE: "it stays open whether any two networks agree",
    NOT_TESTED: "there are too few trained networks for a verdict",
}
MEANS = {
    "uncentred": {
        HOLDS: "a small uncentred angle speaks for shared learning",
        SO_DO_CONTROLS: "a small uncentred angle between two networks says little about what they learned",
        FAILS: "even uncentred, two networks trained on the same data may be far apart",
        TIE: "uncentred, spans should be compared instead of single directions",
        INCONCLUSIVE: "what an uncentred angle says is not settled",
        NOT_TESTED: "what an uncentred angle says is not tested yet",
    },
    "centred": {
        HOLDS: "with the mean taken away, networks still share one direction",
        SO_DO_CONTROLS: "with the mean taken away, the agreement remains, but training is not what brings it about",
        FAILS: "with the mean taken away, architectures do not all share one direction",
        TIE: "with the mean taken away, spans should be compared instead of single directions",
        INCONCLUSIVE: "with the mean taken away, the answer is not settled",
        NOT_TESTED: "with the mean taken away, the answer is not tested yet",
    },
}
ONE = {
    HOLDS: "holds",
    SO_DO_CONTROLS: "holds, but so do its controls",
    FAILS: "fails",
    TIE: "is undefined (tie)",
    INCONCLUSIVE: "is inconclusive",
    NOT_TESTED: "is not tested",
}
MANY = {
    HOLDS: "hold", SO_DO_CONTROLS: "hold, but so do their controls", FAILS: "fail", TIE: "are undefined (ties)",
    INCONCLUSIVE: "are inconclusive", NOT_TESTED: "are not tested",
}  # fmt: skip


def meaning(ledger: pd.DataFrame) -> Words:
    """Two sentences: what was found of the main claim, and what follows for somebody who compares networks."""
    rows, place = _basis(ledger)
    found = "; ".join(f"{convention}, {_found(rows[rows['convention'] == convention])}" for convention in MEANS)
    follows = ", and ".join(MEANS[convention][_most(rows[rows["convention"] == convention])] for convention in MEANS)
    start = f"{place}{found}" if place else f"{found[0].upper()}{found[1:]}"
    return Words(f"{start}. For whoever compares networks: {follows}.")


def _basis(ledger: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Rows of claim 1 on data sets of the paper; where none is tested, on the demonstration."""
    rows = ledger[ledger["claim"] == 1]
    paper = rows[~rows["demonstration"]]
    if (paper["verdict"] != NOT_TESTED).any() or rows["demonstration"].sum() == 0:
        return paper[paper["estimate"].notna()] if paper["estimate"].notna().any() else paper, ""
    return rows[
        rows["demonstration"]
    ], "No data set of the paper has enough trained networks for a verdict yet; on the demonstration: "


def _found(rows: pd.DataFrame) -> str:
    parts = [
        FOUND[verdict] + _names(rows[rows["verdict"] == verdict])
        for verdict in VERDICTS
        if (rows["verdict"] == verdict).any()
    ]
    return ", while ".join(parts)


def _names(rows: pd.DataFrame) -> str:
    """Which data sets of the paper; a demonstration is named before."""
    return "" if rows["demonstration"].any() else f" ({listed([title(name) for name in rows['dataset']])})"


def _most(rows: pd.DataFrame) -> str:
    """The verdict of most data sets; of equals, the more cautious one."""
    counts = rows["verdict"].value_counts()
    caution = (FAILS, SO_DO_CONTROLS, TIE, INCONCLUSIVE, HOLDS, NOT_TESTED)
    return min(counts.index, key=lambda verdict: (-counts[verdict], caution.index(verdict)))


def counts(ledger: pd.DataFrame) -> Words:
    """How many of the paper's tests came out how."""
    rows = ledger[~ledger["demonstration"]]
    found = rows["verdict"].value_counts()
    said = [f"{found[v]} {(ONE if found[v] == 1 else MANY)[v]}" for v in VERDICTS if v in found]
    return Words(
        f"Of {len(rows)} tests ({rows['claim'].nunique()} claims, {rows['dataset'].nunique()} data sets, "
        f"{rows['convention'].nunique()} conventions), {listed(said, most=9)}."
    )
