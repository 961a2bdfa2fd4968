"""A picture with a slider, for the browser alone: the P-vector as the mean moves away from zero (chapter 1)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import style
from .book_figure import BookFigure

SCRIPT = "../_static/plotly/plotly-basic.min.js"  # vendored with the book: no page asks another host
LIMITS = (-3.3, 7.3)


@dataclass(frozen=True)
class Interactive:
    """A plotly figure, whose text takes the colour of the page (book/_static/figures.css)."""

    figure: Any

    def pages(self, name: str, alt: str) -> tuple[str, str]:
        """With the book's own copy of plotly.js, and with that of a content network for a live notebook."""
        return self._html(name, alt, SCRIPT), self._html(name, alt, "cdn")

    def _html(self, name: str, alt: str, script: str) -> str:
        div = self.figure.to_html(
            full_html=False,
            include_plotlyjs=script,
            div_id=name,
            default_height="680px",
            config={"displayModeBar": False, "responsive": True},
        )
        lines = "\n".join(line for line in div.splitlines() if line.strip())
        return f'<div class="pv-plotly" role="group" aria-label="{html.escape(alt, quote=True)}">{lines}</div>'


def offset_slider(
    points: Sequence[np.ndarray], uncentred: Sequence, centred: Sequence, offsets: Sequence[float]
) -> BookFigure:
    """Samples with two features, moved away from the origin step by step, and their P-vectors.

    Parameters
    ----------
    points
        For each step, (n, 2) features.
    uncentred, centred
        For each step, the P-vector of these features with (n,) entries.
    offsets
        For each step, how far the mean is from zero.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    fig = make_subplots(2, 1, subplot_titles=("the samples", "entries of the P-vector × √n"), vertical_spacing=0.16)
    for step, shifted in enumerate(points):
        for trace, column in _traces(go, shifted, uncentred[step], centred[step], visible=step == 0):
            fig.add_trace(trace, row=column, col=1)
    each = len(fig.data) // len(offsets)
    steps = [
        {
            "method": "restyle",
            "label": f"{offset:g}",
            "args": [{"visible": [i // each == n for i in range(len(fig.data))]}],
        }
        for n, offset in enumerate(offsets)
    ]
    fig.update_layout(
        sliders=[
            {
                "currentvalue": {"prefix": "distance of the mean from zero: "},
                "pad": {"t": 90},
                "bgcolor": style.FAINT,
                "steps": steps,
            }
        ],
        height=680,
        margin={"l": 50, "r": 10, "t": 30, "b": 20},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.13, "x": 0},
        font={"size": 12},
        template="none",
        dragmode=False,
    )
    faint = "rgba(138,138,138,0.35)"
    fig.update_xaxes(gridcolor=faint, zerolinecolor=style.FAINT, fixedrange=True)
    fig.update_yaxes(gridcolor=faint, zerolinecolor=style.FAINT, fixedrange=True)
    fig.update_xaxes(title="first feature", range=LIMITS, row=1, col=1)
    fig.update_yaxes(title="second feature", range=LIMITS, row=1, col=1)
    fig.update_xaxes(title="sample", row=2, col=1)
    fig.update_yaxes(range=[-3.2, 3.2], row=2, col=1)
    table = _table(points, uncentred, centred, offsets)
    ends = [abs(float(np.mean(u))) * np.sqrt(len(u)) for u in (uncentred[0], uncentred[-1])]
    turn = max(1 - abs(float(u @ centred[0])) for u in centred)
    return BookFigure(
        Interactive(fig),
        table,
        f"As the mean moves away from zero, the |cos| of the uncentred P-vector with the constant vector goes from {ends[0]:.2f} to "
        f"{ends[1]:.3f}: it turns into a vector that is the same for every data set. The centred one does not move (1 − |cos| is "
        f"{'below 10⁻¹²' if turn < 1e-12 else f'{turn:.0e} at most'}).",
        "Interactive picture. Above: samples with two features, which a slider moves away from zero. Below: the entries of the "
        "uncentred P-vector, which flatten towards the constant vector, and of the centred one, which do not change.",
    )


def _traces(go, points, uncentred, centred, *, visible: bool):
    root = np.sqrt(len(points))
    mean = points.mean(axis=0)
    yield (
        go.Scatter(
            x=_short(points[:, 0]),
            y=_short(points[:, 1]),
            mode="markers",
            name="samples",
            visible=visible,
            marker={"color": style.FAINT, "size": 6},
        ),
        1,
    )
    yield (
        go.Scatter(
            x=_short([0, mean[0]]),
            y=_short([0, mean[1]]),
            mode="lines+markers",
            name="from zero to the mean",
            visible=visible,
            line={"color": style.VERMILLION, "width": 2},
        ),
        1,
    )
    for vector, name, colour, symbol in (
        (uncentred, "uncentred", style.ORANGE, "circle-open"),
        (centred, "centred", "#2f8fd0", "diamond"),
    ):
        yield (
            go.Scatter(
                y=_short(vector * root),
                mode="markers",
                name=name,
                visible=visible,
                marker={"color": colour, "size": 7, "symbol": symbol},
            ),
            2,
        )
    yield (
        go.Scatter(
            x=[0, len(points) - 1],
            y=[1, 1],
            mode="lines",
            name="constant vector",
            visible=visible,
            line={"color": style.FAINT, "dash": "dash"},
        ),
        2,
    )


def _short(values) -> list[float]:
    """Three decimals: the same text on every machine, and pages a third as long."""
    return [round(float(value), 3) + 0.0 for value in values]


def _table(points, uncentred, centred, offsets) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "offset": offset,
                "sample": range(len(p)),
                "first": p[:, 0],
                "second": p[:, 1],
                "uncentred": u,
                "centred": c,
            }
        )
        for p, u, c, offset in zip(points, uncentred, centred, offsets, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)
