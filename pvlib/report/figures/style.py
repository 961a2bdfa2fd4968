"""How figures look: colours, marks, ink that follows the page from light to dark."""

from __future__ import annotations

import functools
import html
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

# In the book's pages this blue is a variable, because it is too dark for the dark page (book/_static/figures.css).
PAGE_BLUE = "var(--pv-blue, #0072b2)"
# Drawn with, and replaced by the colour of the page's text when the figure becomes SVG.
INK = "#010203"
FAINT = "#8a8a8a"  # grids and secondary marks: 3:1 or better on white and on the dark page
# Okabe and Ito (2008), ordered so that the first ones stand out on white and on dark alike.
BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
OLIVE = "#999933"
COLOURS = {
    "mlp": BLUE,
    "lenet": VERMILLION,
    "resnet20": GREEN,
    "mlp_ae": OLIVE,
    "conv_ae": ORANGE,
    "simclr_lenet": PURPLE,
    "simclr_resnet20": PURPLE,
    "mlp_dae": OLIVE,
    "conv_dae": ORANGE,
    "mlp_vae": SKY,
    "conv_vae": FAINT,
}
# Of two networks, by the families that they belong to: words, colour, marker.
RELATIONS = {
    "classifier-classifier": ("two classifiers", BLUE, "o"),
    "autoencoder-autoencoder": ("two autoencoders", ORANGE, "s"),
    "contrastive-contrastive": ("two contrastive networks", FAINT, "P"),
    "classifier-autoencoder": ("classifier and autoencoder", VERMILLION, "^"),
    "contrastive-classifier": ("contrastive and classifier", PURPLE, "D"),
    "contrastive-autoencoder": ("contrastive and autoencoder", GREEN, "v"),
}
STATES = {"trained": (BLUE, "o"), "untrained": (ORANGE, "D")}  # colour and marker
MARKERS = {"classification": "o", "reconstruction": "s", "contrastive": "D"}
LINES = {"classification": "-", "reconstruction": "--", "contrastive": ":"}
# Autoencoders told from one another without colour
DASHES = {"conv_ae": "-.", "conv_dae": "-.", "conv_vae": "-.", "mlp_dae": ":"}
SEQUENTIAL = "viridis"
WIDTH = 7.4  # inches: what the text column of the book is wide

RC: dict[Any, Any] = {  # Matplotlib's hints name each key
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "figure.dpi": 100,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": FAINT,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "axes.grid": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",
    "hatch.color": FAINT,
    "figure.constrained_layout.use": True,
    "image.interpolation": "nearest",
}


def styled(draw: Callable) -> Callable:
    """Decorator: draw in the book's style, and leave Matplotlib's own settings as they were."""

    @functools.wraps(draw)
    def inside(*args, **kwargs):
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return inside


def figure(
    columns: int = 1, rows: int = 1, *, height: float = 2.6, width: float = WIDTH, **options
) -> tuple[Figure, np.ndarray]:
    """A figure and its (rows, columns) array of axes; pyplot keeps no reference to it."""
    fig = Figure(figsize=(width, height))
    return fig, fig.subplots(rows, columns, squeeze=False, **options)


def colour(architecture: str) -> str:
    """The colour that an architecture has in every figure."""
    return COLOURS.get(architecture, FAINT)


def degrees_from_cosine(cosine):
    """|cos| as published (7 to 8 digits) to degrees, for axes only."""
    return np.degrees(np.arccos(np.minimum(cosine, 1.0)))


def svg(fig: Figure, *, name: str, alt: str, ink: str = "currentColor") -> str:
    """The figure as an inline SVG element: the same bytes for the same figure, ink as the page has it.

    Parameters
    ----------
    name
        Unique on its page; the ids inside the SVG are made from it.
    alt
        What somebody who cannot see the figure is told.
    ink
        Colour of text and axes; "currentColor" follows the page.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**RC, "svg.hashsalt": name}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    referred = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in referred else "", text)
    text = re.sub(r'(href="|url\()#', rf"\1#{name}-", text)
    text = re.sub(r"\s*\n\s*", "\n", text).strip().replace(INK, ink)
    text = re.sub(r"<g/>\n", "", text)  # a tick without a line
    while (fewer := re.sub(r"<g>\n</g>\n", "", text)) != text:
        text = fewer
    # Two decimals are a fiftieth of a pixel; Matplotlib writes six. What stands between tags is read by people: it stays.
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _two_decimals, tag[0]), text)
    text = re.sub(r' transform="rotate\(-0 [^"]*"', "", text).replace(
        "'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif"
    )
    if ink == "currentColor":
        text = text.replace(f": {BLUE.lower()}", f": {PAGE_BLUE}")
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" ', 1)


def _two_decimals(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
