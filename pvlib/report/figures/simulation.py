"""Agreement of made-up networks, as their mean grows (chapter 1)."""

from __future__ import annotations

import pandas as pd

from . import forms, style
from .book_figure import BookFigure

_COLOURS = (style.VERMILLION, style.BLUE, style.GREEN, style.PURPLE)


@style.styled
def agreement_by_mean(table: pd.DataFrame) -> BookFigure:
    """Columns convention, networks (the name of a line), mean and cos."""
    names = list(dict.fromkeys(table["networks"]))
    looks = {name: (_COLOURS[number % len(_COLOURS)], "-") for number, name in enumerate(names)}
    fig, _ = forms.lines(
        table, x="mean", y="cos", ends=None, line="networks", looks=looks, log=0.1, xlabel="mean of the features, over their spread",
        ylabel="|cos| of two networks", ylim=(-0.03, 1.03), height=2.8,
    )  # fmt: skip
    return BookFigure(
        fig,
        table,
        "Two simulated networks that share no direction (orange), or one (blue), as the mean of their features grows.",
        "Line plots, uncentred and centred: absolute cosine of two simulated networks against the mean of their features, with and without a "
        "direction that both share.",
    )
