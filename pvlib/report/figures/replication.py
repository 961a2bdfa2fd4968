"""Do other samples give the same agreement? Training anchor against test anchor and whole sets (chapter 3)."""

from __future__ import annotations

import pandas as pd

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

SHOWN = ("uncentred", "centred")
OTHERS = {
    "test anchor": ("o", style.BLUE),
    "whole training set": ("s", style.ORANGE),
    "whole test set": ("D", style.GREEN),
}


@style.styled
def other_samples(view: View) -> Plate | Missing:
    """Mean |cos| of pairs of cells on the training anchor against the same on other samples."""
    by = ["convention", "rank_a", "rank_b", "label_a", "label_b"]
    anchor = view.of_pairs(
        view.study.pairs, layer="penultimate", convention=list(SHOWN), state_a="trained", state_b="trained"
    )
    whole = view.of_pairs(view.study.full, convention=list(SHOWN))
    means = {("anchor", split): part.groupby(by)["cos"].mean() for split, part in anchor.groupby("split")}
    means |= {("whole", split): part.groupby(by)["cos"].mean() for split, part in whole.groupby("split")}
    others = {
        "test anchor": ("anchor", "test"),
        "whole training set": ("whole", "train"),
        "whole test set": ("whole", "test"),
    }
    parts = [
        pd.DataFrame({"training_anchor": means[("anchor", "train")], "other": means[key]}).assign(samples=name)
        for name, key in others.items()
        if key in means and ("anchor", "train") in means
    ]
    if not parts:
        return Missing("only one set of samples was measured")
    table = pd.concat(parts).dropna().reset_index().sort_values([*by, "samples"]).drop(columns=["rank_a", "rank_b"])
    if table.empty:
        return Missing("only one set of samples was measured")
    fig, (axes,) = style.figure(2, height=3.4)
    for ax, convention in zip(axes, SHOWN, strict=True):
        ax.plot([0, 1], [0, 1], color=style.FAINT, linewidth=1)
        part = table[table["convention"] == convention]
        for name, (marker, colour) in OTHERS.items():
            chosen = part[part["samples"] == name]
            ax.plot(chosen["training_anchor"], chosen["other"], marker, color=colour, alpha=0.8, label=name)
        low = max(-0.02, float(part[["training_anchor", "other"]].min().min()) - 0.05) if len(part) else -0.02
        ax.set(title=CONVENTIONS[convention], xlim=(low, 1.01), ylim=(low, 1.01), xlabel="mean |cos|, training anchor")
        style.grid(ax, "both")
    axes[0].set_ylabel("mean |cos|, other samples")
    style.legend_below(fig, axes[0])
    return Plate(
        fig,
        table,
        _caption(table, view),
        f"Scatter plots for {view.title}, uncentred and centred: mean absolute "
        "cosine of every pair of architectures on the training anchor against that on the test anchor and on the "
        "whole sets.",
    )


def _caption(table: pd.DataFrame, view: View) -> str:
    gap = (table["other"] - table["training_anchor"]).abs()
    text = (
        f"Each mark is a pair of architectures; on the line, other samples give the same mean. The largest difference is "
        f"{gap.max():.2f} ({table.loc[gap.idxmax(), 'samples']}, {CONVENTIONS[table.loc[gap.idxmax(), 'convention']]}), the "
        f"median {gap.median():.3f}."
    )
    shift = view.of_runs(view.study.anchor_shift, split="train", role="primary")
    if not shift.empty:
        medians = shift.groupby("convention")["cos_anchor"].median()
        text += (
            " The P-vector of the whole training set, restricted to the anchor, agrees with the anchor's own at a median "
            "|cos| of " + ", ".join(f"{medians[c]:.3f} {CONVENTIONS[c]}" for c in SHOWN if c in medians) + "."
        )
    return text
