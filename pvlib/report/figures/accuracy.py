"""How well the networks were trained: scores against floors and accepted figures, and losses (chapter 2)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..claims import Claims
from . import style
from .plate import Missing, Plate
from .view import View

SCORES = {
    "test_accuracy": "test accuracy",
    "test_explained_variance": "share of test pixel variance explained",
    "probe_accuracy": "accuracy of a linear probe",
    "train_accuracy": "training accuracy (random labels)",
}
# Test accuracy that published recipes of full length reach; often the best epoch, where ours is the last.
ACCEPTED = {
    ("mnist", "mlp"): 0.984,
    ("mnist", "lenet"): 0.992,
    ("cifar10", "resnet20"): 0.917,
    ("cifar10", "resnet56"): 0.934,
    ("cifar10", "vgg16_bn"): 0.926,
    ("cifar100", "vgg16_bn"): 0.729,
    ("cifar10", "resnet18"): 0.93,
    ("cifar100", "resnet18"): 0.756,
}


def accepted(dataset: str, cells: pd.DataFrame) -> pd.Series:
    """The accepted accuracy of each row of `cells`, NaN where there is none or the cell differs (labels, pixels, samples)."""
    plain = (cells["labels"] == "true") & (cells["pixels"] == "standardised") & (cells["objective"] == "classification")
    known = [ACCEPTED.get((dataset, a), np.nan) for a in cells["architecture"]]
    return pd.Series(known, index=cells.index).where(plain & (cells["role"] == "primary"))


@style.styled
def scores(view: View, *, claims: Claims) -> Plate | Missing:
    """The score of every run, its cell's floor, and what published recipes reach."""
    runs, cells = view.runs, view.cells
    if runs.empty:
        return Missing("no finished runs")
    reference = accepted(view.dataset, cells)
    table = pd.DataFrame(
        {
            "cell": runs["cell"],
            "label": runs["label"],
            "seed": runs["seed"],
            "score_name": runs["score_name"],
            "score": runs["score"],
            "floor": [claims.floor(view.study.name, cell) for cell in runs["cell"]],
            "accepted": runs["cell"].map(reference),
        }
    )
    kinds = [kind for kind in SCORES if kind in set(cells["score_name"])]
    heights = [(cells["score_name"] == kind).sum() for kind in kinds]
    fig, axes = style.figure(1, len(kinds), height=0.5 + 0.55 * len(kinds) + 0.24 * len(cells), height_ratios=heights)
    for ax, kind in zip(axes[:, 0], kinds, strict=True):
        names = list(cells.index[cells["score_name"] == kind])
        part = table[table["score_name"] == kind]
        y = part["cell"].map(names.index)
        ax.plot(
            part["floor"], y, "|", color=style.FAINT, markersize=12, markeredgewidth=2, label="floor, set beforehand"
        )
        ax.plot(part["accepted"], y, "D", color=style.ORANGE, markersize=5.5, label="accepted figure (full recipe)")
        ax.plot(part["score"], y, "o", color=style.BLUE, alpha=0.7, label="a run (last epoch)")
        style.name_rows(ax, [view.label(name) for name in names])
        ax.set_title(SCORES[kind])
        style.grid(ax, "x")
    style.legend_below(fig, axes[0, 0])
    return Plate(
        fig,
        table.reset_index(names="run"),
        _caption(table, reference, view),
        f"Dot plots for {view.title}: score "
        "of every run by cell, in panels by kind of score, with the floor of each cell and the accepted accuracy "
        "where there is one.",
    )


def _caption(table: pd.DataFrame, reference: pd.Series, view: View) -> str:
    means = table.groupby("cell")["score"].mean()
    missed = [
        view.label(cell)
        for cell, floor in table.groupby("cell")["floor"].first().items()
        if not np.isnan(floor) and table[table["cell"] == cell]["score"].min() < floor
    ]
    text = (
        "No run is below its floor."
        if not missed
        else f"Below its floor in at least one run: {'; '.join(missed)}; such runs enter no verdict."
    )
    gaps = (reference - means).dropna()
    if gaps.empty:
        return text + " There is no accepted figure for these networks on this data set."
    return (
        text
        + " Short recipes: "
        + ", ".join(
            f"{view.label(cell)} is {abs(gap) * 100:.1f} points {'below' if gap > 0 else 'above'} the accepted accuracy"
            for cell, gap in gaps.items()
        )
        + "."
    )


@style.styled
def losses(view: View) -> Plate | Missing:
    """Training loss by epoch, one panel a kind of learning."""
    rows = view.of_runs(view.study.history, role="primary")
    if rows.empty:
        return Missing("no training history")
    table = (
        rows.groupby(["objective", "rank", "label", "architecture", "epoch"])["train_loss"]
        .agg(["mean", "min", "max"])
        .reset_index()
    )
    kinds = [kind for kind in style.MARKERS if kind in set(table["objective"])]
    words = {"classification": "cross-entropy", "reconstruction": "mean squared error", "contrastive": "NT-Xent"}
    fig, (axes,) = style.figure(len(kinds), height=2.7)
    for ax, kind in zip(axes, kinds, strict=True):
        for (_, label, architecture), part in table[table["objective"] == kind].groupby(
            ["rank", "label", "architecture"]
        ):
            colour = style.colour(architecture)
            ax.plot(part["epoch"], part["mean"], color=colour, label=label)
            ax.fill_between(part["epoch"], part["min"], part["max"], color=colour, alpha=0.2, linewidth=0)
        ax.set(
            xlabel="epoch",
            ylabel="training loss",
            title=words[kind],
            yscale="log" if _reach(table[table["objective"] == kind]) > 20 else "linear",
        )
        style.grid(ax)
        ax.legend()
    fell = table.groupby("label")["mean"].agg(
        lambda v: (v.iloc[-2:].iloc[0] - v.iloc[-1]) / (v.iloc[0] - v.iloc[-1] or 1)
    )
    caption = (
        "Training loss by epoch: line, mean over seeds; band, range. In its last epoch the loss still fell by up to "
        f"{fell.max():.1%} of its whole fall ({fell.idxmax()})."
    )
    return Plate(
        fig,
        table.drop(columns=["rank"]),
        caption,
        f"Line plots for {view.title}: training loss against epoch, one "
        "panel for classification, reconstruction and contrastive learning.",
    )


def _reach(table: pd.DataFrame) -> float:
    return table["max"].max() / table["min"].min()


def recipes(view: View) -> pd.DataFrame:
    """One row a cell: what was trained, for how long, and how."""
    runs = view.runs.groupby("cell", sort=False)
    first = runs.first()
    return pd.DataFrame(
        {
            "network": first["label"],
            "seeds": runs.size(),
            "parameters": first["parameters"].astype(int),
            "epochs": first["epochs"].astype(int),
            "steps": first["steps"].astype(int),
            "batch": first["batch_size"].astype(int),
            "optimiser": first["optimiser"],
            "learning rate": first["lr"],
            "augmentation": first["augment"],
            "precision": first["precision"],
            "minutes a run": (runs["wall_s"].median() / 60).round(1),
        }
    )
