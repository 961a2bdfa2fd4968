"""How fast and how accurate the library is beside its peers (chapter 10)."""

from __future__ import annotations

import numpy as np

from ..benchmarks import KINDS, TITLES, Benchmark, shape
from ..text import listed
from . import forms, style
from .book_figure import BookFigure, Missing
from .markup import Words

MARKERS = {"relu": "o", "hard": "D", "centred": "s"}
COLOURS = {"relu": style.BLUE, "hard": style.VERMILLION, "centred": style.GREEN}


@style.styled
def p_vectors(found: Benchmark | None) -> BookFigure | Missing:
    """Median time of every method, one panel a shape; hollow marks are not accurate."""
    if found is None:
        return Missing("the benchmark of P-vectors has not been run")
    rows = _measured(found)
    rows["shape"] = [shape(row) for row in rows.itertuples()]
    shapes = list(dict.fromkeys(rows["shape"]))
    fig, axes = style.figure(2, (len(shapes) + 1) // 2, height=0.6 + 3.1 * ((len(shapes) + 1) // 2))
    for ax, size in zip(axes.flat, shapes, strict=False):
        part = rows[rows["shape"] == size]
        names = _order(part)
        for kind, words in KINDS.items():
            of_kind = part[part["kind"] == kind]
            y = of_kind["peer"].map(names.index).astype(float) + 0.22 * (list(KINDS).index(kind) - 1)
            for accurate, look in ((True, {"color": COLOURS[kind]}), (False, {"facecolors": "none"})):
                at = (of_kind["accurate"] == accurate).to_numpy()
                ax.scatter(1e3 * of_kind["median_s"][at], y[at], s=20, marker=MARKERS[kind], **look,
                           edgecolors=COLOURS[kind], label=f"{words}{'' if accurate else ', not accurate'}")  # fmt: skip
        ax.set(title=size, xlabel="median time (ms)")
        forms.log_x(ax)
        forms.name_rows(ax, names)
        forms.grid(ax, "both")
    for ax in list(axes.flat)[len(shapes) :]:
        ax.set_visible(False)
    forms.legend_below(fig, axes.flat[0])
    columns = [
        "n",
        "d",
        *(["dtype"] if "dtype" in rows else []),
        "kind",
        "peer",
        "median_s",
        "least_s",
        "repeats",
        "threads",
        "error",
        "extra_mb",
        "accurate",
    ]
    return BookFigure(
        fig,
        rows[columns],
        _caption(found),
        "Dot plots of the median time of each method in milliseconds, on a logarithmic axis, one panel for each shape of "
        "matrix; the shape of a mark is the kind of spectrum, and hollow marks miss the accuracy.",
    )


def _measured(found: Benchmark):
    """The peers that gave a result, and whether it is accurate."""
    rows = found.results.dropna(subset=["median_s"])
    return rows.assign(accurate=rows["error"] <= found.content["accurate"])


def _order(part):
    """Peers, ours first, then the fastest accurate one first."""
    best = (
        part.assign(time=part["median_s"].where(part["accurate"], np.inf)).groupby("peer")[["time", "median_s"]].min()
    )
    best["other"] = ~best.index.str.startswith("pvlib")
    return list(best.sort_values(["other", "time", "median_s"]).index)


def _caption(found: Benchmark) -> str:
    summary = found.summary
    slower = summary[summary["ratio"] < 0.95]
    large = summary[summary["extra_mb"] > found.content["target_mb"]]
    said = [
        f"Ours is at least as fast (0.95 or more) as the fastest peer that is as accurate in {len(summary) - len(slower)} of "
        f"{len(summary)} cases, the geometric mean of the ratios is {np.exp(np.log(summary['ratio']).mean()):.2f}, the least "
        f"is {summary['ratio'].min():.2f}, and its largest error 1 − |cos| is {summary['error'].max():.0e}."
    ]
    if len(slower):
        where = listed([f"{shape(r)} {KINDS[r.kind]} ({r.ratio:.2f})" for r in slower.itertuples()], most=12)
        said.append(f"Slower than that: {where}.")
    if len(large):
        where = listed([f"{shape(r)} {KINDS[r.kind]}" for r in large.itertuples()], most=12)
        said.append(f"More extra memory than {found.content['target_mb']} MB: {where}.")
    return " ".join(said)


@style.styled
def similarities(found: Benchmark | None) -> BookFigure | Missing:
    """Median time of every package, one panel a measure; hollow marks miss the accuracy."""
    if found is None:
        return Missing("the benchmark of similarity measures has not been run")
    rows = _measured(found)
    measures = list(dict.fromkeys(rows["measure"]))
    shapes = list(dict.fromkeys(shape(row) for row in rows.itertuples()))
    fig, (axes,) = style.figure(len(measures), height=2.8)
    for ax, measure in zip(axes, measures, strict=True):
        part = rows[rows["measure"] == measure]
        names = _order(part)
        for row in part.itertuples():
            number = shapes.index(shape(row))
            colour = list(COLOURS.values())[number % 3]
            ax.scatter(1e3 * row.median_s, names.index(row.peer) + 0.2 * (number - 1), s=20, edgecolors=colour,
                       facecolors=colour if row.accurate else "none", marker="oDs"[number % 3],
                       )  # fmt: skip
        ax.set(title=TITLES[measure], xlabel="median time (ms)")
        forms.log_x(ax)
        forms.name_rows(ax, names)
        forms.grid(ax, "both")
    _legend(fig, axes[0], shapes)
    summary = found.summary
    wrong = rows[~rows["accurate"]]
    said = (
        f"Time of the fastest package that is as accurate, over ours: {summary['ratio'].min():.2f} to "
        f"{summary['ratio'].max():.2f}, median {summary['ratio'].median():.2f}."
    )
    if len(wrong):
        names = [f"{row.peer} ({TITLES[row.measure]}, {shape(row)})" for row in wrong.itertuples()]
        said += f" Off by more than {found.content['accurate']:.0e}, and hollow: {listed(names, most=8)}."
    columns = ["n", "d", "measure", "peer", "median_s", "repeats", "threads", "error", "extra_mb", "accurate"]
    return BookFigure(
        fig,
        rows[columns],
        said,
        "Dot plots of the median time of each package in milliseconds, on a logarithmic axis, one panel for each "
        "measure of similarity; the shape of a mark is the shape of the matrices, and hollow marks miss the accuracy.",
    )


def _legend(fig, ax, shapes: list[str]) -> None:
    for number, words in enumerate(shapes):
        ax.scatter([], [], s=20, color=list(COLOURS.values())[number % 3], marker="oDs"[number % 3], label=words)
    forms.legend_below(fig, ax, columns=len(shapes))


@style.styled
def training(found: Benchmark | None) -> BookFigure | Missing:
    """Images a second of our loop over those of the ordinary way."""
    if found is None:
        return Missing("the benchmark of training has not been run")
    summary = found.summary
    fig, ((ax,),) = style.figure(height=0.9 + 0.42 * len(summary))
    y = np.arange(len(summary), dtype=float)
    for column, words, colour, marker, shift in (
        ("ratio_f32", "float32, like for like", style.BLUE, "o", -0.12),
        ("ratio_default", "as the book's recipes train", style.ORANGE, "s", 0.12),
    ):
        ax.plot(summary[column].astype(float), y + shift, marker, color=colour, label=words, markersize=6)
        ax.hlines(y + shift, summary[f"{column}_low"], summary[f"{column}_high"], color=colour, linewidth=1.5)
    ax.axvline(1, color=style.FAINT, linewidth=1)
    ax.set(xlabel="images a second, over those of the ordinary way")
    forms.log_x(ax)
    forms.name_rows(ax, [TITLES[case] for case in summary["case"]])
    forms.grid(ax, "both")
    forms.legend_below(fig, ax)
    return BookFigure(
        fig,
        summary,
        "Whole data set on the device and batched augmentation, beside a data loader with a process on every core.",
        "Dot plot: for each training task the ratio of images a second of this library's loop to those of the ordinary "
        "way, like for like in float32 and as the recipes train; lines reach from the "
        "least to the greatest ratio of a round.",
    )


def large(found: Benchmark | None) -> Words:
    """The memory map as large as the features of ImageNet, in a sentence."""
    if found is None:
        return Words("The measurement of a memory map has not been run.")
    it = found.content
    return Words(
        f"A memory-mapped file of {it['rows']:,} × {it['columns']:,} float32 ({it['file_gb']:.1f} GB) was measured centred in "
        f"{it['seconds']:.0f} s with {it['rss_anon_peak_mb']:.0f} MB of anonymous memory (RssAnon) at most, {it['rss_anon_before_mb']:.0f} MB of which the "
        f"process held before; its error, against the P-vector that was built into the file, is {it['angle_to_planted']:.0e} rad, its reported bound "
        f"{it['bound']:.0e} rad. {found.origin[0].upper()}{found.origin[1:]}."
    )


def streaming(found: Benchmark | None) -> Words:
    """The rate of a stream beside that of the machine's own matrix product, in a sentence."""
    if found is None:
        return Words("The rate of streams has not been measured.")
    rates = [
        f"{row.ratio:.2f} with {row.threads} thread{'s' * (row.threads > 1)}" for row in found.summary.itertuples()
    ]
    return Words(
        f"A stream of float32 batches of {found.content['columns']:,} features, added up in float64, runs at {listed(rates)} times "
        f"the rate of a plain float32 matrix product of that size (a stream needs only half of its operations). "
        f"{found.origin[0].upper()}{found.origin[1:]}."
    )
