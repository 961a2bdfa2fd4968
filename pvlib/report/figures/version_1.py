"""The ledger of version 1 as it was judged, as a figure and as a table (results/version-1.csv)."""

from __future__ import annotations

import pandas as pd

from ..text import interval
from . import forms, style
from .book_figure import BookFigure, Missing
from .markup import Markup, pipe_table
from .view import title

AXES = {
    1: ("smallest mean |cos|", (-0.02, 1.02)),
    2: ("angle to another seed's final (degrees)", (-2, 92)),
    3: ("granulated tau with test error", (-1.05, 1.05)),
}
_COLUMNS = {
    "estimate": ("estimate", "lo", "hi"),
    "at the end of training": ("end", "end_lo", "end_hi"),
    "control": ("control", "control_lo", "control_hi"),
    "control, at the end": ("control_end", "control_end_lo", "control_end_hi"),
}
_LOOKS = {
    "estimate": (style.BLUE, "o"), "at the end of training": (style.BLUE, "D"), "control": (style.ORANGE, "o"),
    "control, at the end": (style.ORANGE, "D"),
}  # fmt: skip


@style.styled
def overview(ledger: pd.DataFrame, claim: int) -> BookFigure | Missing:
    """Estimates of one claim with intervals beside controls, a row a data set, a column a convention."""
    rows = ledger[ledger["claim"] == claim]
    parts = [
        rows.assign(kind=kind, data=rows["dataset"].map(title), mean=rows[mean], low=rows[low], high=rows[high])
        for kind, (mean, low, high) in _COLUMNS.items()
    ]
    table = pd.concat(parts, ignore_index=True).dropna(subset="mean")
    if table.empty:
        return Missing("it has no estimate")
    words, limits = AXES[claim]
    fig = forms.rows(
        table, row="data", hue="kind", looks=_LOOKS, ends=("low", "high"), xlabel=words, xlim=limits, line_height=0.5
    )
    name = rows["name"].iloc[0]
    return BookFigure(
        fig,
        rows,
        f"Claim {claim}, {name}: estimate and control with 95 % intervals. A claim held where the estimate cleared its threshold and the control did "
        "not.",
        f"Interval plots for claim {claim}, uncentred and centred: the estimate and its control with 95 percent intervals, a line a data set.",
    )


def table(ledger: pd.DataFrame) -> Markup:
    """A row a claim and data set, a column a convention: the verdict and its numbers."""
    rows = []
    for (claim, name, dataset), part in ledger.groupby(["claim", "name", "dataset"], sort=False):
        found = part.set_index("convention")
        rows.append(
            {"claim": f"{claim}. {name}", "data set": title(dataset), **{c: _said(found.loc[c]) for c in found.index}}
        )
    return pipe_table(pd.DataFrame(rows))


def _said(row: pd.Series) -> str:
    unit = "°" if row["claim"] == 2 else ""
    parts = [f"{row['verdict']}: {interval(row['estimate'], row['lo'], row['hi'], unit=unit)}"]
    if pd.notna(row["end"]):
        parts.append(f"end {interval(row['end'], row['end_lo'], row['end_hi'], unit=unit)}")
    return f"{', '.join(parts)}; control {interval(row['control'], row['control_lo'], row['control_hi'], unit=unit)}"
