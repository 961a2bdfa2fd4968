"""Networks that nobody here trained, on the images of CIFAR: with one another and with ours (chapter 3)."""

from __future__ import annotations

import pandas as pd

from ..tables import Study
from . import style
from .plate import Missing, Plate
from .view import CONVENTIONS, title

SIZE = 128  # pixels, to which the images are enlarged: the largest size that every network was shown
KINDS = {
    "one another": style.BLUE,
    "one another, untrained": style.ORANGE,
    "our classifiers": style.GREEN,
    "our contrastive networks": style.PURPLE,
    "our autoencoders": style.SKY,
    "the pixels": style.FAINT,
}


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
        (trained["study_b"] == "quick") & (trained["state_b"] == "trained") & (trained["layer_b"] == "penultimate")
    ]
    parts = {
        "one another": foreign[(foreign["state_a"] == "trained") & (foreign["state_b"] == "trained")],
        "one another, untrained": foreign[(foreign["state_a"] == "untrained") & (foreign["state_b"] == "untrained")],
        "our classifiers": ours[ours["family_b"] == "classifier"],
        "our contrastive networks": ours[ours["family_b"] == "contrastive"],
        "our autoencoders": ours[ours["family_b"] == "autoencoder"],
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
def figure(study: Study | None) -> Plate | Missing:
    """Mean and range of |cos| for each kind of partner, a panel a data set and convention."""
    if study is None:
        return Missing("the study of foreign networks is not published")
    table = agreement(study)
    datasets, conventions = list(table["dataset"].unique()), ["uncentred", "centred"]
    fig, axes = style.figure(len(datasets), 2, height=4.2, sharex=True, sharey=True)
    for row, convention in zip(axes, conventions, strict=True):
        for ax, dataset in zip(row, datasets, strict=True):
            part = table[(table["dataset"] == dataset) & (table["convention"] == convention)].set_index("kind")
            for place, (kind, colour) in enumerate(KINDS.items()):
                if kind in part.index:
                    one = part.loc[kind]
                    ax.plot([one["least"], one["most"]], [place, place], color=colour, lw=2, alpha=0.6)
                    ax.plot(one["mean"], place, "o", color=colour)
            ax.set(xlim=(-0.02, 1.02), title=f"{title(dataset)}, {CONVENTIONS[convention]}")
            style.name_rows(ax, list(KINDS))
            style.grid(ax, "x")
    for ax in axes[-1]:
        ax.set_xlabel("|cos| with ...")
    return Plate(
        fig,
        table,
        f"Four ImageNet networks shown CIFAR's images enlarged to {SIZE} pixels, penultimate layer: mean (dot) and range (line) of |cos| with one another, "
        "with their untrained copies among themselves, with our networks, and with the pixels.",
        "Dot-and-range plots for CIFAR-10 and CIFAR-100, uncentred and centred: absolute cosine of ImageNet networks with one another, untrained, with "
        "our classifiers, contrastive networks and autoencoders, and with the pixels.",
    )  # fmt: skip
