"""Rank correlation of angle and baselines with generalization, one knob at a time (chapter 7)."""

from __future__ import annotations

import pandas as pd

from ..words import interval
from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

SETTINGS = {
    "width": "width",
    "lr": "learning rate",
    "train_size": "training-set size",
    "label_noise": "label noise",
}
OUTCOMES = {"test_error": "test error", "generalization_gap": "the generalization gap"}


@style.styled
def taus(view: View, *, table: pd.DataFrame) -> Plate | Missing:
    """Granulated tau of the angle (both conventions) and of the baselines, with each outcome."""
    table = table[(table["study"] == view.study.name) & (table["dataset"] == view.dataset)] if len(table) else table
    if table.empty:
        return Missing("no pool of runs is published for it")
    table = table.assign(
        row=[
            f"{name}, {CONVENTIONS[c]}" if predictor == "angle_data_deg" else name
            for name, predictor, c in zip(table["name"], table["predictor"], table["convention"], strict=True)
        ]
    )
    table = table.drop_duplicates(["row", "estimand"])  # baselines do not depend on the convention
    names = sorted(table["row"].unique(), key=lambda name: (not name.startswith("angle"), "uncentred" not in name))
    fig, (axes,) = style.figure(2, height=1.2 + 0.36 * len(names), sharey=True)
    for ax, (estimand, words) in zip(axes, OUTCOMES.items(), strict=True):
        part = table[table["estimand"] == estimand]
        y = pd.Series([names.index(name) for name in part["row"]], index=part.index)
        for tau, low, high, colour, shift, label in (
            ("tau", "lo", "hi", style.BLUE, -0.12, "tau"),
            ("given_train_accuracy", "given_lo", "given_hi", style.ORANGE, 0.12, "training accuracy partialled out"),
        ):
            known = part[part[tau].notna()]
            bars = [known[tau] - known[low].fillna(known[tau]), known[high].fillna(known[tau]) - known[tau]]
            ax.errorbar(
                known[tau],
                y[known.index] + shift,
                xerr=[bar.clip(lower=0) for bar in bars],
                fmt="o",
                color=colour,
                label=label,
            )
        ax.axvline(0, color=style.FAINT, linewidth=1)
        ax.set(
            title=f"with {words}",
            xlim=(-1.05, 1.05),
            xlabel="granulated Kendall tau, 95 % interval",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    style.legend_below(fig, axes[0])
    shown = table.drop(columns=["study", "dataset", "row"]).sort_values(["estimand", "predictor", "convention"])
    return Plate(
        fig,
        shown,
        _caption(table),
        f"Interval plots for {view.title}: granulated Kendall tau of the angle to the data "
        "P-vector, uncentred and centred, and of three baselines, with test error and with the generalization gap.",
    )


def _caption(table: pd.DataFrame) -> str:
    error = table[table["estimand"] == "test_error"]
    angles = error[error["predictor"] == "angle_data_deg"]
    best = error.loc[error["tau"].abs().idxmax()]
    return (
        "Tau with test error, between networks that differ in one setting only: "
        + "; ".join(_said(row) for _, row in angles.iterrows())
        + f". The largest |tau| is that of: {best['row']} ({best['tau']:.2f})."
    )


def _said(row) -> str:
    """One angle's tau in words: its direction, the settings it comes from, and what training accuracy leaves of it."""
    settings = ", ".join(f"{words} {row[f'tau_{factor}']:.2f}" for factor, words in SETTINGS.items())
    partial = interval(row["given_train_accuracy"], row["given_lo"], row["given_hi"])
    sure = row["lo"] > 0 or row["hi"] < 0
    found = (
        f"interval without zero: a larger angle goes with a {'larger' if row['tau'] > 0 else 'smaller'} error"
        if sure
        else "interval covers zero"
    )
    tau = interval(row["tau"], row["lo"], row["hi"])
    return f"{row['row']}: {tau} ({found}; by setting: {settings}; with training accuracy partialled out: {partial})"
