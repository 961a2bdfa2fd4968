"""A figure with all that belongs to it: its table, its caption, its alternative text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pandas as pd
from matplotlib.figure import Figure


class Picture(Protocol):
    """What is not drawn by Matplotlib gives its own HTML."""

    def pages(self, name: str, alt: str) -> tuple[str, str]:
        """HTML for the book's page and for Jupyter; `name` is unique on the page."""


@dataclass(frozen=True)
class BookFigure:
    """One figure of the book.

    Attributes
    ----------
    figure
        The picture.
    table
        The numbers in the picture: what the reader can download.
    caption
        What is shown and what to conclude, in plain words.
    alt
        What somebody who cannot see the picture is told.
    """

    figure: Figure | Picture
    table: pd.DataFrame
    caption: str
    alt: str


@dataclass(frozen=True)
class Missing:
    """There is nothing to draw, and why: the page says it in words."""

    reason: str
