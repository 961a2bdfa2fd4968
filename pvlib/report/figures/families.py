"""Agreement by what networks were trained to do: with labels, without, and with random ones (chapter 4)."""

from __future__ import annotations

import pandas as pd

from . import forms, style
from .agreement import BY_RELATION, FEW, pairs_by_state
from .book_figure import BookFigure, Missing
from .view import View

# What a P-vector may go with, as the tables name it -> as the figure does. The measure (r or eta squared) is in the tables.
VARIABLES = {
    "brightness": "brightness (|r|)",
    "contrast": "contrast (|r|)",
    "feature norm": "length of the features (|r|)",
    "classes": "classes (η²)",
    "strokes": "kind of stroke (η²)",
    "animals or vehicles": "animals, vehicles (η²)",
    "superclasses": "superclasses (η²)",
    "animals or things": "animals, things (η²)",
}


@style.styled
def by_relation(view: View) -> BookFigure | Missing:
    """Mean |cos| of pairs of architectures, a line for each relation of their families."""
    _, table = pairs_by_state(view)
    if table.empty:
        return FEW
    table = table.sort_values("relation", key=lambda names: names.map(list(BY_RELATION).index), kind="stable")
    table = table.drop(columns=["lo", "hi"])
    fig = forms.rows(
        table, row="relation", hue="state", looks=style.STATES, ends=None, xlabel="mean |cos| of a pair of architectures", xlim=None,
        line_height=0.4,
    )  # fmt: skip
    return BookFigure(
        fig,
        table,
        "Each mark is a pair of architectures. If labels did not matter, the lower lines (different families) would lie where the upper "
        "ones lie.",
        f"Dot plots for {view.title}, uncentred and centred: mean absolute cosine of pairs of architectures, one line for each "
        "combination of classifiers, autoencoders and contrastive networks; trained and untrained differ in colour.",
    )


@style.styled
def goes_with(view: View, *, convention: str = "centred") -> BookFigure | Missing:
    """What the P-vector of each architecture goes with: brightness, contrast, classes and groups of classes."""
    rows = view.of_runs(
        view.study.correlates, layer="penultimate", split="train", convention=convention, role="primary",
        state=list(style.STATES),
    )  # fmt: skip
    norms = view.of_runs(view.study.finals, layer="penultimate", split="train", convention=convention, role="primary",
                         state=list(style.STATES))  # fmt: skip
    if "r_norm" in norms:
        norms = norms.dropna(subset="r_norm").assign(variable="feature norm", value=norms["r_norm"])
        rows = pd.concat([rows, norms[[*rows.columns.intersection(norms.columns)]]], ignore_index=True)
    if rows.empty:
        return Missing("what its P-vectors go with was not measured")
    table = forms.over_seeds(rows.sort_values("rank"), ["state", "label", "variable"], "value")
    shown = [name for name in VARIABLES if name in set(table["variable"])]
    labels = list(dict.fromkeys(table["label"]))
    maps = {}
    for column, state in enumerate(style.STATES):
        part = table[table["state"] == state].pivot(index="label", columns="variable", values="mean")
        maps[0, column] = (state, part.reindex(index=labels, columns=shown).rename(columns=VARIABLES))
    return BookFigure(
        forms.heat(maps, label="share, or |correlation|", cell_height=0.3),
        table.rename(columns={"lo": "least", "hi": "most"}),
        f"What the {convention} P-vector of each architecture goes with, mean over seeds: the correlation of its entries with a number of "
        "each image, or the share of their variance that lies between groups of images.",
        f"Two heat maps for {view.title}, trained and untrained: how strongly the P-vector of each architecture goes with "
        "brightness, contrast, classes and coarser groups of images.",
    )


@style.styled
def random_labels(view: View) -> BookFigure | Missing:
    """Networks that learnt random labels, against each other and against those that learnt the true ones."""
    cells = view.cells
    random = cells[cells["labels"] == "random"]
    if random.empty:
        return Missing("no network was trained on random labels")
    rows = view.of_pairs(
        view.study.pairs, roles=("primary", "control"), layer="penultimate", split="train", state_a="trained",
        state_b="trained", convention=list(forms.BOTH),
    )  # fmt: skip
    kept = cells[cells["architecture"].isin(random["architecture"]) & (cells["pixels"] == "standardised")]
    rows = rows[rows["cell_a"].isin(kept.index) & rows["cell_b"].isin(kept.index)]
    one, two = rows["cell_a"], rows["cell_b"]
    alike = one.map(cells["architecture"]) == two.map(cells["architecture"])
    rows = rows[alike & (one.isin(random.index) | two.isin(random.index) | (one == two))]
    if rows.empty:
        return Missing("no two runs to compare random labels with")
    rows = rows.sort_values(["rank_a", "rank_b"], kind="stable")
    other = rows["label_b"].where(rows["cell_a"] != rows["cell_b"], "another seed")
    table = forms.over_seeds(rows.assign(pair=rows["label_a"] + "  ×  " + other), ["convention", "pair"], "cos")
    table["kind"] = "mean, and range over pairs of seeds"
    fig = forms.rows(table, row="pair", hue="kind", looks={table["kind"].iloc[0]: (style.BLUE, "o")}, xlabel="|cos|")
    return BookFigure(
        fig,
        table.drop(columns="kind").rename(columns={"lo": "least", "hi": "most", "seeds": "pairs"}),
        "Labels drawn at random, one draw for all seeds or a draw for each. Three seeds: exploratory.",
        f"Dot-and-range plots for {view.title}, uncentred and centred: absolute cosine between networks trained on random labels, "
        "and between them and networks trained on the true labels.",
    )
