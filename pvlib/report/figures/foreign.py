"""Networks that nobody here trained, on the images of CIFAR: with one another and with ours (chapter 3)."""

from __future__ import annotations

import pandas as pd

from ..tables import Study
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import title

SIZE = 224  # pixels, to which the images are enlarged: the largest size that every network was shown
OURS = "trained"  # the study of our networks that stands beside


def agreement(study: Study, ours: Study, *, size: int = SIZE, layer: str = "penultimate") -> pd.DataFrame:
    """|cos| of ImageNet networks at that layer with one another, with networks of the study `ours` at their penultimate layer, with the pixels.

    Returns
    -------
    DataFrame
        dataset, convention, kind (with whom, in the order of the figure), mean, least, most, pairs.
    """
    rows = pd.read_parquet(study.path("agreement.parquet"))
    networks = pd.read_parquet(study.path("networks.parquet")).drop_duplicates("run").set_index("run")
    rows = rows[(rows["layer"] == layer) & (rows["run_a"].map(networks["size"]) == size)]
    foreign = rows[rows["study_b"] == "foreign"]
    other = foreign["run_a"].map(networks["network"]) != foreign["run_b"].map(networks["network"])
    foreign = foreign[other & (foreign["run_b"].map(networks["size"]) == size) & (foreign["layer_b"] == layer)]
    trained = rows[rows["state_a"] == "trained"]
    parts = {
        "one another": foreign[(foreign["state_a"] == "trained") & (foreign["state_b"] == "trained")],
        "one another, untrained": foreign[(foreign["state_a"] == "untrained") & (foreign["state_b"] == "untrained")],
    }
    runs = ours.runs.drop_duplicates("run").set_index("run")
    own = trained[(trained["study_b"] == ours.provenance["study"]) & (trained["state_b"] == "trained")]
    own = own[(own["layer_b"] == "penultimate") & own["run_b"].isin(runs.index)]
    named = own["family_b"].isin(["classifier", "contrastive"])
    own = own.assign(kind=own["run_b"].map(runs["label"]).where(named, own["family_b"] + "s"))
    for family in ("classifier", "contrastive", "autoencoder", "variational autoencoder"):
        for kind in own.loc[own["family_b"] == family, "kind"].unique():
            parts[f"our {kind}"] = own[own["kind"] == kind]
    parts["the pixels"] = trained[(trained["study_b"] == "data") & (trained["run_b"] == "pixels")]
    found = [
        part.groupby(["dataset", "convention"], as_index=False)["cos"]
        .agg(mean="mean", least="min", most="max", pairs="size")
        .assign(kind=kind)
        for kind, part in parts.items()
    ]
    return pd.concat(found, ignore_index=True)[["dataset", "convention", "kind", "mean", "least", "most", "pairs"]]


@style.styled
def figure(study: Study | None, ours: Study | None) -> BookFigure | Missing:
    """Mean and range of |cos| for each kind of partner, a panel for each data set and convention."""
    if study is None or ours is None:
        return Missing("the study of foreign networks, or that of ours beside it, is not published")
    table = agreement(study, ours)
    table["panel"] = table["dataset"].map(title) + ", " + table["convention"]
    panels = [f"{title(dataset)}, {c}" for c in forms.BOTH for dataset in table["dataset"].unique()]
    table["who"] = "mean, and range over pairs of networks"
    fig = forms.rows(
        table, row="kind", hue="who", looks={table["who"].iloc[0]: (style.BLUE, "o")}, ends=("least", "most"), panel="panel",
        panels=panels, xlabel="|cos| with ...", line_height=0.32,
    )  # fmt: skip
    return BookFigure(
        fig,
        table.drop(columns=["panel", "who"]),
        f"Four ImageNet networks shown CIFAR's images enlarged to {SIZE} pixels, penultimate layer: |cos| with one another, with their untrained "
        "copies among themselves, with our networks, and with the pixels. Dot, mean; bar, range.",
        "Dot-and-range plots for CIFAR-10 and CIFAR-100, uncentred and centred: absolute cosine of ImageNet networks with one another, untrained, with "
        "our classifiers, contrastive networks and autoencoders, and with the pixels.",
    )
