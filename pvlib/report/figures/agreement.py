"""Which networks agree with which, and whether training did it (chapter 3)."""

from __future__ import annotations

import math

import pandas as pd

from ..answers.summary import Summary
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import CONVENTIONS, View, title

FEW = Missing("fewer than two architectures have five seeds that reached their floor")
BY_RELATION = {words: (colour, marker) for words, colour, marker in style.RELATIONS.values()}


@style.styled
def heat_maps(view: View) -> BookFigure | Missing:
    """Mean |cos| of every two architectures, uncentred and centred, trained and untrained; the diagonal: two seeds of one."""
    runs = view.judging.entering(view.dataset)
    names = [name for name in view.architectures if name in set(runs["architecture"])]
    if len(names) < 2:
        return FEW
    tables, maps = [], {}
    for i, state in enumerate(style.STATES):
        for j, convention in enumerate(forms.BOTH):
            networks = view.judging.networks(runs, state, convention)
            cos = pd.DataFrame(math.nan, index=names, columns=names)
            for row, a in enumerate(names):
                for b in names[: row + 1]:
                    if {a, b} <= set(networks.members):
                        cos.loc[a, b] = networks.mean((a, b))
            cos = cos.rename(index=view.architectures, columns=view.architectures)
            maps[i, j] = (f"{CONVENTIONS[convention]}, {state}", cos)
            long = cos.rename_axis(index="one", columns="two").stack().rename("mean").reset_index()
            tables.append(long.assign(state=state, convention=convention))
    return BookFigure(
        forms.heat(maps, label="mean |cos| between P-vectors", cell_height=0.34),
        pd.concat(tables, ignore_index=True),
        "Mean |cos| over pairs of seeds, penultimate layer, training anchor. On the diagonal, two seeds of one architecture. "
        "Compare above (trained) with below (untrained), and within one family with between families.",
        f"Four heat maps for {view.title}: mean absolute cosine between the P-vectors of every two architectures, uncentred and "
        "centred side by side, trained networks above, untrained below.",
    )


def pairs_by_state(view: View) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`Judging.pairs` under both conventions as figures name them, by relation; and the same with a row for each state.

    Returns
    -------
    DataFrame, DataFrame
        The second: convention, relation (in words), pair (labels), state, mean, lo, hi.
    """
    order = list(style.RELATIONS)
    tables = [view.judging.pairs(view.dataset, convention).assign(convention=convention) for convention in forms.BOTH]
    wide = pd.concat(tables, ignore_index=True)
    if wide.empty:
        return wide, wide
    wide = wide.assign(
        pair=wide["pair"].map(view.pair_label),
        order=wide["relation"].map(order.index),
        relation=[style.RELATIONS[name][0] for name in wide["relation"]],
    ).sort_values(["order", "pair"], kind="stable")
    columns = {"trained": ("mean", "mean_lo", "mean_hi"), "untrained": ("untrained", "untrained_lo", "untrained_hi")}
    parts = [
        wide.assign(state=state, mean=wide[mean], lo=wide[lo], hi=wide[hi]) for state, (mean, lo, hi) in columns.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return wide, table[["convention", "relation", "pair", "state", "mean", "lo", "hi"]]


@style.styled
def intervals(view: View) -> BookFigure | Missing:
    """Mean |cos| of every two architectures with its interval, untrained beside trained, and the noise ceiling."""
    wide, table = pairs_by_state(view)
    if table.empty:
        return FEW
    ceiling = wide.assign(state="most that seeds allow", mean=wide["ceiling"], lo=math.nan, hi=math.nan)
    table = pd.concat([table, ceiling[table.columns]], ignore_index=True)
    fig = forms.rows(
        table, row="pair", hue="state", looks={**style.STATES, "most that seeds allow": (style.INK, "|")},
        xlabel="mean |cos|, 95 % interval", xlim=None, lines=[view.judging.claims.agreement.threshold.at_least],
    )  # fmt: skip
    return BookFigure(
        fig,
        table,
        "Dot, mean |cos| over pairs of seeds; bar, 95 % interval over seeds; dashed line, 0.9. The upright tick is the noise "
        "ceiling: where two seeds of one architecture do not agree, no other network can agree with both.",
        f"Interval plots for {view.title}, uncentred and centred: mean absolute cosine of every pair of architectures with its 95 "
        "percent interval, trained and untrained, its noise ceiling, and the threshold of 0.9.",
    )


@style.styled
def training_effect(summary: Summary) -> BookFigure | Missing:
    """Trained minus untrained, over the pairs of each relation of families; a panel a convention."""
    if summary.agreement.empty:
        return FEW
    table = summary.agreement
    table = table[table["variational"] & (table["set"] != "all")]
    words = {name: text for name, (text, *_) in style.RELATIONS.items()}
    table = table.assign(data=table["dataset"].map(title), relation=table["set"].map(words))
    table = table.sort_values("set", key=lambda names: names.map(list(style.RELATIONS).index), kind="stable")
    columns = [
        "convention",
        "relation",
        "data",
        "pairs",
        "mean",
        "untrained",
        "difference",
        "difference_lo",
        "difference_hi",
    ]
    looks = dict(
        zip(
            ["MNIST", "CIFAR-10", "CIFAR-100"],
            [(style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "D")],
            strict=True,
        )
    )
    fig = forms.rows(
        table, row="relation", hue="data", looks=looks, mean="difference", ends=("difference_lo", "difference_hi"),
        xlabel="mean |cos|, trained minus untrained", xlim=(-0.9, 0.7), lines=[0.0], line_height=0.5,
    )  # fmt: skip
    return BookFigure(
        fig,
        table[columns],
        "What training changes: the mean |cos| of trained pairs less that of the same pairs before training, with its 95 % interval "
        "over seeds. Left of the dashed line, training drives networks apart.",
        "Interval plots, uncentred and centred: the difference that training makes to mean absolute cosines, a line for each "
        "relation of families, a colour for each data set.",
    )


@style.styled
def spans(view: View) -> BookFigure | Missing:
    """Overlap of centred spans of k directions, trained and untrained, by relation of families."""
    rows = view.of_two_architectures(view.study.spans, split="train", convention="centred")
    own = view.of_pairs(view.study.spans, split="train", convention="centred")
    own = own[own["cell_a"] == own["cell_b"]].assign(relation="two seeds of one network")
    rows = pd.concat([own, rows], ignore_index=True)
    if rows.empty:
        return Missing("no spans are published")
    rows["panel"] = [f"spans of {k} directions" for k in rows["k"]]
    sizes = [f"spans of {k} directions" for k in sorted(rows["k"].unique())]
    order = ["two seeds of one network", *(words for words, *_ in style.RELATIONS.values())]
    table = forms.over_seeds(rows, ["panel", "state", "relation"], "overlap")
    random = (
        rows.groupby(["panel", "relation"], as_index=False)["overlap_null"]
        .mean()
        .rename(columns={"overlap_null": "mean"})
    )
    table = pd.concat([table, random.assign(state="random spans")], ignore_index=True)
    table = table.sort_values("relation", key=lambda names: names.map(order.index), kind="stable")
    fig = forms.rows(
        table, row="relation", hue="state", looks={**style.STATES, "random spans": (style.FAINT, "|")},
        panel="panel", panels=sizes, xlabel="overlap, tr(P₁P₂)/k", line_height=0.36, across=3,
    )  # fmt: skip
    return BookFigure(
        fig,
        table.rename(columns={"panel": "spans", "lo": "least", "hi": "most", "seeds": "pairs"}),
        "Overlap of the spans of the first k centred directions of two networks: 1 for the same span. Dot, mean over pairs of networks; "
        "bar, range; tick, random spans.",
        f"Dot-and-range plots for {view.title}: overlap of centred spans of two and more directions, by relation of the two "
        "networks, trained, untrained and random.",
    )


_OTHERS = {
    "test anchor": (style.BLUE, "o"),
    "whole training set": (style.ORANGE, "s"),
    "whole test set": (style.GREEN, "D"),
}


@style.styled
def other_samples(view: View) -> BookFigure | Missing:
    """Mean |cos| of pairs of architectures on the training anchor against the same on other samples."""
    pairs = view.study.pairs
    pairs = pairs[(pairs["state_a"] == "trained") & (pairs["state_b"] == "trained") & (pairs["layer"] == "penultimate")]
    anchors = view.of_two_architectures(pairs, convention=list(forms.BOTH))
    whole = view.of_two_architectures(view.study.full, convention=list(forms.BOTH))
    by = ["convention", "pair"]
    parts = {
        "test anchor": anchors[anchors["split"] == "test"],
        "whole training set": whole[whole["split"] == "train"],
        "whole test set": whole[whole["split"] == "test"],
    }
    first = anchors[anchors["split"] == "train"].groupby(by)["cos"].mean().rename("training_anchor")
    found = [
        part.groupby(by)["cos"].mean().rename("other").reset_index().assign(samples=name)
        for name, part in parts.items()
        if len(part)
    ]
    if not found or first.empty:
        return Missing("only one sample of images is published")
    table = pd.concat(found, ignore_index=True).join(first, on=by).dropna()
    fig, _ = forms.scatter(
        table, x="training_anchor", y="other", hue="samples", looks=_OTHERS, diagonal=True, share=False,
        xlabel="mean |cos| on the training anchor", ylabel="on other samples",
    )  # fmt: skip
    return BookFigure(
        fig,
        table,
        "Each mark is a pair of architectures. On the dashed line, other samples give the same mean |cos|.",
        f"Scatter plots for {view.title}, uncentred and centred: mean absolute cosine of each pair of architectures on the training "
        "anchor against that on the test anchor and on the whole sets.",
    )


@style.styled
def other_training_data(view: View) -> BookFigure | Missing:
    """Networks trained on another data set, shown the same images, beside those trained on the images' own."""
    across = view.study.across
    across = across[(across["layer"] == "penultimate") & (across["anchor"] == view.dataset)]
    if across.empty:
        return Missing("no network that was trained on other data was shown these images")
    runs = view.study.runs.set_index("run")
    named = {end: across[f"run_{end}"].map(runs["objective"]) for end in "ab"}
    same = across[(named["a"] == named["b"]).to_numpy()]
    architecture = same["run_a"].map(runs["architecture"]) == same["run_b"].map(runs["architecture"])
    same = same[architecture.to_numpy()]
    same = same.assign(label=same["run_a"].map(runs["label"]), kind="trained on the other data set")
    own = view.of_pairs(view.study.pairs, layer="penultimate", split="train")
    own = own[(own["cell_a"] == own["cell_b"]) & (own["state_a"] == own["state_b"])]
    own = own.assign(label=own["label_a"], kind="trained on these images' set", state=own["state_a"])
    rows = pd.concat([own, same], ignore_index=True)
    rows = rows[rows["convention"].isin(forms.BOTH)]
    rows.loc[rows["state"] == "untrained", "kind"] = "untrained"
    rows = rows[rows["label"].isin(set(same["label"])) & rows["state"].isin(["trained", "untrained"])]
    table = forms.over_seeds(rows, ["convention", "label", "kind"], "cos")
    looks = {
        "trained on these images' set": (style.BLUE, "o"),
        "trained on the other data set": (style.VERMILLION, "s"),
        "untrained": (style.ORANGE, "D"),
    }
    fig = forms.rows(
        table,
        row="label",
        hue="kind",
        looks=looks,
        xlabel=f"|cos| with networks trained on {view.title}",
        line_height=0.4,
    )
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most", "seeds": "pairs"}),
        f"Networks shown {view.title}: two seeds of one architecture trained on it (blue), one of them trained on the other data set "
        "(red), and both untrained. Dot, mean; bar, range.",
        f"Dot-and-range plots for {view.title}, uncentred and centred: absolute cosine of two networks of one architecture, both "
        "trained on these data, one trained on other data, and both untrained.",
    )
