"""Angle to the data and test error, over the balanced pool of claim 3 (chapter 7)."""

from __future__ import annotations

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

SHOWN = ("uncentred", "centred")
NAMES = {"mlp": "MLP", "lenet": "LeNet"}


@style.styled
def scatter(view: View) -> Plate | Missing:
    """Test error against the angle to the data P-vector, one panel for architecture and convention."""
    pool = view.study.pool
    pool = pool[pool["dataset"] == view.dataset] if len(pool) else pool
    if pool.empty:
        return Missing("no pool of runs is published for it")
    columns = [
        "architecture",
        "convention",
        "width",
        "lr",
        "train_size",
        "label_noise",
        "seed",
        "angle_data_deg",
        "test_error",
        "train_accuracy",
    ]
    table = pool[columns].sort_values(columns[:7], ignore_index=True)
    architectures = [a for a in NAMES if a in set(table["architecture"])]
    fig, axes = style.figure(2, len(architectures), height=0.9 + 2.1 * len(architectures), sharex="col")
    colours = dict(zip(sorted(table["train_size"].unique()), (style.ORANGE, style.BLUE), strict=False))
    markers = dict(zip(sorted(table["label_noise"].unique()), ("o", "X"), strict=False))
    for row, architecture in enumerate(architectures):
        for ax, convention in zip(axes[row], SHOWN, strict=True):
            part = table[(table["architecture"] == architecture) & (table["convention"] == convention)]
            for (size, noise), cell in part.groupby(["train_size", "label_noise"]):
                ax.scatter(
                    cell["angle_data_deg"],
                    100 * cell["test_error"],
                    s=22,
                    color=colours[size],
                    marker=markers[noise],
                    alpha=0.85,
                    linewidths=0,
                    label=f"{size:,.0f} samples, label noise {noise:.0%}",
                )
            ax.set_title(f"{NAMES[architecture]}, {CONVENTIONS[convention]}")
            style.grid(ax, "both")
        axes[row, 0].set_ylabel("test error (%)")
    for ax in axes[-1]:
        ax.set_xlabel("angle to the data P-vector (degrees)")
    style.legend_below(fig, axes[0, 0], columns=2)
    runs = len(table) // table["convention"].nunique()
    return Plate(
        fig,
        table,
        f"Each mark is one of {runs} networks. Training-set size (colour) and label noise (shape) move test "
        "error by themselves; whether the angle adds to that is what the rank correlations below say.",
        f"Scatter plots for {view.title}: test error in percent against the angle to the data P-vector in degrees, by "
        "architecture and convention; colour is the training-set size, shape the label noise.",
    )
