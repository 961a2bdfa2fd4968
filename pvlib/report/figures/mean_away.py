"""What becomes of agreement where the mean of the features is taken away: by the objective, or by design (chapter 1)."""

from __future__ import annotations

import pandas as pd

from ...vector_names import VectorName
from ..tables import Study
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import CONVENTIONS, View

GROUPS = {
    "neither": ("both networks have a mean", style.BLUE, "o"),
    "one": ("one of the two has none", style.VERMILLION, "^"),
    "both": ("neither of the two has one", style.GREEN, "s"),
}
STATES = ("untrained", "trained")


def pair_means(view: View) -> pd.DataFrame:
    """Pairs of different primary architectures: group, convention, state, pair, mean |cos|.

    group : whether `neither`, `one` or `both` are variational autoencoders, trained so that their features have mean zero.
    """
    pairs = view.study.pairs
    pairs = pairs[(pairs["state_a"] == pairs["state_b"]) & pairs["state_a"].isin(STATES)]
    rows = view.of_two_architectures(pairs, layer="penultimate", split="train", convention=["uncentred", "centred"])
    without_mean = rows["label_a"].isin(view.variational).astype(int) + rows["label_b"].isin(view.variational)
    rows = rows.assign(group=without_mean.map(dict(enumerate(GROUPS))), state=rows["state_a"])
    means = rows.groupby(["group", "convention", "state", "pair"], as_index=False)["cos"].mean()
    return means.rename(columns={"cos": "mean"})


@style.styled
def agreement(view: View) -> BookFigure | Missing:
    """Mean |cos| of every pair of architectures before and after training, by whether one of the two lacks a mean."""
    table = pair_means(view)
    if set(table["group"]) <= {"neither"}:
        return Missing("no network without a mean is published")
    fig, (axes,) = style.figure(2, height=3.4, sharey=True)
    for ax, convention in zip(axes, ("uncentred", "centred"), strict=True):
        for group, (words, colour, marker) in GROUPS.items():
            part = table[(table["convention"] == convention) & (table["group"] == group)]
            for number, (_, lines) in enumerate(part.groupby("pair")):
                values = lines.set_index("state")["mean"].reindex(STATES)
                ax.plot([0, 1], values, color=colour, marker=marker, alpha=0.75, lw=1, label="" if number else words)
        ax.set(title=CONVENTIONS[convention], ylim=(-0.03, 1.03), xlim=(-0.25, 1.25), xticks=[0, 1])
        ax.set_xticklabels(STATES)
        forms.grid(ax, "y")
    axes[0].set_ylabel("mean |cos| of a pair of architectures")
    forms.legend_below(fig, axes[0])
    return BookFigure(
        fig,
        table,
        f"{view.title}. Each line is a pair of architectures, before and after training. Left, uncentred: where training takes "
        "the mean of one network's features away, agreement falls from near 1; where both keep it, it stays. Right, centred: the "
        "mean is subtracted from all, and pairs with such a network are no exception.",
        f"Slope chart for {view.title}. Uncentred, pairs in which one network has no mean fall from near one before "
        "training to far lower after it, while other pairs stay near one. Centred, the kinds of pairs are mixed.",
    )


def twin_pairs(view: View, *, seeds: int = 5) -> pd.DataFrame:
    """Trained networks that have a mean, with other architectures that have one; and the same with their twin, which has none.

    Returns
    -------
    DataFrame
        A row for each pair of networks: convention, plain (architecture), pair (labels), kind ("as it is" or "mean subtracted"),
        cos. Only where network and twin have at least that many seeds.
    """
    counts = view.runs.groupby("architecture").size()
    rows = view.of_pairs(
        view.study.pairs, roles=("primary", "control"), layer="penultimate", split="train", state_a="trained", state_b="trained",
        convention=["uncentred", "centred"],
    )  # fmt: skip
    cells, without_mean = view.cells["architecture"], view.judging.claims.variational
    rows = rows.assign(a=rows["cell_a"].map(cells), b=rows["cell_b"].map(cells))
    found = []
    for plain, label in view.architectures.items():
        twin = f"{plain}_centred"
        if plain in without_mean or min(counts.get(plain, 0), counts.get(twin, 0)) < seeds:
            continue
        for other, words in view.architectures.items():
            if other != plain and other not in without_mean:
                for one, kind in ((plain, "as it is"), (twin, "mean subtracted")):
                    part = rows[
                        ((rows["a"] == one) & (rows["b"] == other)) | ((rows["a"] == other) & (rows["b"] == one))
                    ]
                    found.append(part[["convention", "cos"]].assign(plain=plain, pair=f"{label} × {words}", kind=kind))
    return (
        pd.concat(found, ignore_index=True)
        if found
        else pd.DataFrame(columns=["convention", "cos", "plain", "pair", "kind"])
    )


@style.styled
def twins(view: View | None) -> BookFigure | Missing:
    """`twin_pairs`: mean |cos| and range over pairs of seeds."""
    rows = pd.DataFrame() if view is None else twin_pairs(view)
    if view is None or rows.empty:
        return Missing("no network was trained with and without its mean yet")
    table = forms.over_seeds(rows, ["convention", "pair", "kind"], "cos")
    looks = {"as it is": (style.BLUE, "o"), "mean subtracted": (style.VERMILLION, "^")}
    fig = forms.rows(table, row="pair", hue="kind", looks=looks, xlabel="|cos|", line_height=0.4)
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most", "seeds": "pairs"}),
        f"{view.title}. The first network of each pair as it is (blue), and with one layer more, which subtracts the mean of every feature (red), both trained; "
        "the second is the same. Dot, mean; bar, range over pairs of seeds.",
        f"Dot-and-range plots for {view.title}: absolute cosine of pairs of architectures, with the first network as it is and with its mean subtracted, "
        "uncentred and centred.",
    )


@style.styled
def forced(view: View) -> BookFigure | Missing:
    """Uncentred |cos| of two architectures against the least that their cosines with the constant vector allow."""
    pairs = view.study.pairs
    pairs = pairs[(pairs["state_a"] == pairs["state_b"]) & pairs["state_a"].isin(STATES)]
    rows = view.of_two_architectures(pairs, layer="penultimate", split="train", convention="uncentred")
    if rows.empty:
        return Missing("no pairs of different architectures")
    c, other = rows["c_a"].clip(upper=1), rows["c_b"].clip(upper=1)
    least = c * other - ((1 - c**2) * (1 - other**2)) ** 0.5
    rows = rows.assign(least=least, state=rows["state_a"])
    table = rows.groupby(["state", "relation", "pair"], as_index=False, sort=False)[["least", "cos"]].mean()
    looks = {words: (colour, marker) for words, colour, marker in style.RELATIONS.values()}
    fig, _ = forms.scatter(
        table, x="least", y="cos", hue="relation", looks=looks, panel="state", panels=STATES, diagonal=True,
        xlabel="least |cos| that the mean forces", ylabel="mean |cos|, uncentred",
    )  # fmt: skip
    return BookFigure(
        fig,
        table,
        "Each mark is a pair of architectures. It cannot lie below the dashed line: its horizontal position is the least agreement that the mean forces, "
        "whatever the networks learned.",
        f"Scatter plots for {view.title}, untrained and trained: mean uncentred absolute cosine of pairs of architectures against the least "
        "that is possible for vectors so close to the constant one.",
    )


def positivity(study: Study) -> pd.DataFrame:
    """A row for each published uncentred P-vector of the primary layer, training anchor: architecture, state, positive, cos_constant.

    positive : whether no entry has the sign opposite to that of the sum.
    """
    runs = study.runs[study.runs["status"] == "done"]
    rows = []
    for run, architecture in zip(runs["run"], runs["architecture"], strict=True):
        stored = study.vectors(run)
        for state in ("trained", "untrained"):
            if (vectors := stored.get(str(VectorName.primary(state, "uncentred")))) is not None:
                total = vectors[0].sum()
                rows.append({
                    "run": run, "architecture": architecture, "state": state,
                    "positive": bool((vectors[0] * total >= 0).all()),
                    "cos_constant": abs(float(total)) / len(vectors[0]) ** 0.5,
                })  # fmt: skip
    return pd.DataFrame(rows)
