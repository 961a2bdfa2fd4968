"""Where a new P-vector stands among the published ones (chapter 9)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..place import cosines
from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

COLOURS = {"trained": style.BLUE, "untrained": style.ORANGE, "data": style.GREEN}


def neighbours(view: View, vector: np.ndarray, *, convention: str, leave_out: str | None = None) -> pd.DataFrame:
    """|cos| of a P-vector on the anchor with that of every published network of a view, and of the data; with a rank."""
    found = cosines(view.study, view.runs, view.dataset, vector, convention=convention, leave_out=leave_out)
    ranks = view.runs.drop_duplicates("label").set_index("label")["rank"]
    return found.assign(rank=found["label"].map(ranks).fillna(len(view.runs)))


@style.styled
def place(view: View, vectors: Mapping[str, np.ndarray], *, name: str, leave_out: str | None = None) -> Plate | Missing:
    """|cos| of a network's P-vectors (convention -> vector) with every published network."""
    tables = [neighbours(view, vector, convention=c, leave_out=leave_out) for c, vector in vectors.items()]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        return Missing("there are no published P-vectors to compare with")
    fig = draw(table.sort_values("rank", kind="stable"), name)
    said = []
    for convention in vectors:
        means = table[
            (table["convention"] == convention) & (table["state"] == "trained") & (table["role"] == "primary")
        ]
        means = means.groupby("label")["cos"].mean()
        if not means.empty:
            said.append(
                f"{CONVENTIONS[convention].capitalize()}, it is nearest to {means.idxmax()} ({means.max():.2f}) and "
                f"farthest from {means.idxmin()} ({means.min():.2f})."
            )
    return Plate(
        fig,
        table.drop(columns="rank"),
        f"Where {name} stands: each dot is a published network. " + " ".join(said),
        f"Dot plots for {view.title}: absolute cosine between the P-vector of {name} and those of the published "
        "networks, trained and untrained, and of the data, by architecture.",
    )


@style.styled
def draw(table: pd.DataFrame, name: str):
    """Dots of |cos|, a panel for each convention and a line for each label, in the order of the table."""
    names, conventions = list(dict.fromkeys(table["label"])), list(dict.fromkeys(table["convention"]))
    fig, (axes,) = style.figure(len(conventions), height=1.1 + 0.25 * len(names), sharey=True)
    for ax, convention in zip(axes, conventions, strict=True):
        for state, shift in (("trained", -0.13), ("untrained", 0.13), ("data", 0)):
            part = table[(table["convention"] == convention) & (table["state"] == state)]
            y = np.array([names.index(label) for label in part["label"]]) + shift
            ax.scatter(part["cos"], y, s=16, color=COLOURS[state], alpha=0.7, linewidths=0, label=state)
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel=f"|cos| with {name}",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    style.legend_below(fig, axes[0])
    return fig
