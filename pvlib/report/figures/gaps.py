"""Is the P-vector defined? Gap and stability over samples, network by network (chapter 1)."""

from __future__ import annotations

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

SHOWN = ("uncentred", "centred")
LIMIT = 0.9  # median |cos| over bootstrap replicates below which k = 1 is undefined (claims.yml: tie)


@style.styled
def stability(view: View) -> Plate | Missing:
    """sigma1/sigma2 of every trained network against the stability of its P-vector over samples."""
    rows = view.of_runs(
        view.study.finals, layer="penultimate", split="train", state="trained", role="primary", convention=list(SHOWN)
    ).dropna(subset=["stability"])
    if rows.empty:
        return Missing("stability over samples was not measured")
    rows = rows.sort_values(["convention", "rank", "seed"])
    fig, (axes,) = style.figure(2, height=3.2, sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        part = rows[rows["convention"] == convention]
        for (_, label, architecture, objective), cell in part.groupby(["rank", "label", "architecture", "objective"]):
            ax.plot(
                cell["ratio"],
                cell["stability"],
                style.MARKERS[objective],
                color=style.colour(architecture),
                alpha=0.8,
                label=label,
            )
        ax.axhline(LIMIT, color=style.FAINT, linestyle=(0, (4, 3)), linewidth=1)
        ax.set(title=CONVENTIONS[convention], xlabel="σ₁ / σ₂", xscale="log", ylim=(-0.02, 1.04))
        ax.xaxis.set_major_formatter("{x:g}"), ax.xaxis.set_minor_formatter("{x:g}")
        ax.tick_params(axis="x", which="minor", labelsize=7)
        style.grid(ax, "both")
    axes[0].set_ylabel("median |cos| over bootstrap samples")
    style.legend_below(fig, axes[0], columns=3)
    tied = rows[rows["stability"] < LIMIT].groupby("convention").size()
    counts = rows.groupby("convention").size()
    caption = (
        "Each mark is a trained network; below the dashed line its P-vector is tied: another draw of samples would give "
        "another direction. "
        + " ".join(
            f"{CONVENTIONS[c].capitalize()}: {tied.get(c, 0)} of {counts[c]} networks are tied."
            for c in SHOWN
            if c in counts
        )
    )
    table = rows[["convention", "label", "seed", "sigma1", "sigma2", "ratio", "explained", "stability"]]
    return Plate(
        fig,
        table,
        caption,
        f"Scatter plots for {view.title}, uncentred and centred: stability of each network's "
        "P-vector under resampling against the ratio of its first two singular values.",
    )
