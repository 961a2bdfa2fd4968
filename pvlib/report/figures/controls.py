"""How much of the agreement is the mean direction, and what other controls leave of it (chapter 8)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, LAYERS, View

STATE_COLOURS = {"trained": style.BLUE, "untrained": style.ORANGE, "untrained_raw": style.PURPLE}
STATE_NAMES = {"trained": "trained", "untrained": "untrained", "untrained_raw": "untrained, BatchNorm not calibrated"}
KINDS = {
    ("trained", "trained"): "trained, trained",
    ("untrained", "untrained"): "untrained, untrained",
    ("trained", "untrained"): "trained, untrained",
}
UNCALIBRATED = "untrained, not calibrated"


@style.styled
def mean_direction(view: View, *, layer: str = "penultimate") -> Plate | Missing:
    """Uncentred cosines against what the mean direction alone gives, and the correlation beyond it."""
    parts = []
    for state in ("trained", "untrained"):
        rows = view.of_pairs(
            view.study.pairs, layer=layer, split="train", convention="uncentred", state_a=state, state_b=state
        )
        parts.append(rows[rows["cell_a"] != rows["cell_b"]].assign(state=state))
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        return Missing("no pairs of different architectures")
    rows["mean_direction_alone"] = rows["c_a"] * rows["c_b"]
    table = rows[["state", "label_a", "seed_a", "label_b", "seed_b", "cos", "mean_direction_alone", "r"]]
    fig, (axes,) = style.figure(2, height=3.2)
    low = max(0.0, float(np.floor(20 * min(table["cos"].min(), table["mean_direction_alone"].min())) / 20))
    axes[0].plot([low, 1], [low, 1], color=style.FAINT, linewidth=1, zorder=1)
    axes[0].annotate(
        "mean direction alone",
        (low, low),
        xytext=(14, 4),
        textcoords="offset points",
        color=style.FAINT,
        fontsize=7.5,
        rotation=40,
        rotation_mode="anchor",
    )
    for state, part in table.groupby("state", sort=False):
        options = dict(color=STATE_COLOURS[state], alpha=0.8, linewidths=0, s=14, label=STATE_NAMES[state])
        axes[0].scatter(part["mean_direction_alone"], part["cos"], marker="o", **options)
        axes[1].scatter(part["cos"], part["r"], marker="o", **options)
    axes[0].set(
        xlabel="|cos| from the mean direction alone, $c_u c_v$",
        ylabel="|cos|, uncentred",
        xlim=(low, 1.005),
        ylim=(low, 1.005),
        title="what is observed, what the mean gives",
    )
    axes[1].axhline(0, color=style.FAINT, linewidth=0.8)
    axes[1].set(
        xlabel="|cos|, uncentred",
        ylabel="correlation of the entries, r",
        ylim=(-1.02, 1.02),
        title="what is shared beyond the mean",
    )
    axes[1].legend(loc="lower left")
    medians = table.groupby("state")[["cos", "mean_direction_alone", "r"]].median()
    caption = (
        "Each mark is a pair of networks of different architecture. "
        + " ".join(
            f"{STATE_NAMES[state].capitalize()} pairs: median |cos| {row['cos']:.3f}, of which the mean direction alone gives "
            f"{row['mean_direction_alone']:.3f}; median correlation {row['r']:.2f}."
            for state, row in medians.iterrows()
        )
        + " A mark on the line shares nothing but the constant vector."
    )
    return Plate(
        fig,
        table,
        caption,
        f"Two scatter plots for {view.title}. Left: uncentred absolute cosine of pairs of "
        "networks against the product of their cosines with the constant vector. Right: Pearson correlation of the "
        "entries against the cosine. Trained and untrained pairs differ in colour.",
    )


@style.styled
def constant(view: View) -> Plate | Missing:
    """|cos| of every network's uncentred P-vector with the constant vector."""
    finals = view.of_runs(view.study.finals, layer="penultimate", convention="uncentred", split="train", role="primary")
    if finals.empty:
        return Missing("no final P-vectors")
    table = (
        finals.groupby(["rank", "label", "state"], sort=True)["cos_constant"]
        .agg(["mean", "min", "max", "size"])
        .reset_index()
        .drop(columns="rank")
    )
    data = view.study.data
    data = data[(data["dataset"] == view.dataset) & (data["convention"] == "uncentred") & (data["split"] == "train")]
    extra = pd.DataFrame(
        {
            "label": ["pixels in [0, 1]" if x == "pixels" else "pixels, standardised" for x in data["layer"]],
            "state": "data",
            "mean": data["cos_constant"],
            "min": data["cos_constant"],
            "max": data["cos_constant"],
            "size": 1,
        }
    )
    table = pd.concat([table, extra], ignore_index=True)
    labels = list(dict.fromkeys(table["label"]))
    fig, ((ax,),) = style.figure(height=0.9 + 0.27 * len(labels))
    colours = {**STATE_COLOURS, "data": style.GREEN}
    for state, part in table.groupby("state", sort=False):
        y = [labels.index(label) for label in part["label"]]
        style.ranges(
            ax,
            part,
            y,
            color=colours[state],
            label=STATE_NAMES.get(state, "data"),
            alpha=0.9,
        )
    low = np.floor(10 * table["min"].min() - 0.1) / 10
    ax.set(
        xlim=(max(low, -0.02), 1.003),
        xlabel="|cos| with the constant vector (dot: mean over seeds; bar: range)",
    )
    style.name_rows(ax, labels)
    style.grid(ax, "x")
    style.legend_below(fig, ax)
    trained = table[table["state"] == "trained"]
    least, most = trained.loc[trained["mean"].idxmin()], trained.loc[trained["mean"].idxmax()]
    caption = (
        f"How close the uncentred P-vector is to the constant vector, which knows nothing of any image: {most['mean']:.3f} "
        f"for {most['label']}, {least['mean']:.3f} for {least['label']}. Two vectors that are both close to it are close "
        "to each other."
    )
    return Plate(
        fig,
        table,
        caption,
        f"Dot plot for {view.title}: absolute cosine with the constant vector, one line an "
        "architecture, trained and untrained networks and the raw data in different colours.",
    )


@style.styled
def permutations(view: View) -> Plate | Missing:
    """Observed |cos| against permutations that keep some of what is shared, for every pair of cells."""
    controls = view.of_pairs(view.study.controls, split="train")
    observed = view.of_pairs(view.study.pairs, split="train", layer="penultimate", state_a="trained", state_b="trained")
    if controls.empty:
        return Missing("no control permutations are published")
    by = ["convention", "rank_a", "rank_b", "label_a", "label_b"]
    table = controls.groupby(by)[
        ["free_permutation", "within_class", "within_class_hi", "span_rotation", "residual_cos"]
    ].mean()
    table = table.join(observed.groupby(by)["cos"].mean().rename("observed")).reset_index()
    table = table[table["rank_a"] != table["rank_b"]].drop(columns=["rank_a", "rank_b"])
    if table.empty:
        return Missing("no pairs of different architectures")
    names = [f"{a} – {b}" for a, b in dict.fromkeys(zip(table["label_a"], table["label_b"], strict=True))]
    marks = {
        "observed": ("o", style.INK, "observed"),
        "within_class": ("D", style.GREEN, "permuted within classes"),
        "span_rotation": ("s", style.ORANGE, "class means rotated at random"),
        "free_permutation": ("^", style.VERMILLION, "permuted freely (mean direction alone)"),
        "residual_cos": ("x", style.PURPLE, "left within classes"),
    }
    fig, (axes,) = style.figure(2, height=1.3 + 0.21 * len(names), sharey=True)
    for ax, convention in zip(axes, ("uncentred", "centred"), strict=True):
        part = table[table["convention"] == convention]
        y = [names.index(f"{a} – {b}") for a, b in zip(part["label_a"], part["label_b"], strict=True)]
        for column, (marker, colour, label) in marks.items():
            ax.plot(part[column], y, marker, color=colour, label=label, markersize=4.5)
        ax.set(
            title=CONVENTIONS[convention],
            xlim=(-0.02, 1.02),
            xlabel="|cos|, mean over seeds",
        )
        style.name_rows(ax, names)
        style.grid(ax, "both")
    style.legend_below(fig, axes[0])
    centred = table[table["convention"] == "centred"]
    share = float((centred["observed"] > centred["within_class_hi"]).mean())
    caption = (
        "A mark under the observed one says how much of the agreement survives when only class membership (green), only "
        f"the span of the class means (orange) or only the mean (red) is kept. Centred, {share:.0%} of the pairs of "
        "architectures agree more than a permutation within classes explains (97.5th percentile)."
    )
    return Plate(
        fig,
        table,
        caption,
        f"Dot plots for {view.title}, uncentred and centred: observed absolute cosine of every "
        "pair of architectures, and the same after permutation within classes, random rotation of the class means "
        "and free permutation, and of what is left within classes.",
    )


@style.styled
def layers(view: View) -> Plate | Missing:
    """Median |cos| between different architectures, by layer, convention and training."""
    every = view.of_pairs(view.study.pairs, split="train")
    every = every[every["cell_a"] != every["cell_b"]]
    parts = [_uncalibrated(every)]
    for (state_a, state_b), kind in KINDS.items():
        rows = every[every["state_a"].isin([state_a, state_b]) & every["state_b"].isin([state_a, state_b])]
        parts.append(rows[(rows["state_a"] == rows["state_b"]) == (state_a == state_b)].assign(kind=kind))
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        return Missing("no pairs of different architectures")
    table = rows.groupby(["convention", "layer", "kind"])["cos"].agg(["median", "min", "size"]).reset_index()
    present = [layer for layer in LAYERS if layer in set(table["layer"])]
    shown = [convention for convention in CONVENTIONS if convention in set(table["convention"])]
    widths = [table[table["convention"] == convention]["kind"].nunique() for convention in shown]
    fig, (axes,) = style.figure(len(shown), height=2.6, sharey=True, width_ratios=widths)
    for ax, convention in zip(axes, shown, strict=True):
        part = table[table["convention"] == convention].pivot(index="layer", columns="kind", values="median")
        kinds = [kind for kind in (*KINDS.values(), UNCALIBRATED) if kind in part]
        image = style.heat(
            ax,
            part.reindex(index=present, columns=kinds).to_numpy(),
            rows=[LAYERS[layer] for layer in present],
            columns=kinds,
        )
        ax.set_title(CONVENTIONS[convention])
    bar = fig.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("median |cos|")
    bar.outline.set_visible(False)
    return Plate(
        fig,
        table,
        _layers_caption(table),
        f"Heat maps for {view.title}: median absolute cosine between different "
        "architectures, one map a convention, rows are layers, columns are pairs of trained, of untrained and of "
        "mixed networks.",
    )


def _uncalibrated(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of untrained networks as they were made; empty where none has BatchNorm, for calibration is then nothing."""
    raw = set(pairs.loc[pairs["state_a"] == "untrained_raw", "run_a"])
    raw |= set(pairs.loc[pairs["state_b"] == "untrained_raw", "run_b"])
    fits = np.ones(len(pairs), dtype=bool)
    for end in "ab":
        state, has_raw = pairs[f"state_{end}"], pairs[f"run_{end}"].isin(raw)
        fits &= np.where(has_raw, state == "untrained_raw", state == "untrained")
    places = pairs.loc[fits & ((pairs["state_a"] == "untrained_raw") | (pairs["state_b"] == "untrained_raw")), "layer"]
    return pairs[fits & pairs["layer"].isin(places)].assign(kind=UNCALIBRATED)


def _layers_caption(table: pd.DataFrame) -> str:
    wide = table.pivot(index=["convention", "layer"], columns="kind", values="median")
    gain = (wide["trained, trained"] - wide["untrained, untrained"]).dropna()
    text = "Median over all pairs of different architectures that both have the layer. "
    if UNCALIBRATED in wide:
        moved = (wide[UNCALIBRATED] - wide["untrained, untrained"]).abs().max()
        text += f"Without calibrating BatchNorm the untrained medians move by up to {moved:.2f}. "
    if gain.empty:
        return text + "There is no untrained control."
    (convention, layer), most = gain.idxmax(), gain.max()
    if most <= 0:
        return text + "Nowhere do trained pairs agree more than untrained ones."
    return text + (
        f"Training adds most agreement at the layer '{LAYERS[layer]}', {CONVENTIONS[convention]} (median higher by "
        f"{most:.2f} than between untrained networks); it adds none in {(gain <= 0).sum()} of {len(gain)} combinations."
    )
