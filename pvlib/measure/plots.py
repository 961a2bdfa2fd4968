"""Pictures of results. Matplotlib is imported when one is asked for."""

from __future__ import annotations

import numpy as np

from ..extras import need


def figure(width: float, height: float, panels: int = 1):
    """A figure, which no window shows by itself, and its axes."""
    need("matplotlib")
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, drawn.subplots(1, panels, squeeze=False)[0]


def spectrum(values: np.ndarray, resolution: float, vector: np.ndarray, title: str):
    """Singular values, and the entries of the first vector."""
    drawn, (left, right) = figure(8, 3, 2)
    shown = values[values > 0]
    left.semilogy(np.arange(1, len(shown) + 1), shown, "o-", markersize=4)
    left.axhline(resolution, linestyle=":", color="grey")
    left.set(xlabel="number", ylabel="singular value", title=title)
    right.hist(vector, bins=min(60, max(5, len(vector) // 10)))
    right.set(xlabel="entry of the P-vector", ylabel="samples")
    return drawn


def intervals(cells: list[dict], title: str):
    """Estimates with their intervals, beside the range that permuted samples reach."""
    drawn, (ax,) = figure(7, 0.8 + 0.35 * len(cells))
    for place, row in enumerate(reversed(cells)):
        ax.barh(place, row["null_95"], color="lightgrey", height=0.7, label="95 % of permutations" * (place == 0))
        ax.plot([row["lo"], row["hi"]], [place, place], color="tab:blue")
        ax.plot(row["estimate"], place, "o", color="tab:blue", label="estimate, 95 % interval" * (place == 0))
    ax.set_yticks(range(len(cells)), [row["measure"] for row in reversed(cells)])
    ax.set(title=title, xlim=(min(0.0, *(row["lo"] for row in cells)), 1.02))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.1), ncols=2, frameon=False)
    return drawn


def matrix(values: np.ndarray, rows, columns, best: tuple[int, int], title: str):
    """A map of all layers against all layers, the largest value framed."""
    drawn, (ax,) = figure(2 + 0.5 * len(columns), 1.5 + 0.4 * len(rows))
    image = ax.imshow(values, vmin=min(0.0, float(values.min())), vmax=1, cmap="viridis", aspect="auto")
    ax.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    ax.set_yticks(range(len(rows)), rows)
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if value < 0.6 else "black", size=8)
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((best[1] - 0.5, best[0] - 0.5), 1, 1, fill=False, edgecolor="red", linewidth=2))
    ax.set_title(title)
    drawn.colorbar(image, ax=ax)
    return drawn
