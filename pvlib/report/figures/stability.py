"""Is there one direction? Spectra, gap and stability over samples, network by network (chapter 1)."""

from __future__ import annotations

import pandas as pd

from . import forms, style
from .book_figure import BookFigure, Missing
from .view import View


@style.styled
def over_samples(view: View) -> BookFigure | Missing:
    """sigma1/sigma2 of every trained network against the stability of its P-vector over samples."""
    rows = view.of_runs(
        view.study.finals,
        layer="penultimate",
        split="train",
        state="trained",
        role="primary",
        convention=list(forms.BOTH),
    ).dropna(subset=["stability"])
    if rows.empty:
        return Missing("stability over samples was not measured")
    rows = rows.sort_values(["rank", "seed"])
    cells = view.cells
    looks = {label: (colour, style.MARKERS[cells.loc[cells["label"] == label, "objective"].iloc[0]])
             for label, (colour, _) in view.looks.items()}  # fmt: skip
    fig, axes = forms.scatter(
        rows, x="ratio", y="stability", hue="label", looks=looks, xlabel="σ₁ / σ₂", ylabel="median |cos| over bootstrap samples",
        share=False, height=3.4, xscale="log", ylim=(min(0.85, rows["stability"].min() - 0.02), 1.01),
    )  # fmt: skip
    for ax in axes:
        forms.threshold(ax, view.judging.claims.measurement.tie.stability)
        ax.xaxis.set_major_formatter("{x:g}"), ax.xaxis.set_minor_formatter("{x:g}")
        ax.tick_params(axis="x", which="minor", labelsize=7)
    return BookFigure(
        fig,
        rows[["convention", "label", "seed", "sigma1", "sigma2", "ratio", "explained", "stability"]],
        "Each mark is a trained network. Below the dashed line its P-vector is tied: another draw of samples would give another direction.",
        f"Scatter plots for {view.title}, uncentred and centred: stability of each network's P-vector under resampling against the ratio "
        "of its first two singular values.",
    )


@style.styled
def spectra(view: View) -> BookFigure | Missing:
    """The first singular values of every architecture's features, centred, relative to the first: untrained and trained."""
    rows = view.of_runs(
        view.study.spectra, layer="penultimate", convention="centred", role="primary", state=list(style.STATES), step=-1
    )
    if rows.empty:
        return Missing("no spectra are published")
    rows = rows.sort_values("rank", kind="stable")
    long = pd.concat([
        pd.DataFrame({"state": row.state, "label": row.label, "number": range(1, len(row.sigmas) + 1),
                      "relative": row.sigmas / row.sigmas[0]})
        for row in rows.itertuples()
    ], ignore_index=True)  # fmt: skip
    table = forms.over_seeds(long, ["state", "label", "number"], "relative")
    fig, _ = forms.lines(
        table, x="number", line="label", looks=view.looks, panel="state", panels=list(style.STATES)[::-1], log=None,
        xlabel="number of the singular value, centred", ylabel="σ / σ₁", ylim=(0, 1.03),
    )  # fmt: skip
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most"}),
        "Centred singular values relative to the first: line, mean over seeds; band, range. One direction stands out where the second value is "
        "far below 1; where several are near 1, the first direction is one of many.",
        f"Line plots for {view.title}, untrained and trained: centred singular values of the penultimate features relative to the first, a "
        "line an architecture.",
    )
