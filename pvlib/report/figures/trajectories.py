"""Angles along training, against the optimiser's step (chapter 5)."""

from __future__ import annotations

import pandas as pd

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, LAYERS, View

SHOWN = ("uncentred", "centred")
START, END = 60, 30  # thresholds of claim 2, degrees
PAPER = (70, 80)  # "70°-80° usually", the paper's abstract
TARGETS = {"other": "another seed's final P-vector", "own": "the network's own final P-vector"}

SHORT = {"other": "another seed's", "own": "its own"}


@style.styled
def along(view: View, *, target: str = "other", layer: str = "penultimate") -> Plate | Missing:
    """Angle to a final P-vector, one line a cell (mean over seeds; band: range), uncentred and centred."""
    rows = _rows(view, target, layer)
    if rows.empty:
        return Missing(f"no angles along training at the layer '{LAYERS[layer]}'")
    by = ["convention", "rank", "label", "architecture", "objective", "step"]
    table = (
        rows.groupby(by)
        .agg(
            angle=("angle", "mean"),
            lowest=("angle", "min"),
            highest=("angle", "max"),
            mean_direction_alone=("alone", "mean"),
            seeds=("run", "nunique"),
        )
        .reset_index()
    )
    fig, (axes,) = style.figure(2, height=3.7, sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        _panel(ax, table[table["convention"] == convention], convention)
    _name_levels(axes[0])
    axes[0].set_ylabel(f"angle to {SHORT[target]} final P-vector (degrees)")
    style.legend_below(fig, axes[1], columns=3)
    table = table.drop(columns=["rank", "architecture", "objective"])
    return Plate(
        fig,
        table,
        _caption(table, target, layer),
        f"Line plots for {view.title}: angle in degrees to "
        f"{TARGETS[target]} against the optimiser's step on a logarithmic axis, one line an architecture, uncentred "
        "left, centred right, with the thresholds of 60 and 30 degrees and the paper's band of 70 to 80 degrees.",
    )


def _rows(view: View, target: str, layer: str) -> pd.DataFrame:
    """Columns angle, alone (NaN where it means nothing), step, run and the cell's."""
    where = {"layer": layer, "split": "train", "convention": list(SHOWN), "role": "primary"}
    if target == "own":
        rows = view.of_runs(view.study.snapshots, **where)
        return rows.assign(angle=rows["angle_own"], alone=float("nan"))
    rows = view.of_runs(view.study.trajectory, **where)
    alone = style.degrees_from_cosine(rows["c_product"])
    return rows.assign(alone=alone.where(rows["convention"] == "uncentred"))


def _name_levels(ax) -> None:
    """What the band and the dashed lines are, once."""
    for level, words, place in (
        (sum(PAPER) / 2, "paper: 70°–80° at the start", "center"),
        (START, "start ≥ 60°", "bottom"),
        (END, "end ≤ 30°", "bottom"),
    ):
        ax.annotate(
            words,
            (1, level),
            xycoords=("axes fraction", "data"),
            ha="right",
            va=place,
            fontsize=7.5,
            xytext=(-3, 0 if place == "center" else 1),
            textcoords="offset points",
        )


def _panel(ax, table: pd.DataFrame, convention: str) -> None:
    last = table["step"].max() if not table.empty else 1
    ax.axhspan(*PAPER, color=style.FAINT, alpha=0.25, linewidth=0)
    for level in (START, END):
        ax.axhline(level, color=style.FAINT, linewidth=1, linestyle=(0, (4, 3)))
    for (_, label, architecture, objective), part in table.groupby(["rank", "label", "architecture", "objective"]):
        options = {"color": style.colour(architecture)}
        ax.plot(part["step"], part["angle"], label=label, linestyle=style.LINES[objective], **options)
        ax.fill_between(part["step"], part["lowest"], part["highest"], alpha=0.15, linewidth=0, **options)
        ax.plot(
            part["step"], part["mean_direction_alone"], linewidth=0.8, alpha=0.8, linestyle=(0, (1, 1.5)), **options
        )
    ax.set_xscale("symlog", linthresh=1, linscale=0.3)
    ax.set(xlim=(0, last * 1.05), ylim=(0, 92), xlabel="optimiser step", title=CONVENTIONS[convention])
    ax.set_yticks([0, 15, 30, 45, 60, 75, 90])
    style.grid(ax)


def _caption(table: pd.DataFrame, target: str, layer: str) -> str:
    said = [
        f"Angle to {TARGETS[target]}, at the layer '{LAYERS[layer]}', training anchor; line, mean; band, range over seeds."
    ]
    for convention in SHOWN:
        part = table[table["convention"] == convention]
        if part.empty:
            continue
        ends = part.sort_values("step").groupby("label")["angle"]
        start, end = ends.first(), ends.last()
        text = f"{CONVENTIONS[convention].capitalize()}, it starts at {start.min():.0f}° to {start.max():.0f}°"
        if target == "other":
            text += f" and ends at {end.min():.0f}° to {end.max():.0f}°"
        said.append(text + ".")
    if table["mean_direction_alone"].notna().any():
        said.append("Thin dots: the angle that the mean direction alone gives.")
    said.append(
        "The angle to the own end state falls to zero by construction, whatever was learned."
        if target == "own"
        else "What another seed ends at cannot be reached by merely slowing down."
    )
    return " ".join(said)
