"""How much of the agreement is the mean direction, and what other controls leave of it (chapter 8)."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from . import forms, style
from .agreement import BY_RELATION
from .book_figure import BookFigure, Missing
from .view import CONVENTIONS, LAYERS, View

KINDS = {
    ("trained", "trained"): "trained, trained",
    ("untrained", "untrained"): "untrained, untrained",
    ("trained", "untrained"): "trained, untrained",
}
UNCALIBRATED = "untrained, BatchNorm uncalibrated"


@style.styled
def mean_direction(view: View) -> BookFigure | Missing:
    """Uncentred |cos| of every pair of architectures, split into the mean direction's part and the rest."""
    pairs = view.study.pairs
    pairs = pairs[(pairs["state_a"] == pairs["state_b"]) & pairs["state_a"].isin(list(style.STATES))]
    rows = view.of_two_architectures(pairs, layer="penultimate", split="train", convention="uncentred")
    if rows.empty:
        return Missing("no pairs of different architectures")
    rows = rows.assign(
        state=rows["state_a"], mean_direction=rows["c_a"] * rows["c_b"],
        variational=rows["label_a"].isin(view.variational) | rows["label_b"].isin(view.variational),
    )  # fmt: skip
    # The mean fixes the sign of a P-vector; without one the sign of r is arbitrary.
    rows["r"] = rows["r"].mask(rows["variational"] & (rows["state"] == "trained"))
    table = rows.groupby(["state", "relation", "pair", "variational"], as_index=False, sort=False)[
        ["cos", "mean_direction", "r"]
    ].mean()
    fig, (axes,) = style.figure(2, height=3.6)
    for ax, (x, words) in zip(
        axes,
        (("mean_direction", "what the mean direction alone gives"), ("r", "correlation of the entries, r")),
        strict=True,
    ):
        for (state, (colour, marker)), hollow in itertools.product(style.STATES.items(), (False, True)):
            # Before training, variational autoencoders are networks like others.
            part = table[(table["state"] == state) & ((table["variational"] & (state == "trained")) == hollow)]
            if len(part):
                ax.plot(part[x], part["cos"], marker, color=colour, alpha=0.85, markersize=5,
                        markerfacecolor="none" if hollow else colour,
                        label=f"{state}, with a variational autoencoder" if hollow else state)  # fmt: skip
        ax.set(xlabel=words)
        forms.grid(ax, "both")
    axes[0].axline((1, 1), slope=1, color=style.FAINT, linewidth=1, linestyle=(0, (4, 3)))
    axes[0].set_ylabel("mean |cos| of a pair, uncentred")
    forms.legend_below(fig, axes[0])
    return BookFigure(
        fig,
        table,
        "Each mark is a pair of architectures. Left: on the dashed line the mean direction gives all of the cosine. Right: the "
        "correlation of the entries of the two uncentred P-vectors, which is what they share beyond it"
        + ("; without pairs that lost a mean, whose sign is arbitrary." if table["variational"].any() else "."),
        f"Scatter plots for {view.title}: mean uncentred absolute cosine of pairs of architectures against the product of their cosines "
        "with the constant vector, and against the correlation of their entries, trained and untrained.",
    )


@style.styled
def constant(view: View) -> BookFigure | Missing:
    """|cos| of uncentred P-vectors with the constant vector: networks and data."""
    rows = view.of_runs(
        view.study.finals,
        layer="penultimate",
        split="train",
        convention="uncentred",
        state=list(style.STATES),
        role="primary",
    )
    if rows.empty:
        return Missing("no uncentred P-vectors")
    table = forms.over_seeds(rows.sort_values("rank", kind="stable"), ["state", "label"], "cos_constant")
    data = view.study.data
    data = data[(data["dataset"] == view.dataset) & (data["convention"] == "uncentred") & (data["split"] == "train")]
    names = {"pixels": "data, pixels in [0, 1]", "pixels_standardised": "data, standardised pixels"}
    data = data.assign(state="data", label=data["layer"].map(names), mean=data["cos_constant"])
    table = pd.concat([table, data[["state", "label", "mean"]]], ignore_index=True).assign(
        panel="penultimate layer, uncentred"
    )
    low = np.floor(10 * table["mean"].min() - 0.1) / 10
    fig = forms.rows(
        table, row="label", hue="state", looks={**style.STATES, "data": (style.GREEN, "s")}, panel="panel",
        panels=["penultimate layer, uncentred"], xlabel="|cos| with the constant vector", xlim=(max(low, -0.02), 1.003),
    )  # fmt: skip
    return BookFigure(
        fig,
        table.drop(columns="panel").rename(columns={"lo": "least", "hi": "most"}),
        "How close the uncentred P-vector is to the constant vector, which knows nothing of any image. Two vectors that are both close "
        "to it are close to each other. Dot, mean over seeds; bar, range.",
        f"Dot-and-range plot for {view.title}: absolute cosine of uncentred P-vectors with the constant vector, one line an architecture, "
        "trained and untrained networks and the raw data in different colours.",
    )


_PERMUTED = {
    "observed": (style.INK, "o"),
    "permuted within classes": (style.GREEN, "D"),
    "class means rotated at random": (style.ORANGE, "s"),
    "permuted freely": (style.VERMILLION, "^"),
    "left within classes": (style.PURPLE, "x"),
}
_COLUMNS = ("cos", "within_class", "span_rotation", "free_permutation", "residual_cos")


@style.styled
def permutations(view: View) -> BookFigure | Missing:
    """Observed |cos| against what is left when classes, or the class means' span, or the mean alone are kept."""
    controls = view.of_two_architectures(view.study.controls, split="train")
    pairs = view.study.pairs
    pairs = pairs[(pairs["state_a"] == "trained") & (pairs["state_b"] == "trained")]
    observed = view.of_two_architectures(pairs, split="train", layer="penultimate")
    if controls.empty or observed.empty:
        return Missing("no permutations are published")
    by = ["convention", "relation", "pair"]
    wide = controls.groupby(by)[list(_COLUMNS[1:])].mean().join(observed.groupby(by)["cos"].mean()).reset_index()
    order = {words: number for number, words in enumerate(BY_RELATION)}
    wide = wide.sort_values("relation", key=lambda names: names.map(order), kind="stable")
    table = wide.melt(by, list(_COLUMNS), "kind", "mean")
    table["kind"] = table["kind"].map(dict(zip(_COLUMNS, _PERMUTED, strict=True)))
    table = forms.over_seeds(table.rename(columns={"mean": "cos"}), ["convention", "relation", "kind"], "cos")
    fig = forms.rows(table, row="relation", hue="kind", looks=_PERMUTED, xlabel="|cos|", line_height=0.6)
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most", "seeds": "pairs"}),
        "The observed agreement of pairs of architectures, and how much of it is left when only class membership (green), only the mean (red) is kept; "
        "when the class means are rotated at random, and all else is kept (orange); and the agreement of what is left within classes (crosses). Mark, mean over pairs of "
        "architectures; bar, range.",
        f"Dot-and-range plots for {view.title}, uncentred and centred: observed absolute cosine by relation of families, and the same "
        "after permutation within classes, rotation of the class means, free permutation, and of what is left within classes.",
    )


@style.styled
def layers(view: View) -> BookFigure | Missing:
    """Median |cos| between different architectures, by layer, convention and training."""
    pairs = view.of_two_architectures(view.study.pairs, split="train")
    parts = [_uncalibrated(pairs)]
    for (state_a, state_b), kind in KINDS.items():
        rows = pairs[pairs["state_a"].isin([state_a, state_b]) & pairs["state_b"].isin([state_a, state_b])]
        parts.append(rows[(rows["state_a"] == rows["state_b"]) == (state_a == state_b)].assign(kind=kind))
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        return Missing("no pairs of different architectures")
    table = rows.groupby(["convention", "layer", "kind"])["cos"].agg(["median", "min", "size"]).reset_index()
    present = [layer for layer in LAYERS if layer in set(table["layer"])]
    maps = {}
    for column, convention in enumerate(forms.BOTH):
        part = table[table["convention"] == convention].pivot(index="layer", columns="kind", values="median")
        kinds = [kind for kind in (*KINDS.values(), UNCALIBRATED) if kind in part]
        maps[0, column] = (CONVENTIONS[convention], part.reindex(index=present, columns=kinds).rename(index=LAYERS))
    return BookFigure(
        forms.heat(maps, label="median |cos|", width_ratios=[one.shape[1] for _, one in maps.values()]),
        table.rename(columns={"min": "least", "size": "pairs"}),
        "Median |cos| over all pairs of different architectures that both have the layer. Two controls: two untrained networks, or a trained and an untrained one. Blank: not measured.",
        f"Heat maps for {view.title}: median absolute cosine between different architectures, one map a convention, rows are layers, columns "
        "are pairs of trained, of untrained and of mixed networks.",
    )


def _uncalibrated(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of untrained networks as they were made; empty where none has BatchNorm, for calibration is then nothing."""
    raw = set(pairs.loc[pairs["state_a"] == "untrained_raw", "run_a"])
    raw |= set(pairs.loc[pairs["state_b"] == "untrained_raw", "run_b"])
    fits = np.ones(len(pairs), dtype=bool)
    for end in "ab":
        state, has_raw = pairs[f"state_{end}"], pairs[f"run_{end}"].isin(raw)
        fits &= np.where(has_raw, state == "untrained_raw", state == "untrained")
    places = pairs.loc[fits & ((pairs["state_a"] == "untrained_raw") | (pairs["state_b"] == "untrained_raw")), "layer"]
    return pairs[fits & pairs["layer"].isin(places)].assign(kind=UNCALIBRATED)
