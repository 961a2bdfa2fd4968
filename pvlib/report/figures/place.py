"""Where a new P-vector stands among the published ones (chapter 9)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

COLOURS = {"trained": style.BLUE, "untrained": style.ORANGE, "data": style.GREEN}


def neighbours(
    view: View,
    vector: np.ndarray,
    *,
    convention: str,
    layer: str = "penultimate",
    split: str = "train",
    leave_out: str | None = None,
) -> pd.DataFrame:
    """|cos| of a P-vector on the anchor with that of every published network, and of the data.

    Raises
    ------
    ValueError
        The vector has another number of entries than the published ones: other samples, or another order.
    """
    rows = []
    for run, row in view.runs.iterrows():
        published = view.study.vectors(run)
        for state in ("trained", "untrained"):
            found = published.get(f"{state}/{split}/{layer}/{convention}")
            if found is not None and (run, state) != (leave_out, "trained"):
                rows.append(
                    {
                        "label": row["label"],
                        "rank": row["rank"],
                        "role": row["role"],
                        "seed": row["seed"],
                        "state": state,
                        "convention": convention,
                        "cos": _cosine(vector, found),
                    }
                )
    base = view.study.vectors(f"data-{view.dataset}").get(f"pixels/{split}/{convention}")
    if base is not None:
        rows.append(
            {
                "label": "the data (pixels)",
                "rank": len(view.runs),
                "role": "data",
                "seed": 0,
                "state": "data",
                "convention": convention,
                "cos": _cosine(vector, base),
            }
        )
    return pd.DataFrame(rows)


def _cosine(vector: np.ndarray, published: np.ndarray) -> float:
    other = np.atleast_2d(published)[0]
    if len(other) != len(vector):
        raise ValueError(
            f"the P-vector has {len(vector)} entries, the published ones {len(other)}: measure it on the anchor"
        )
    return float(min(1.0, abs(vector @ other) / (np.linalg.norm(vector) * np.linalg.norm(other))))


@style.styled
def place(view: View, vectors: Mapping[str, np.ndarray], *, name: str, leave_out: str | None = None) -> Plate | Missing:
    """|cos| of a network's P-vectors (convention -> vector) with every published network."""
    tables = [neighbours(view, vector, convention=c, leave_out=leave_out) for c, vector in vectors.items()]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        return Missing("there are no published P-vectors to compare with")
    names = list(dict.fromkeys(table.sort_values("rank")["label"]))
    fig, (axes,) = style.figure(len(vectors), height=1.1 + 0.25 * len(names), sharey=True)
    for ax, convention in zip(axes, vectors, strict=True):
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
