"""Which networks agree with which: heat maps of mean |cos| between cells (chapter 3)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, LAYERS, View

SHOWN = ("uncentred", "centred")
STATES = {"trained": "trained", "untrained": "untrained, the control"}


def pair_means(pairs: pd.DataFrame) -> pd.DataFrame:
    """Mean, smallest and 10th percentile of |cos| over the pairs of seeds of every pair of cells."""
    by = ["cell_a", "cell_b", "label_a", "label_b", "objective_a", "objective_b"]
    grouped = pairs.groupby(by, sort=False)["cos"]
    return grouped.agg(mean="mean", smallest="min", percentile_10=lambda v: v.quantile(0.1), pairs="size").reset_index()


def between(means: pd.DataFrame) -> pd.DataFrame:
    """Pairs of different cells only."""
    return means[means["cell_a"] != means["cell_b"]]


@style.styled
def pairs(view: View, *, layer: str = "penultimate", split: str = "train") -> Plate | Missing:
    """Mean |cos| of every two primary cells, uncentred and centred, trained and untrained."""
    parts = []
    for state in STATES:
        for convention in SHOWN:
            rows = view.of_pairs(
                view.study.pairs, layer=layer, split=split, convention=convention, state_a=state, state_b=state
            )
            parts.append(pair_means(rows).assign(state=state, convention=convention))
    table = pd.concat(parts, ignore_index=True)
    trained = between(table[table["state"] == "trained"])
    if trained.empty:
        return Missing("fewer than two primary architectures have this layer")
    cells = [cell for cell in view.cells.index if cell in set(table["cell_a"]) | set(table["cell_b"])]
    labels = [view.label(cell) for cell in cells]
    fig, axes = style.figure(2, 2, height=0.85 + 0.72 * len(cells), sharex=True, sharey=True)
    for row, state in enumerate(STATES):
        for column, convention in enumerate(SHOWN):
            chosen = table[(table["state"] == state) & (table["convention"] == convention)]
            image = style.heat(axes[row, column], triangle(chosen, cells), rows=labels, columns=labels)
            axes[row, column].set_title(f"{CONVENTIONS[convention]}, {STATES[state]}")
    bar = fig.colorbar(image, ax=axes, shrink=0.6, aspect=30)
    bar.set_label("mean |cos| between P-vectors")
    bar.outline.set_visible(False)
    return Plate(fig, table, _caption(trained, table, layer, split), _alt(view, layer))


def triangle(means: pd.DataFrame, cells: list[str], column: str = "mean") -> np.ndarray:
    """Lower triangle with the diagonal (two seeds of one cell); the rest stays empty."""
    place = {cell: number for number, cell in enumerate(cells)}
    matrix = np.full((len(cells), len(cells)), np.nan)
    for a, b, value in means[["cell_a", "cell_b", column]].itertuples(index=False):
        matrix[max(place[a], place[b]), min(place[a], place[b])] = value
    return matrix


def _caption(trained: pd.DataFrame, table: pd.DataFrame, layer: str, split: str) -> str:
    said = [
        f"Mean |cos| over pairs of seeds, at the layer '{LAYERS[layer]}', {split} anchor; the diagonal compares two seeds "
        "of one architecture."
    ]
    for convention in SHOWN:
        worst = trained[trained["convention"] == convention].nsmallest(1, "mean")
        control = between(table[(table["state"] == "untrained") & (table["convention"] == convention)])["mean"]
        if worst.empty:
            continue
        row = worst.iloc[0]
        text = (
            f"{CONVENTIONS[convention].capitalize()}, trained networks agree least for {row['label_a']} with "
            f"{row['label_b']} ({row['mean']:.2f})"
        )
        if not control.empty:
            text += f"; among untrained ones the smallest mean is {control.min():.2f}"
        said.append(text + ".")
    return " ".join(said)


def _alt(view: View, layer: str) -> str:
    return (
        f"Four heat maps for {view.title}: mean absolute cosine between the P-vectors of every two architectures at the "
        f"layer {LAYERS[layer]}; uncentred and centred features side by side, trained networks above, untrained below."
    )
