"""Agreement by kind of learning: with labels, without, and with random ones (chapter 4)."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from . import style
from .heatmaps import between, pair_means
from .plate import Missing, Plate
from .view import CONVENTIONS, View

LEARNING = {"classification": "classifier", "reconstruction": "autoencoder", "contrastive": "contrastive"}
SHOWN = ("uncentred", "centred")


@style.styled
def kinds(view: View) -> Plate | Missing:
    """Mean |cos| of pairs of cells, grouped by what their networks were trained to do."""
    parts = []
    for state, convention in itertools.product(("trained", "untrained"), SHOWN):
        rows = view.of_pairs(
            view.study.pairs, layer="penultimate", split="train", convention=convention, state_a=state, state_b=state
        )
        parts.append(between(pair_means(rows)).assign(state=state, convention=convention))
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return Missing("fewer than two primary architectures")
    table.insert(0, "kind", [kind_of(a, b) for a, b in zip(table["objective_a"], table["objective_b"], strict=True)])
    names = [name for name in _kinds() if name in set(table["kind"])]
    fig, (axes,) = style.figure(2, height=1.1 + 0.36 * len(names), sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        for state, colour, shift in (("trained", style.BLUE, -0.12), ("untrained", style.ORANGE, 0.12)):
            part = table[(table["state"] == state) & (table["convention"] == convention)]
            y = np.array([names.index(kind) for kind in part["kind"]]) + shift
            ax.scatter(part["mean"], y, color=colour, s=20, alpha=0.8, linewidths=0, label=state)
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel="mean |cos| of a pair of architectures",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    style.legend_below(fig, axes[0])
    return Plate(
        fig,
        table,
        _kinds_caption(table, names),
        f"Dot plots for {view.title}, uncentred and centred: mean absolute "
        "cosine of pairs of architectures, one line for each combination of classifiers, autoencoders and "
        "contrastive networks; trained and untrained differ in colour.",
    )


def kind_of(a: str, b: str) -> str:
    """The name of a pair of objectives, whichever comes first."""
    order = list(LEARNING)
    first, second = sorted((a, b), key=order.index)
    return f"{LEARNING[first]} – {LEARNING[second]}"


def _kinds() -> list[str]:
    return [kind_of(a, b) for a, b in itertools.combinations_with_replacement(LEARNING, 2)]


def _kinds_caption(table: pd.DataFrame, names: list[str]) -> str:
    said = ["Each dot is a pair of architectures, averaged over pairs of seeds."]
    for convention in SHOWN:
        trained = table[(table["state"] == "trained") & (table["convention"] == convention)]
        means = trained.groupby("kind")["mean"].mean()
        if means.empty:
            continue
        said.append(
            f"{CONVENTIONS[convention].capitalize()}, "
            + ", ".join(f"{name}: {means[name]:.2f}" for name in names if name in means)
            + " on average."
        )
    return " ".join(said)


@style.styled
def between_classes(view: View) -> Plate | Missing:
    """The share of the variance of a P-vector's entries that lies between classes."""
    finals = view.of_runs(
        view.study.finals,
        layer="penultimate",
        split="train",
        state=["trained", "untrained"],
        convention=list(SHOWN),
        role=["primary", "control"],
    )
    if finals.empty:
        return Missing("no final P-vectors")
    table = (
        finals.groupby(["convention", "rank", "label", "state"])["eta2"]
        .agg(["mean", "min", "max", "size"])
        .reset_index()
        .sort_values(["convention", "rank"])
        .drop(columns="rank")
    )
    names = [label for label in view.cells["label"] if label in set(table["label"])]
    fig, (axes,) = style.figure(2, height=1.1 + 0.23 * len(names), sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        for state, colour in (("trained", style.BLUE), ("untrained", style.ORANGE)):
            part = table[(table["state"] == state) & (table["convention"] == convention)]
            y = [names.index(label) for label in part["label"]]
            style.ranges(
                ax,
                part,
                y,
                color=colour,
                label=state,
            )
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel="share between classes, $\\eta^2$",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    style.legend_below(fig, axes[0])
    trained = table[(table["state"] == "trained") & (table["convention"] == "centred")]
    most, least = trained.loc[trained["mean"].idxmax()], trained.loc[trained["mean"].idxmin()]
    caption = (
        "How much of the P-vector (its mean taken away) is the same for all samples of a class: dot, mean over seeds; bar, "
        f"range. Centred and trained, most for {most['label']} ({most['mean']:.2f}), least for {least['label']} "
        f"({least['mean']:.2f})."
    )
    return Plate(
        fig,
        table,
        caption,
        f"Dot plots for {view.title}, uncentred and centred: share of the P-vector's variance "
        "between classes, one line a cell, trained and untrained.",
    )


@style.styled
def random_labels(view: View) -> Plate | Missing:
    """Networks that learnt random labels, against each other and against those that learnt the true ones."""
    cells = view.cells
    random = cells[cells["labels"] == "random"]
    if random.empty:
        return Missing("no network was trained on random labels")
    rows = view.of_pairs(
        view.study.pairs,
        roles=("primary", "control"),
        layer="penultimate",
        split="train",
        state_a="trained",
        state_b="trained",
        convention=list(SHOWN),
    )
    peers = set(random["architecture"])
    kept = {
        c for c in cells.index if cells.loc[c, "architecture"] in peers and cells.loc[c, "pixels"] == "standardised"
    }
    rows = rows[rows["cell_a"].isin(kept) & rows["cell_b"].isin(kept)]
    rows = rows[
        [
            cells.loc[a, "architecture"] == cells.loc[b, "architecture"]
            and (a in random.index or b in random.index or a == b)
            for a, b in zip(rows["cell_a"], rows["cell_b"], strict=True)
        ]
    ]
    if rows.empty:
        return Missing("no two runs to compare random labels with")
    rows = rows.sort_values(["rank_a", "rank_b", "seed_a", "seed_b"])
    names_of = [
        f"{a}  ×  {'another seed' if a == b else b}" for a, b in zip(rows["label_a"], rows["label_b"], strict=True)
    ]
    table = rows.assign(pair=names_of)[["convention", "pair", "seed_a", "seed_b", "cos"]]
    names = list(dict.fromkeys(table["pair"]))
    fig, (axes,) = style.figure(2, height=0.9 + 0.25 * len(names), sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        part = table[table["convention"] == convention]
        y = [names.index(name) for name in part["pair"]]
        ax.scatter(part["cos"], y, color=style.BLUE, s=14, alpha=0.8, linewidths=0)
        means = part.groupby("pair")["cos"].mean()
        ax.plot(
            means.to_numpy(),
            [names.index(n) for n in means.index],
            "|",
            color=style.VERMILLION,
            markersize=11,
            markeredgewidth=2,
        )
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel="|cos|",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    fitted = view.runs[view.runs["labels"] == "random"]["train_accuracy"]
    caption = (
        "Dots: pairs of seeds; red bar: their mean. Labels drawn at random, one draw for all seeds or each seed its own. "
        f"These networks reached a training accuracy of {fitted.min():.1%} to {fitted.max():.1%} on their random labels; "
        "one that memorised nothing is no control. Exploratory: fewer seeds than a verdict asks for."
    )
    return Plate(
        fig,
        table,
        caption,
        f"Dot plots for {view.title}, uncentred and centred: absolute cosine between networks "
        "trained on random labels, and between them and networks trained on the true labels.",
    )
