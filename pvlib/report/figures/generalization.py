"""Angle to the data and test error, over the balanced pool of claim 3 (chapter 7)."""

from __future__ import annotations

import pandas as pd

from ..answers import pool
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import View

NAMES = {"mlp": "MLP", "lenet": "LeNet"}
NO_POOL = Missing("no pool of networks is published for it")


def _of(view: View) -> pd.DataFrame:
    rows = view.study.pool
    return rows[rows["dataset"] == view.dataset] if len(rows) else rows


@style.styled
def scatter(view: View) -> BookFigure | Missing:
    """Test error against the angle to the data P-vector, a panel for each architecture and convention."""
    rows = _of(view)
    if rows.empty:
        return NO_POOL
    columns = ["architecture", "convention", "width", "lr", "train_size", "label_noise", "seed", "angle_data_deg", "test_error",
               "train_accuracy"]  # fmt: skip
    table = rows[columns].sort_values(columns[:7], ignore_index=True)
    architectures = [name for name in NAMES if name in set(table["architecture"])]
    fig, axes = style.figure(2, len(architectures), height=0.9 + 2.1 * len(architectures), sharex="col")
    colours = dict(zip(sorted(table["train_size"].unique()), (style.ORANGE, style.BLUE), strict=False))
    markers = dict(zip(sorted(table["label_noise"].unique()), ("o", "X"), strict=False))
    for row, architecture in zip(axes, architectures, strict=True):
        for ax, convention in zip(row, forms.BOTH, strict=True):
            part = table[(table["architecture"] == architecture) & (table["convention"] == convention)]
            for (size, noise), cell in part.groupby(["train_size", "label_noise"]):
                ax.scatter(
                    cell["angle_data_deg"], 100 * cell["test_error"], s=22, color=colours[size], marker=markers[noise], alpha=0.85,
                    linewidths=0, label=f"{size:,.0f} samples, label noise {noise:.0%}",
                )  # fmt: skip
            ax.set_title(f"{NAMES[architecture]}, {convention}")
            forms.grid(ax, "both")
        row[0].set_ylabel("test error (%)")
    for ax in axes[-1]:
        ax.set_xlabel("angle to the data P-vector (degrees)")
    forms.legend_below(fig, axes[0, 0], columns=2)
    return BookFigure(
        fig,
        table,
        "Each mark is a network. Training-set size (colour) and label noise (shape) move the test error by themselves: read the trend "
        "within one kind of mark.",
        f"Scatter plots for {view.title}: test error in percent against the angle to the data P-vector in degrees, by architecture and "
        "convention; colour is the training-set size, shape the label noise.",
    )


@style.styled
def taus(view: View) -> BookFigure | Missing:
    """Granulated tau of the angle (both conventions) and of its rivals, with test error and generalization gap."""
    rows = _of(view)
    if rows.empty:
        return NO_POOL
    table = pool.taus(rows, view.judging.claims.measurement.confidence)
    angle = table["predictor"] == "angle_data_deg"
    table["row"] = table["name"].where(~angle, table["name"] + ", " + table["convention"])
    table = table.drop_duplicates(["row", "estimand"])  # rivals do not depend on the convention
    table = table.sort_values("predictor", key=lambda names: names.map(list(pool.PREDICTORS).index), kind="stable")
    held = {"tau": ("tau", "lo", "hi"), "training accuracy held": ("given_train_accuracy", "given_lo", "given_hi")}
    long = pd.concat([
        table.assign(kind=kind, mean=table[mean], low=table[low], high=table[high], panel="with " + table["estimand"].map(pool.ESTIMANDS))
        for kind, (mean, low, high) in held.items()
    ], ignore_index=True)  # fmt: skip
    fig = forms.rows(
        long, row="row", hue="kind", looks={"tau": (style.BLUE, "o"), "training accuracy held": (style.ORANGE, "D")},
        ends=("low", "high"), panel="panel", panels=[f"with {words}" for words in pool.ESTIMANDS.values()],
        xlabel="granulated Kendall tau, 95 % interval", xlim=(-1.05, 1.05), lines=[0.0], line_height=0.4,
    )  # fmt: skip
    return BookFigure(
        fig,
        table.drop(columns=["row"]),
        "Kendall's tau between networks that differ in one setting only, with its 95 % interval. An interval that covers zero is no evidence of "
        "a link. Negative for an angle: networks farther from the data have the smaller error.",
        f"Interval plots for {view.title}: granulated Kendall tau of the angle to the data P-vector, uncentred and centred, and of three "
        "rivals, with test error and with the generalization gap.",
    )
