"""What one P-vector looks like: the images at its two ends, brightness, the spectrum behind it (chapter 1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from . import forms, style
from .book_figure import BookFigure


@style.styled
def ends(images: np.ndarray, vectors: Mapping[str, np.ndarray], labels: np.ndarray, *, count: int = 12) -> BookFigure:
    """The images with the smallest and the largest entries of each vector.

    Parameters
    ----------
    images
        (n, H, W) grey images, in the order of the vectors' entries.
    vectors
        Name -> (n,) P-vector.
    labels
        (n,) class of each image.
    """
    fig, axes = style.figure(1, 2 * len(vectors), height=0.75 * 2 * len(vectors) + 0.2)
    rows = []
    for number, (name, vector) in enumerate(vectors.items()):
        order = np.argsort(vector, kind="stable")
        for end, chosen, ax in (
            ("smallest", order[:count], axes[2 * number, 0]),
            ("largest", order[::-1][:count], axes[2 * number + 1, 0]),
        ):
            ax.imshow(
                np.hstack([np.pad(images[i], 1, constant_values=images.max() * 0.5) for i in chosen]), cmap="gray"
            )
            ax.set_xticks([]), ax.set_yticks([])
            ax.spines[:].set_visible(False)
            ax.set_title(f"{name}: {end} entries")
            rows += [
                {"vector": name, "end": end, "image": int(i), "label": int(labels[i]), "entry": float(vector[i])}
                for i in chosen
            ]
    table = pd.DataFrame(rows)
    said = []
    for name in vectors:
        part = table[table["vector"] == name]
        low, high = (_classes(part[part["end"] == end]["label"]) for end in ("smallest", "largest"))
        said.append(f"{sentence(name)}: mostly {low} at one end, {high} at the other.")
    return BookFigure(
        fig,
        table,
        " ".join(said),
        "Rows of handwritten digits: for each P-vector, the images with its smallest "
        "entries and those with its largest.",
    )


def sentence(text: str) -> str:
    """With a capital at the start, the rest as it is."""
    return text[:1].upper() + text[1:]


def _classes(labels: pd.Series) -> str:
    counts = labels.value_counts()
    most = counts[counts >= 0.2 * len(labels)]
    return " and ".join(f"'{label}'" for label in most.index) if len(most) else "a mixture"


@style.styled
def brightness(mean_pixel: np.ndarray, vectors: Mapping[str, np.ndarray]) -> BookFigure:
    """Entries of each vector against the mean pixel of each image."""
    fig, (axes,) = style.figure(len(vectors), height=2.7)
    tables, said = [], []
    for ax, (name, vector) in zip(axes, vectors.items(), strict=True):
        entries = vector * np.sqrt(len(vector))
        r = round(float(np.corrcoef(mean_pixel, vector)[0, 1]), 2) + 0.0  # no "-0.00"
        ax.scatter(mean_pixel, entries, s=6, alpha=0.5, color=style.BLUE, linewidths=0, rasterized=True)
        ax.axhline(1 if abs(entries.mean()) > 0.5 else 0, color=style.FAINT, linewidth=1)
        ax.set(title=f"{name}\nr = {r:.2f}", xlabel="mean pixel of the image", ylabel="entry × √n")
        tables.append(pd.DataFrame({"vector": name, "mean_pixel": mean_pixel, "entry_sqrt_n": entries}))
        said.append(f"{sentence(name)}: correlation with the mean pixel {r:.2f}.")
    return BookFigure(
        fig,
        pd.concat(tables, ignore_index=True),
        " ".join(said) + " The grey line is the constant vector (uncentred) or zero (centred).",
        "Scatter plots: the entry of each image in a P-vector against the mean pixel of that "
        "image, one panel a vector.",
    )


@style.styled
def spectrum(sigmas: Mapping[str, np.ndarray]) -> BookFigure:
    """The first singular values of each matrix, relative to the first."""
    fig, ((ax,),) = style.figure(height=2.5)
    colours = (style.ORANGE, style.BLUE, style.GREEN, style.PURPLE)
    rows = []
    for (name, values), colour in zip(sigmas.items(), colours, strict=False):
        relative = np.asarray(values) / values[0]
        ax.plot(
            range(1, len(values) + 1), relative, "o-", color=colour, label=f"{name} (σ₁/σ₂ = {1 / relative[1]:.2f})"
        )
        rows += [
            {"matrix": name, "number": i + 1, "sigma": float(v), "relative": float(r)}
            for i, (v, r) in enumerate(zip(values, relative, strict=True))
        ]
    ax.set(xlabel="number of the singular value", ylabel="σ / σ₁", ylim=(0, 1.05))
    forms.grid(ax)
    ax.legend()
    table = pd.DataFrame(rows)
    ratios = {name: values[0] / values[1] for name, values in sigmas.items()}
    narrow, wide = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    return BookFigure(
        fig,
        table,
        f"The gap between the first two singular values decides how well the P-vector is defined: "
        f"{ratios[wide]:.2f} to 1 for {wide}, {ratios[narrow]:.2f} to 1 for {narrow}.",
        "Line plot: singular values relative to the first, one line a matrix.",
    )
