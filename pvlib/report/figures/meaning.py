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
        FAILS: "even uncentred, not every two networks trained on the same data are within the threshold",
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
SPLIT = {
    "uncentred": "what an uncentred angle says depends on the data set",
    "centred": "with the mean taken away, the answer depends on the data set",
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
    """What was found of the main claim, how untrained networks compare, and what follows for who compares networks."""
    rows, place = _basis(ledger)
    found = "; ".join(f"{convention}, {_found(rows[rows['convention'] == convention])}" for convention in MEANS)
    follows = ", and ".join(_follows(rows[rows["convention"] == convention], convention) for convention in MEANS)
    start = f"{place}{found}" if place else f"{found[0].upper()}{found[1:]}"
    return Words(f"{start}.{_untrained(rows)} For whoever compares networks: {follows}.")


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
    return "" if rows["demonstration"].any() else f" ({_titles(rows)})"


def _follows(rows: pd.DataFrame, convention: str) -> str:
    """From the verdict of more than half of the data sets; without one, that it depends."""
    counts = rows["verdict"].value_counts()
    return MEANS[convention][counts.index[0]] if counts.iloc[0] > len(rows) / 2 else SPLIT[convention]


def _untrained(rows: pd.DataFrame) -> str:
    """Where untrained networks agree more than trained ones do."""
    known = rows[rows["estimate"].notna() & rows["control"].notna()]
    more = known[known["control"] > known["estimate"]]
    if more.empty:
        return ""
    said = [f"{name} ({_titles(part)})" for name, part in more.groupby("convention", sort=False)]
    return f" By the same measure, networks that were never trained agree more than trained ones {' and '.join(said)}."


def _titles(rows: pd.DataFrame) -> str:
    return listed([title(name) for name in rows["dataset"]])


def counts(ledger: pd.DataFrame) -> Words:
    """How many of the paper's tests came out how."""
    rows = ledger[~ledger["demonstration"]]
    found = rows["verdict"].value_counts()
    said = [f"{found[v]} {(ONE if found[v] == 1 else MANY)[v]}" for v in VERDICTS if v in found]
    return Words(
        f"Of {len(rows)} tests ({rows['claim'].nunique()} claims, {rows['dataset'].nunique()} data sets, "
        f"{rows['convention'].nunique()} conventions), {listed(said, most=9)}."
    )
