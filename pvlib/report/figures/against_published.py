"""Where a new P-vector stands among the published ones (chapter 9)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..place import cosines
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import View

LOOKS = {**style.STATES, "data": (style.GREEN, "s")}


def neighbours(view: View, vector: np.ndarray, *, convention: str, leave_out: str | None = None) -> pd.DataFrame:
    """|cos| of a P-vector on the anchor with that of every published network of a view, and of the data; with a rank."""
    found = cosines(view.study, view.runs, view.dataset, vector, convention=convention, leave_out=leave_out)
    ranks = view.runs.drop_duplicates("label").set_index("label")["rank"]
    return found.assign(rank=found["label"].map(ranks).fillna(len(view.runs)))


@style.styled
def cosines_with(
    view: View, vectors: Mapping[str, np.ndarray], *, name: str, leave_out: str | None = None
) -> BookFigure | Missing:
    """|cos| of a network's P-vectors (convention -> vector) with every published network."""
    tables = [neighbours(view, vector, convention=c, leave_out=leave_out) for c, vector in vectors.items()]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        return Missing("there are no published P-vectors to compare with")
    return BookFigure(
        draw(table.sort_values("rank", kind="stable"), name),
        table.drop(columns="rank"),
        f"Where {name} stands: dot, mean |cos| with the seeds of a published network; bar, range.",
        f"Dot-and-range plots for {view.title}: absolute cosine between the P-vector of {name} and those of the published networks, trained "
        "and untrained, and of the data, by architecture.",
    )


@style.styled
def draw(table: pd.DataFrame, name: str):
    """Means and ranges of |cos|, a panel for each convention and a line for each label, in the order of the table."""
    found = forms.over_seeds(table, ["convention", "label", "state"], "cos")
    conventions = list(dict.fromkeys(found["convention"]))
    return forms.rows(found, row="label", hue="state", looks=LOOKS, panels=conventions, xlabel=f"|cos| with {name}")
