"""Networks against the P-vector of the raw data (chapter 6)."""

from __future__ import annotations

import pandas as pd

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, View

SHOWN = ("uncentred", "centred")


@style.styled
def finals(view: View) -> Plate | Missing:
    """Angle between each network's P-vector and the data's, before and after training."""
    rows = view.of_runs(
        view.study.finals,
        layer="penultimate",
        split="train",
        convention=list(SHOWN),
        state=["trained", "untrained"],
        role=["primary", "exploratory"],
    )
    if rows.empty:
        return Missing("no final P-vectors")
    long = rows.melt(
        ["convention", "rank", "label", "state", "seed"], ["cos_data", "cos_data_standardised"], "against", "cos"
    )
    long["angle"] = style.degrees_from_cosine(long["cos"])
    long["against"] = long["against"].map(
        {"cos_data": "pixels in [0, 1]", "cos_data_standardised": "pixels, standardised"}
    )
    table = (
        long.groupby(["convention", "rank", "label", "against", "state"])["angle"]
        .agg(["mean", "min", "max", "size"])
        .reset_index()
        .sort_values(["convention", "rank"])
        .drop(columns="rank")
    )
    names = [label for label in view.cells["label"] if label in set(table["label"])]
    fig, (axes,) = style.figure(2, height=1.3 + 0.33 * len(names), sharey=True)
    marks = {
        ("pixels in [0, 1]", "trained"): ("o", style.BLUE, -0.18),
        ("pixels in [0, 1]", "untrained"): ("o", style.ORANGE, -0.06),
        ("pixels, standardised", "trained"): ("s", style.GREEN, 0.08),
        ("pixels, standardised", "untrained"): ("s", style.PURPLE, 0.2),
    }
    for ax, convention in zip(axes, SHOWN, strict=True):
        for (against, state), (marker, colour, shift) in marks.items():
            part = table[
                (table["against"] == against) & (table["state"] == state) & (table["convention"] == convention)
            ]
            y = [names.index(label) + shift for label in part["label"]]
            style.ranges(
                ax,
                part,
                y,
                marker=marker,
                color=colour,
                label=f"{state}, against {against}",
                markersize=4,
            )
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-2, 92),
            xticks=[0, 30, 60, 90],
            xlabel="angle to the data P-vector (degrees)",
        )
        style.name_rows(ax, names)
        style.grid(ax, "both")
    style.legend_below(fig, axes[0], columns=2)
    return Plate(
        fig,
        table,
        _caption(table),
        f"Dot plots for {view.title}, uncentred and centred: angle in degrees between "
        "the P-vector of each architecture and that of the data, trained and untrained, for pixels in [0, 1] and "
        "standardised pixels.",
    )


def _caption(table: pd.DataFrame) -> str:
    said = ["Dot, mean over seeds; bar, range."]
    for convention in SHOWN:
        raw = table[(table["convention"] == convention) & (table["against"] == "pixels in [0, 1]")]
        wide = raw.pivot_table(index="label", columns="state", values="mean")
        if "trained" not in wide:
            continue
        text = (
            f"{CONVENTIONS[convention].capitalize()}, trained networks stand at {wide['trained'].min():.0f}° to "
            f"{wide['trained'].max():.0f}° from the P-vector of the raw pixels"
        )
        if "untrained" in wide:
            closer = int((wide["trained"] < wide["untrained"]).sum())
            text += f"; training brought {closer} of {len(wide.dropna())} architectures closer to it"
        said.append(text + ".")
    return " ".join(said)


@style.styled
def along(view: View) -> Plate | Missing:
    """Angle to the data P-vector along training."""
    rows = view.of_runs(
        view.study.snapshots, layer="penultimate", split="train", convention=list(SHOWN), role="primary"
    )
    if rows.empty:
        return Missing("no snapshots along training")
    by = ["convention", "rank", "label", "architecture", "objective", "step"]
    table = rows.groupby(by)["angle_data"].agg(angle="mean", lowest="min", highest="max", seeds="size").reset_index()
    fig, (axes,) = style.figure(2, height=3.5, sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        for (_, label, architecture, objective), part in table[table["convention"] == convention].groupby(by[1:5]):
            colour = style.colour(architecture)
            ax.plot(part["step"], part["angle"], label=label, color=colour, linestyle=style.LINES[objective])
            ax.fill_between(part["step"], part["lowest"], part["highest"], color=colour, alpha=0.15, linewidth=0)
        ax.set_xscale("symlog", linthresh=1, linscale=0.3)
        ax.set(
            ylim=(0, 92),
            yticks=[0, 15, 30, 45, 60, 75, 90],
            xlabel="optimiser step",
            title=CONVENTIONS[convention],
            xlim=(0, table["step"].max() * 1.05),
        )
        style.grid(ax)
    axes[0].set_ylabel("angle to the data P-vector (degrees)")
    style.legend_below(fig, axes[0], columns=3)
    ends = table.sort_values("step").groupby(["convention", "label"])["angle"].agg(["first", "last"])
    away = (ends["last"] > ends["first"]).groupby("convention").sum()
    caption = (
        "Angle to the P-vector of the raw pixels, training anchor; line, mean; band, range over seeds. "
        + " ".join(
            f"{CONVENTIONS[c].capitalize()}, {away[c]} of {len(ends.loc[c])} architectures end farther from the "
            "data than they began."
            for c in SHOWN
            if c in away
        )
    )
    return Plate(
        fig,
        table.drop(columns=["rank", "architecture", "objective"]),
        caption,
        f"Line plots for {view.title}: angle "
        "in degrees to the data P-vector against the optimiser's step, one line an architecture, uncentred left, "
        "centred right.",
    )


@style.styled
def brightness(view: View) -> Plate | Missing:
    """Correlation of P-vectors with the mean pixel of the image."""
    rows = view.of_runs(
        view.study.finals,
        layer="penultimate",
        split="train",
        convention=list(SHOWN),
        state=["trained", "untrained"],
        role="primary",
    )
    if rows.empty:
        return Missing("no final P-vectors")
    table = (
        rows.assign(r=rows["r_brightness"].abs())
        .groupby(["convention", "rank", "label", "state"])["r"]
        .agg(["mean", "min", "max", "size"])
        .reset_index()
        .sort_values(["convention", "rank"])
        .drop(columns="rank")
    )
    names = list(dict.fromkeys(table["label"]))
    colours = {"trained": style.BLUE, "untrained": style.ORANGE}
    fig, (axes,) = style.figure(2, height=1.1 + 0.27 * len(names), sharey=True)
    for ax, convention in zip(axes, SHOWN, strict=True):
        for state, part in table[table["convention"] == convention].groupby("state", sort=False):
            y = [names.index(label) for label in part["label"]]
            style.ranges(
                ax,
                part,
                y,
                color=colours[state],
                label=state,
            )
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel="|correlation| with the mean pixel",
        )
        style.name_rows(ax, names)
        style.grid(ax, "x")
    style.legend_below(fig, axes[0])
    trained = table[table["state"] == "trained"].groupby("convention")["mean"]
    caption = (
        "How well the brightness of an image alone predicts its entry in the P-vector (dot, mean over seeds; bar, range). "
        + " ".join(
            f"{CONVENTIONS[c].capitalize()}, {low:.2f} to {high:.2f} for trained networks."
            for c, low, high in zip(trained.min().index, trained.min(), trained.max(), strict=True)
        )
    )
    return Plate(
        fig,
        table,
        caption,
        f"Dot plots for {view.title}: absolute Pearson correlation between the P-vector's "
        "entries and the mean pixel of each image, by architecture, trained and untrained.",
    )
