"""Agreement of spans of several directions, for networks whose first ones tie (chapter 3)."""

from __future__ import annotations

import numpy as np

from . import style
from .heatmaps import triangle
from .plate import Missing, Plate
from .view import View


@style.styled
def overlaps(view: View) -> Plate | Missing:
    """Mean overlap tr(P1 P2)/k of the centred spans of every two primary cells, k = 2 and 9."""
    rows = view.of_pairs(view.study.spans, split="train", convention="centred", state="trained")
    by = ["k", "cell_a", "cell_b", "label_a", "label_b"]
    table = (
        rows.groupby(by, sort=False)[["overlap", "overlap_null", "angle_to_span", "angle_to_span_null"]]
        .mean()
        .join(rows.groupby(by, sort=False).size().rename("pairs"))
        .reset_index()
    )
    if table.empty:
        return Missing("no spans are published")
    cells = [cell for cell in view.cells.index if cell in set(table["cell_a"]) | set(table["cell_b"])]
    names = [view.label(cell) for cell in cells]
    sizes = sorted(table["k"].unique())
    fig, (axes,) = style.figure(len(sizes), height=1.2 + 0.36 * len(cells), sharey=True)
    for ax, k in zip(axes, sizes, strict=True):
        image = style.heat(ax, triangle(table[table["k"] == k], cells, "overlap"), rows=names, columns=names)
        ax.set_title(f"span of {k} directions, centred")
    bar = fig.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("overlap, tr(P₁P₂)/k")
    bar.outline.set_visible(False)
    return Plate(
        fig,
        table.drop(columns=["cell_a", "cell_b"]),
        _caption(table),
        f"Heat maps for {view.title}: mean overlap of "
        "centred spans of two and of nine directions between every two architectures.",
    )


def _caption(table) -> str:
    said = ["Mean overlap of spans over pairs of seeds; 1 means the same span."]
    between = table[table["cell_a"] != table["cell_b"]]
    for k, part in between.groupby("k"):
        low = part.loc[part["overlap"].idxmin()]
        said.append(
            f"k = {k}: between different architectures {part['overlap'].min():.2f} ({low['label_a']} with "
            f"{low['label_b']}) to {part['overlap'].max():.2f}; random spans overlap by "
            f"{np.mean(part['overlap_null']):.3f}."
        )
    return " ".join(said)
