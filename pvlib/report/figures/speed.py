"""How fast and how accurate the library is beside its peers (chapter 10)."""

from __future__ import annotations

import numpy as np

from ..benchmarks import KINDS, Benchmark, shape
from ..words import listed
from . import style
from .plate import Missing, Plate

MARKERS = {"relu": "o", "hard": "D", "centred": "s"}
COLOURS = {"relu": style.BLUE, "hard": style.VERMILLION, "centred": style.GREEN}


@style.styled
def p_vectors(found: Benchmark | None) -> Plate | Missing:
    """Median time of every method, one panel a shape; hollow marks are not accurate."""
    if found is None:
        return Missing("the benchmark of P-vectors has not been run")
    rows = found.results.dropna(subset=["median_s"])
    rows = rows.assign(accurate=rows["error"] <= found.content["accurate"])
    shapes = list(dict.fromkeys((row.n, row.d) for row in rows.itertuples()))
    fig, axes = style.figure(2, (len(shapes) + 1) // 2, height=0.6 + 3.1 * ((len(shapes) + 1) // 2))
    for ax, size in zip(axes.flat, shapes, strict=False):
        part = rows[(rows["n"] == size[0]) & (rows["d"] == size[1])]
        names = _order(part)
        for kind, words in KINDS.items():
            of_kind = part[part["kind"] == kind]
            y = of_kind["peer"].map(names.index).astype(float) + 0.22 * (list(KINDS).index(kind) - 1)
            for accurate, look in ((True, {"color": COLOURS[kind]}), (False, {"facecolors": "none"})):
                at = (of_kind["accurate"] == accurate).to_numpy()
                ax.scatter(1e3 * of_kind["median_s"][at], y[at], s=20, marker=MARKERS[kind], **look,
                           edgecolors=COLOURS[kind], label=f"{words}{'' if accurate else ', not accurate'}")  # fmt: skip
        ax.set(title=shape(part.iloc[0]), xscale="log", xlabel="median time (ms)")
        style.name_rows(ax, names)
        style.grid(ax, "both")
    for ax in list(axes.flat)[len(shapes) :]:
        ax.set_visible(False)
    style.legend_below(fig, axes.flat[0])
    columns = ["n", "d", "kind", "peer", "median_s", "least_s", "repeats", "threads", "error", "extra_mb", "accurate"]
    return Plate(
        fig,
        rows[columns],
        _caption(found),
        "Dot plots of the median time of each method in milliseconds, on a logarithmic axis, one panel for each shape of "
        "matrix; the shape of a mark is the kind of spectrum, and hollow marks miss the accuracy.",
    )


def _order(part):
    """Peers, ours first, then the fastest accurate one first."""
    best = (
        part.assign(time=part["median_s"].where(part["accurate"], np.inf)).groupby("peer")[["time", "median_s"]].min()
    )
    best["other"] = ~best.index.str.startswith("pvlib")
    return list(best.sort_values(["other", "time", "median_s"]).index)


def _caption(found: Benchmark) -> str:
    summary = found.summary
    aimed = summary[summary["target"].notna()]
    short = aimed[aimed["ratio"] < aimed["target"]]
    slower = summary[summary["ratio"] < 0.95]
    large = summary[summary["extra_mb"] > found.content["target_mb"]]
    said = [
        f"Ours is at least as fast (0.95 or more) as the fastest peer that is as accurate in {len(summary) - len(slower)} of "
        f"{len(summary)} cases, the median ratio is {summary['ratio'].median():.2f}, and its largest error 1 − |cos| is "
        f"{summary['error'].max():.0e}."
    ]
    said.append(
        f"The ratio aimed at is missed for {listed([f'{shape(r)} {KINDS[r.kind]}' for r in short.itertuples()], most=12)}."
        if len(short)
        else "Every ratio aimed at is reached."
    )
    if len(large):
        where = listed([f"{shape(r)} {KINDS[r.kind]}" for r in large.itertuples()], most=12)
        said.append(f"More extra memory than the {found.content['target_mb']} MB aimed at: {where}.")
    return " ".join(said)
