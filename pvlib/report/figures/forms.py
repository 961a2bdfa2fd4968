"""The few forms that the figures have: rows of dots with ranges, lines, scatter plots, heat maps. What they show is said elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from . import style
from .view import CONVENTIONS

BOTH = ("uncentred", "centred")
SHORT_AXIS = 30  # times its beginning
Looks = Mapping[str, tuple[str, str]]  # value of a column -> colour, and marker or kind of line


def rows(
    table: pd.DataFrame,
    *,
    row: str,
    mean: str = "mean",
    ends: tuple[str, str] | None = ("lo", "hi"),
    hue: str,
    looks: Looks,
    xlabel: str,
    panel: str = "convention",
    panels: Sequence[str] = BOTH,
    xlim: tuple[float, float] | None = (-0.02, 1.02),
    lines: Sequence[float] = (),
    line_height: float = 0.27,
    across: int = 2,
) -> Figure:
    """A line for each value of `row`, a panel for each convention, `across` a row: dots, with a bar between `ends` where known.

    `xlim`: of all panels; None: each panel is as wide as its own numbers, up to 1 at least.
    """
    names = list(dict.fromkeys(table[row]))
    shown = [name for name in looks if name in set(table[hue])]
    step = min(0.22, 0.62 / max(len(shown), 1))
    across = min(across, len(panels))
    down = -(-len(panels) // across)
    height = 0.5 + down * (0.65 + max(line_height, 0.12 * len(shown)) * len(names))
    fig, axes = style.figure(across, down, height=height, sharex=xlim is not None, sharey=True)
    for ax, name in zip(axes.flat, panels, strict=False):
        for level in lines:
            threshold(ax, level, upright=True)
        for number, value in enumerate(shown):
            part = table[(table[panel] == name) & (table[hue] == value)].astype({mean: float})
            y = part[row].map(names.index) + step * (number - (len(shown) - 1) / 2)
            bars = None
            if ends is not None:
                low, high = (part[end].astype(float).fillna(part[mean]) for end in ends)
                # Half precision may put a mean of equal numbers just outside its range.
                bars = [(part[mean] - low).clip(lower=0), (high - part[mean]).clip(lower=0)]
            colour, marker = looks[value]
            size = 10 if marker == "|" else 4
            ax.errorbar(part[mean], y, xerr=bars, fmt=marker, color=colour, label=value, markersize=size, linewidth=1.4)
        ax.set_title(CONVENTIONS.get(name, name))
        if xlim is not None:
            ax.set_xlim(xlim)
        else:
            ax.set_xlim(right=max(1.0, ax.get_xlim()[1]))
        name_rows(ax, names)
        grid(ax, "x")
    for ax in list(axes.flat)[len(panels) :]:
        ax.set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel(xlabel)
    legend_below(fig, axes.flat[0])
    return fig


def lines(
    table: pd.DataFrame,
    *,
    x: str,
    line: str,
    looks: Looks,
    xlabel: str,
    ylabel: str,
    y: str = "mean",
    ends: tuple[str, str] | None = ("lo", "hi"),
    beside: str | None = None,
    panel: str = "convention",
    panels: Sequence[str] = BOTH,
    log: float | None = 1.0,
    height: float = 3.6,
    **axes_options,
) -> tuple[Figure, np.ndarray]:
    """A line for each value of `line`, with a band between `ends`; `beside`: a column drawn in thin dots.

    `log`: where the logarithmic axis of x begins (it is linear below, so that 0 is on it), or None for a linear one.
    """
    fig, (axes,) = style.figure(len(panels), height=height, sharey=True)
    for ax, name in zip(axes, panels, strict=True):
        part = table[table[panel] == name]
        for value, (colour, dash) in looks.items():
            rows_of = part[part[line] == value].sort_values(x)
            if rows_of.empty:
                continue
            sns.lineplot(
                rows_of, x=x, y=y, ax=ax, color=colour, linestyle=dash, label=value, legend=False, errorbar=None
            )
            if ends is not None:
                ax.fill_between(rows_of[x], rows_of[ends[0]], rows_of[ends[1]], color=colour, alpha=0.15, linewidth=0)
            if beside is not None:
                ax.plot(rows_of[x], rows_of[beside], color=colour, linewidth=0.8, alpha=0.8, linestyle=(0, (1, 1.5)))
        if log is not None:
            ax.set_xscale("symlog", linthresh=log, linscale=0.3)
        ax.set(title=CONVENTIONS.get(name, name), xlabel=xlabel, ylabel="", **axes_options)
        grid(ax, "y")
    axes[0].set_ylabel(ylabel)
    legend_below(fig, axes[0])
    return fig, axes


def scatter(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str,
    looks: Looks,
    xlabel: str,
    ylabel: str,
    panel: str = "convention",
    panels: Sequence[str] = BOTH,
    diagonal: bool = False,
    share: bool = True,
    height: float = 3.6,
    size: float = 30,
    **axes_options,
) -> tuple[Figure, np.ndarray]:
    """Marks by `hue`, a panel for each convention; `diagonal`: the line on which both are equal."""
    shown = {value: look for value, look in looks.items() if value in set(table[hue])}
    fig, (axes,) = style.figure(len(panels), height=height, sharex=share, sharey=share)
    for ax, name in zip(axes, panels, strict=True):
        if diagonal:
            ax.axline((0, 0), slope=1, color=style.FAINT, linewidth=1, linestyle=(0, (4, 3)))
        sns.scatterplot(
            table[table[panel] == name], x=x, y=y, hue=hue, style=hue, hue_order=list(shown), style_order=list(shown),
            palette={value: colour for value, (colour, _) in shown.items()},
            markers={value: marker for value, (_, marker) in shown.items()},
            s=size, alpha=0.85, linewidth=0, ax=ax, legend="brief" if ax is axes[0] else False,
        )  # fmt: skip
        ax.set(title=CONVENTIONS.get(name, name), xlabel=xlabel, ylabel="", **axes_options)
        grid(ax, "both")
    axes[0].set_ylabel(ylabel)
    handles, labels = axes[0].get_legend_handles_labels()
    if axes[0].get_legend():
        axes[0].get_legend().remove()
    fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3) or 1)
    return fig, axes


def heat(
    maps: Mapping[tuple[int, int], tuple[str, pd.DataFrame]],
    *,
    label: str,
    cell_height: float = 0.36,
    width_ratios: Sequence[float] | None = None,
) -> Figure:
    """Heat maps with their numbers written in, from 0 to 1: place (row, column) -> title and table; NaN stays empty."""
    down, across = (1 + max(place[axis] for place in maps) for axis in (0, 1))
    tallest = max(len(table) for _, table in maps.values())
    fig, axes = style.figure(
        across, down, height=1.0 + down * (0.25 + cell_height * tallest), sharex="col", sharey=True,
        width_ratios=width_ratios,
    )  # fmt: skip
    for (i, j), (title, table) in maps.items():
        ax = axes[i, j]
        sns.heatmap(table, ax=ax, vmin=0, vmax=1, cmap=style.SEQUENTIAL, annot=True, fmt=".2f", cbar=False,
                    annot_kws={"fontsize": 7.5})  # fmt: skip
        ax.set(title=title, xlabel="", ylabel="")
        ax.tick_params(length=0)
        for text in ax.get_yticklabels():
            text.set_rotation(0)
        for text in ax.get_xticklabels():
            text.set(rotation=40, ha="right", rotation_mode="anchor")
    bar = fig.colorbar(axes[0, 0].collections[0], ax=axes, shrink=0.6, aspect=30)
    bar.set_label(label)
    bar.outline.set_visible(False)
    return fig


def over_seeds(table: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """Mean, lo and hi (smallest and largest), and seeds, of a column for every group, in the order of first appearance."""
    grouped = table.groupby(list(by), sort=False, observed=True)[value]
    return grouped.agg(mean="mean", lo="min", hi="max", seeds="size").reset_index()


def threshold(ax: Axes, value: float, *, upright: bool = False) -> None:
    """A dashed line at a value that something is compared with."""
    draw = ax.axvline if upright else ax.axhline
    draw(value, color=style.FAINT, linestyle=(0, (4, 3)), linewidth=1)


def log_x(ax: Axes) -> None:
    """A logarithmic axis of what is drawn, with round numbers as ticks: powers of 10, or 1, 2, 5 where it is short."""
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < SHORT_AXIS * low else (1.0,)))
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


def grid(ax: Axes, axis: Literal["both", "x", "y"] = "y") -> None:
    """Faint lines across, for reading values off."""
    ax.grid(True, axis=axis)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """A line a name, the first one at the top."""
    ax.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))


def legend_below(fig: Figure, ax: Axes, *, columns: int | None = None) -> None:
    """One legend for the whole figure, under it, with the entries of `ax`."""
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        fig.legend(handles, labels, loc="outside lower center", ncols=columns or min(len(labels), 3))
