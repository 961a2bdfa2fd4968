"""The ledger as a figure and as a table: every claim, data set and convention (chapter 0). Nothing is judged here."""

from __future__ import annotations

import textwrap

import pandas as pd

from ..claims import verdict_markdown
from . import style
from .markup import Markup, scrolling
from .plate import Missing, Plate
from .view import CONVENTIONS, title

AXES = {
    1: ("smallest mean |cos|", (-0.02, 1.02)),
    2: ("angle to another seed's final (degrees)", (-2, 92)),
    3: ("granulated tau with test error", (-1.05, 1.05)),
}
# prefix in the ledger, colour, marker, shift, legend
MARKS = {
    "": (style.BLUE, "o", -0.24, "estimate"),
    "end": (style.BLUE, "D", -0.08, "at the end of training"),
    "control": (style.ORANGE, "o", 0.08, "control"),
    "control_end": (style.ORANGE, "D", 0.24, "control, at the end"),
}


@style.styled
def overview(ledger: pd.DataFrame) -> Plate | Missing:
    """Estimates with intervals beside controls and thresholds, a row a claim, a column a convention."""
    rows = ledger[ledger["estimate"].notna()]
    if rows.empty:
        return Missing("no claim has an estimate yet")
    claims, conventions = list(rows["claim"].unique()), list(rows["convention"].unique())
    sizes = [rows[rows["claim"] == claim]["dataset"].nunique() for claim in claims]
    fig, axes = style.figure(
        len(conventions),
        len(claims),
        height=0.9 + 0.62 * len(claims) + 0.42 * sum(sizes),
        height_ratios=sizes,
        sharey="row",
    )
    for row, claim in zip(axes, claims, strict=True):
        part = rows[rows["claim"] == claim]
        names = list(dict.fromkeys(part["dataset"]))
        for ax, convention in zip(row, conventions, strict=True):
            _panel(ax, part[part["convention"] == convention], names, claim)
            ax.set_title(f"{claim}. {part['name'].iloc[0]}, {CONVENTIONS[convention]}", fontsize=8)
    handles = {label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    columns = [
        "claim",
        "name",
        "dataset",
        "convention",
        "verdict",
        "estimate",
        "lo",
        "hi",
        "end",
        "end_lo",
        "end_hi",
        "threshold",
        "control",
        "control_lo",
        "control_hi",
        "control_end",
        "control_end_lo",
        "control_end_hi",
        "p_corrected",
        "tied_share",
        "seeds",
        "cells",
        "study",
    ]
    return Plate(
        fig,
        rows[columns],
        "Estimate (blue) and control (orange) with 95 % intervals; dashed, the threshold that the estimate "
        "should clear and the control should not. Marks without a bar have no interval: exploratory, no verdict. "
        "The verdict stands at the right of each line.",
        "Interval plots: for each claim, data set and convention, the estimate and its control with 95 percent "
        "intervals, the threshold, and the verdict in words.",
    )


def _panel(ax, rows: pd.DataFrame, names: list[str], claim: int) -> None:
    for prefix, (colour, marker, shift, label) in MARKS.items():
        column, ends = prefix or "estimate", f"{prefix}_" if prefix else ""
        known = rows[rows[column].notna()]
        if known.empty:
            continue
        low, high = (known[f"{ends}{end}"].fillna(known[column]) for end in ("lo", "hi"))
        bars = [(known[column] - low).clip(lower=0), (high - known[column]).clip(lower=0)]
        ax.errorbar(
            known[column],
            [names.index(d) + shift for d in known["dataset"]],
            xerr=bars,
            fmt=marker,
            color=colour,
            markersize=4,
            label=label,
        )
    for value in rows[["threshold_value", "threshold_end"]].to_numpy().ravel():
        if pd.notna(value):
            ax.axvline(value, color=style.FAINT, linestyle=(0, (4, 3)), linewidth=1)
    for dataset, verdict in zip(rows["dataset"], rows["verdict"], strict=True):
        ax.text(
            1.02,
            names.index(dataset),
            textwrap.fill(verdict, 16),
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=7,
            fontweight="bold",
        )
    words, limits = AXES[claim]
    ax.set(xlabel=words, xlim=limits)
    style.name_rows(ax, [title(name) for name in names])
    style.grid(ax, "x")


def table(ledger: pd.DataFrame) -> Markup:
    """The verdict table, as in the README."""
    rows = ledger[["claim", "name", "dataset", "convention", "verdict", "estimate", "control", "seeds", "study"]]
    return Markup(scrolling(verdict_markdown(ledger)), rows.to_html(index=False, border=0))
