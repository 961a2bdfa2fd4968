"""Mean |cos| of every pair of architectures with its interval, beside the untrained control (chapter 3)."""

from __future__ import annotations

import pandas as pd

from ..claims import Claims, pair_table
from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

SHOWN = ("uncentred", "centred")
STATES = (("trained", "trained"), ("untrained", "untrained"))
COLOURS = {"trained": style.BLUE, "untrained": style.ORANGE}


@style.styled
def pair_intervals(view: View, *, claims: Claims) -> Plate | Missing:
    """One line a pair of architectures, trained and untrained; intervals only where both have enough seeds."""
    table = _table(view, claims)
    threshold = next(claim.threshold["at_least"] for claim in claims.claims if claim.kind == "smallest_mean_cosine")
    if table.empty:
        return Missing("fewer than two primary architectures")
    names = list(dict.fromkeys(table["pair"]))
    fig, (axes,) = style.figure(2, height=1.1 + 0.26 * len(names), sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        ax.axvline(threshold, color=style.FAINT, linestyle=(0, (4, 3)), linewidth=1)
        for shift, (state, colour) in zip((-0.14, 0.14), COLOURS.items(), strict=True):
            part = table[(table["convention"] == convention) & (table["state"] == state)]
            y = [names.index(name) + shift for name in part["pair"]]
            known = part["lo"].notna()
            bars = [(part["mean"] - part["lo"]).where(known, 0), (part["hi"] - part["mean"]).where(known, 0)]
            ax.errorbar(part["mean"], y, xerr=bars, fmt="o", color=colour, label=state, markersize=3.5, linewidth=1.4)
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel="mean |cos|, 95 % interval",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    style.legend_below(fig, axes[0])
    return Plate(
        fig,
        table,
        _caption(table, threshold, claims.minimum_seeds),
        f"Interval plots for {view.title}, uncentred and centred: "
        "mean absolute cosine of every pair of architectures with its 95 percent interval, trained and untrained, and "
        "the threshold.",
    )


def _table(view: View, claims: Claims) -> pd.DataFrame:
    """Columns convention, state, pair, mean, lo, hi, seeds (the smaller number), in display order."""
    parts = [
        pair_table(view.study, claims, dataset=view.dataset, convention=convention, states=STATES)
        for convention in SHOWN
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[table["cell_a"] != table["cell_b"]]
    rank = view.cells.reset_index()["cell"].reset_index().set_index("cell")["index"]
    first, second = table["cell_a"].map(rank), table["cell_b"].map(rank)
    names = (
        table["label_a"].where(first < second, table["label_b"]),
        table["label_b"].where(first < second, table["label_a"]),
    )
    table = table.assign(
        first=first.combine(second, min),
        second=first.combine(second, max),
        state=table["state_a"],
        pair=names[0] + " – " + names[1],
        seeds=table[["seeds_a", "seeds_b"]].min(axis=1),
    )
    table = table.sort_values(["convention", "state", "first", "second"], ascending=[False, True, True, True])
    return table[
        [
            "convention",
            "state",
            "pair",
            "mean",
            "lo",
            "hi",
            "seeds",
            "pairs",
            "worst",
            "percentile_10",
            "mean_direction",
            "r",
        ]
    ].reset_index(drop=True)


def _caption(table: pd.DataFrame, threshold: float, minimum_seeds: int) -> str:
    trained = table[table["state"] == "trained"]
    said = [f"Dashed: the threshold, {threshold}."]
    for convention in SHOWN:
        part = trained[trained["convention"] == convention].set_index("pair")
        control = table[(table["state"] == "untrained") & (table["convention"] == convention)].set_index("pair")
        said.append(
            f"{CONVENTIONS[convention].capitalize()}, {(part['mean'] >= threshold).sum()} of {len(part)} means lie above "
            f"it, {(part['lo'] >= threshold).sum()} with their whole interval; "
            f"{(part['mean'] > control['mean'].reindex(part.index)).sum()} pairs agree more than their untrained "
            f"counterparts, {(part['lo'] > control['hi'].reindex(part.index)).sum()} with intervals apart."
        )
    if trained["lo"].isna().any():
        said.append(f"Points without a bar have fewer than {minimum_seeds} seeds: exploratory.")
    return " ".join(said)
