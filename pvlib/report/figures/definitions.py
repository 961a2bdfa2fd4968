"""The multiverse as specification curves: every definition's estimate, sorted, with its choices beneath (chapter 11)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..answers.multiverse import STATEMENTS
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import ORDER, title

# Statement -> the estimate that is sorted, the same of its control (or none), the axis, and the threshold.
CURVES = {
    "agree": ("smallest", "untrained", "smallest mean |cos| of a pair", 0.9),
    "more_than_untrained": ("difference", None, "mean |cos|, trained − untrained", 0.0),
    "falls": ("start", "end", "mean angle to another seed's final (degrees)", 60.0),
}
CHOICES = {"dataset": "data set", "layer": "layer", "convention": "definition", "split": "anchor", "family": "family"}


@style.styled
def curve(universes: pd.DataFrame, statement: str) -> BookFigure | Missing:
    """One statement in all universes that can say: estimates in order, the choices of each as dots beneath."""
    estimate, other, words, threshold = CURVES[statement]
    table = universes.dropna(subset=[estimate, statement]).sort_values(estimate, ignore_index=True)
    if table.empty:
        return Missing("no universe can say")
    levels = [(column, value) for column in CHOICES for value in _in_order(column, table[column])]
    fig, axes = style.figure(
        1, 2, height=2.6 + 0.17 * len(levels), sharex=True, height_ratios=[2.2, 0.17 * len(levels)]
    )
    top, bottom = axes[0][0], axes[1][0]
    holds = table[statement].astype(bool)
    kinds = ((holds, style.BLUE, "holds"), (~holds, style.FAINT, "does not hold, or is open"))
    for number, (mask, colour, label) in enumerate(kinds):
        top.scatter(table.index[mask], table.loc[mask, estimate], color=colour, s=6, label=label, zorder=4 - number)
    if other is not None:
        name = "untrained networks, mean" if other == "untrained" else "the same after training"
        top.scatter(table.index, table[other], color=style.ORANGE, s=8, marker="_", label=name)
    forms.threshold(top, threshold)
    top.set_ylabel(words.replace(" (", "\n(").replace(", ", ",\n"), fontsize=7.5)
    top.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=7)
    forms.grid(top, "y")
    for row, (column, value) in enumerate(levels):
        for mask, colour, _ in kinds:
            # One path for all ticks of a row: a mark for each would make the page several times as large.
            at = np.repeat(table.index[mask & (table[column] == value)].to_numpy(float), 3)
            ends = np.tile([row - 0.3, row + 0.3, np.nan], len(at) // 3)
            bottom.plot(at, ends, color=colour, linewidth=1.2, solid_capstyle="butt")
    forms.name_rows(
        bottom, [title(value) if column == "dataset" else str(value).replace("_", " ") for column, value in levels]
    )
    bottom.set_xlabel(f"universes, sorted by the estimate ({len(table)})")
    count = int(holds.sum())
    return BookFigure(
        fig,
        table,
        f"“{STATEMENTS[statement].capitalize()}”: every universe that can be judged, sorted. It holds in {count} of {len(table)} (blue). Beneath, a tick for each "
        "choice that makes the universe; a row that is all blue, or has no blue, is a choice that decides the answer.",
        f"Specification curve of {len(table)} universes for the statement: {STATEMENTS[statement]}. It holds in {count}. A matrix of ticks beneath "
        "shows data set, layer, definition, anchor and family of each universe.",
    )  # fmt: skip


def _in_order(column: str, values: pd.Series) -> list[str]:
    known = {
        "dataset": ORDER,
        "layer": ("earlier", "penultimate_pre", "penultimate", "output"),
        "convention": ("uncentred", "unit", "centred", "standardised", "unit_centred"),
        "split": ("train", "test"),
        "family": ("all", "classifier", "autoencoder"),
    }[column]
    present = set(values)
    return [value for value in known if value in present]
