"""Networks that nobody here trained, on the images of CIFAR: with one another and with ours (chapter 3)."""

from __future__ import annotations

import pandas as pd

from ..tables import Study
from . import forms, style
from .book_figure import BookFigure, Missing
from .view import title

SIZE = 128  # pixels, to which the images are enlarged: the largest size that every network was shown
OURS = "trained"  # the study of our networks that stands beside
KINDS = (
    "one another",
    "one another, untrained",
    "our classifiers",
    "our contrastive networks",
    "our autoencoders",
    "our variational autoencoders",
    "the pixels",
)


def agreement(study: Study, *, size: int = SIZE, layer: str = "penultimate") -> pd.DataFrame:
    """dataset, convention, kind, mean, least, most, pairs: |cos| of ImageNet networks at that layer; ours at their penultimate."""
    rows = pd.read_parquet(study.path("agreement.parquet"))
    networks = pd.read_parquet(study.path("networks.parquet")).drop_duplicates("run").set_index("run")
    rows = rows[(rows["layer"] == layer) & (rows["run_a"].map(networks["size"]) == size)]
    foreign = rows[rows["study_b"] == "foreign"]
    other = foreign["run_a"].map(networks["network"]) != foreign["run_b"].map(networks["network"])
    foreign = foreign[other & (foreign["run_b"].map(networks["size"]) == size) & (foreign["layer_b"] == layer)]
    trained = rows[rows["state_a"] == "trained"]
    ours = trained[
        (trained["study_b"] == OURS) & (trained["state_b"] == "trained") & (trained["layer_b"] == "penultimate")
    ]
    parts = {
        "one another": foreign[(foreign["state_a"] == "trained") & (foreign["state_b"] == "trained")],
        "one another, untrained": foreign[(foreign["state_a"] == "untrained") & (foreign["state_b"] == "untrained")],
        "our classifiers": ours[ours["family_b"] == "classifier"],
        "our contrastive networks": ours[ours["family_b"] == "contrastive"],
        "our autoencoders": ours[ours["family_b"] == "autoencoder"],
        "our variational autoencoders": ours[ours["family_b"] == "variational autoencoder"],
        "the pixels": trained[(trained["study_b"] == "data") & (trained["run_b"] == "pixels")],
    }
    found = [
        part.groupby(["dataset", "convention"], as_index=False)["cos"]
        .agg(mean="mean", least="min", most="max", pairs="size")
        .assign(kind=kind)
        for kind, part in parts.items()
    ]
    return pd.concat(found, ignore_index=True)[["dataset", "convention", "kind", "mean", "least", "most", "pairs"]]


@style.styled
def figure(study: Study | None) -> BookFigure | Missing:
    """Mean and range of |cos| for each kind of partner, a panel for each data set and convention."""
    if study is None:
        return Missing("the study of foreign networks is not published")
    table = agreement(study)
    table["panel"] = table["dataset"].map(title) + ", " + table["convention"]
    panels = [f"{title(dataset)}, {c}" for c in forms.BOTH for dataset in table["dataset"].unique()]
    table = table.sort_values("kind", key=lambda names: names.map(KINDS.index), kind="stable")
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
