"""Angles along training, against the optimiser's step (chapters 5 and 6)."""

from __future__ import annotations

import pandas as pd

from . import forms, style
from .agreement import BY_RELATION
from .book_figure import BookFigure, Missing
from .view import LAYERS, View

TARGETS = {
    "another": "another seed's final P-vector",
    "own": "the network's own final P-vector",
    "data": "the P-vector of the data",
}


@style.styled
def to_final(view: View, *, target: str = "another", layer: str = "penultimate") -> BookFigure | Missing:
    """Angle to a target of `TARGETS`, a line for each architecture (mean; band: range over seeds)."""
    where = {"layer": layer, "split": "train", "convention": list(forms.BOTH), "role": "primary"}
    rows = view.of_runs(view.study.trajectory if target == "another" else view.study.snapshots, **where)
    if rows.empty:
        return Missing(f"no angles along training at the layer '{LAYERS[layer]}'")
    by, beside = ["convention", "label", "step"], None
    if target != "another":
        rows = rows.assign(angle=rows[f"angle_{target}"])
    table = forms.over_seeds(rows.sort_values("rank", kind="stable"), by, "angle")
    if target == "another":
        alone = style.degrees_from_cosine(rows["c_product"]).where(rows["convention"] == "uncentred")
        table = table.merge(rows.assign(mean_alone=alone).groupby(by, as_index=False)["mean_alone"].mean(), on=by)
        beside = "mean_alone"
    short = {"another": "another seed's final", "own": "its own final", "data": "the data's"}[target]
    fig, axes = forms.lines(
        table, x="step", line="label", looks=view.looks, xlabel="optimiser step",
        ylabel=f"angle to {short} P-vector (degrees)", beside=beside, ylim=(0, 92), yticks=[0, 15, 30, 45, 60, 75, 90],
        xlim=(0, table["step"].max() * 1.05),
    )  # fmt: skip
    if target != "data":
        _paper(axes, view)
    words = "Line, mean; band, range over seeds."
    if beside:
        words += " Thin dots: the angle that the mean direction alone gives."
    return BookFigure(
        fig,
        table,
        f"Angle to {TARGETS[target]}, layer: {LAYERS[layer]}, training anchor. {words}",
        f"Line plots for {view.title}: angle in degrees to {TARGETS[target]} against the optimiser's step on a logarithmic axis, one "
        "line an architecture, uncentred left, centred right.",
    )


def _paper(axes, view: View) -> None:
    """The paper's band at the start, and the two thresholds of the claim."""
    claim = view.judging.claims.convergence
    start, end = claim.threshold.start_at_least_deg, claim.threshold.end_at_most_deg
    for ax in axes:
        ax.axhspan(*claim.paper_start_deg, color=style.FAINT, alpha=0.25, linewidth=0)
        for level in (start, end):
            forms.threshold(ax, level)
    for height, words, where in (
        (sum(claim.paper_start_deg) / 2, "paper: 70°–80° at the start", "center"),
        (start, f"start ≥ {start:g}°", "bottom"), (end, f"end ≤ {end:g}°", "bottom"),
    ):  # fmt: skip
        axes[0].annotate(
            words, (1, height), xycoords=("axes fraction", "data"), ha="right", va=where, fontsize=7.5,
            xytext=(-3, 0 if where == "center" else 1), textcoords="offset points",
        )  # fmt: skip


@style.styled
def together(view: View) -> BookFigure | Missing:
    """Mean |cos| of different architectures at the same share of their training, by relation of families."""
    rows = view.of_two_architectures(view.study.alongside, convention=list(forms.BOTH))
    if rows.empty or rows["share"].nunique() < 2:
        return Missing("no P-vectors along training are published")
    table = forms.over_seeds(rows, ["convention", "relation", "share", "pair"], "cos")
    table = forms.over_seeds(table, ["convention", "relation", "share"], "mean")
    looks = {words: (colour, "-") for words, (colour, _) in BY_RELATION.items()}
    shares = sorted(table["share"].unique())
    fig, axes = forms.lines(
        table, x="share", line="relation", looks=looks, xlabel="share of training", ylabel="mean |cos| of two architectures",
        log=min(share for share in shares if share), ylim=(0, 1.03),
    )  # fmt: skip
    for ax in axes:
        ax.set_xticks(shares, [f"{share:.1g}" if share < 0.01 else f"{share:g}" for share in shares], fontsize=6)
        ax.minorticks_off()
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most", "seeds": "pairs"}),
        "Two different architectures at the same share of their training. Line, mean over pairs of architectures; band, range.",
        f"Line plots for {view.title}, uncentred and centred: mean absolute cosine of two architectures at the same share of "
        "their training, a line for each relation of families.",
    )


@style.styled
def falls_table(view: View) -> pd.DataFrame:
    """Start and end of the angle to another seed's final P-vector, an architecture a row, with the answer of claim 2."""
    rows = []
    for convention in forms.BOTH:
        falls = {fall.architecture: fall for fall in view.judging.falls(view.dataset, convention)}
        for name, label in view.architectures.items():
            if name in falls:
                fall = falls[name]
                rows.append({
                    "convention": convention, "network": label, "start (degrees)": _interval(fall.start),
                    "end (degrees)": _interval(fall.end), "from 60 or more to 30 or less?": fall.answer,
                })  # fmt: skip
    return pd.DataFrame(rows)


def _interval(found) -> str:
    return f"{found.estimate:.0f} [{found.lo:.0f}, {found.hi:.0f}]" if found.known else f"{found.estimate:.0f}"
