"""The answers of version 2 on one screen: all pairs of architectures in one picture, the answers in one table."""

from __future__ import annotations

import pandas as pd

from ..answers.summary import Summary
from . import forms, style
from .book_figure import BookFigure, Missing
from .markup import Markup, pipe_table
from .view import CONVENTIONS, title

RELATIONS = {name: look for name, look in style.RELATIONS.items() if name != "contrastive-contrastive"}
STATES = ("untrained", "trained")


@style.styled
def all_pairs(summary: Summary) -> BookFigure | Missing:
    """Mean |cos| of every pair of architectures, untrained beside trained, uncentred above centred."""
    table = summary.pair_means()
    if table.empty:
        return Missing("fewer than two architectures are published")
    names = {key: words for key, (words, *_) in RELATIONS.items()}
    table = table[table["relation"].isin(names)]
    variational = summary.claims.variational
    datasets, conventions = list(table["dataset"].unique()), list(table["convention"].unique())
    fig, axes = style.figure(
        len(datasets), len(conventions), height=1.0 + 2.0 * len(conventions), sharex=True, sharey=True
    )
    for row, convention in zip(axes, conventions, strict=True):
        for ax, dataset in zip(row, datasets, strict=True):
            part = table[(table["dataset"] == dataset) & (table["convention"] == convention)]
            forms.threshold(ax, summary.claims.agreement.threshold.at_least)
            for key, (words, colour, marker) in RELATIONS.items():
                chosen = part[part["relation"] == key]
                for number, (pair, lines) in enumerate(chosen.groupby("pair")):
                    hollow = {"markerfacecolor": "none"} if variational & set(str(pair).split(" and ")) else {}
                    means = lines.set_index("state")["mean"].reindex(STATES)
                    ax.plot([0, 1], means, color=colour, marker=marker, ms=4.5, lw=0.6, alpha=0.8, **hollow)
                    if not number:
                        ax.plot([], [], color=colour, marker=marker, lw=0, label=words)
            ax.set(ylim=(-0.03, 1.03), xlim=(-0.25, 1.25), title=f"{title(dataset)}, {CONVENTIONS[convention]}")
            ax.set_xticks([0, 1], STATES)
            forms.grid(ax, "y")
        row[0].set_ylabel("mean |cos| of a pair")
    handles = {label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend([handles[n] for n in names.values() if n in handles], [n for n in names.values() if n in handles],
               loc="outside lower center", ncols=3)  # fmt: skip
    return BookFigure(
        fig,
        table,
        "Each mark is a pair of architectures: the mean |cos| of their P-vectors over pairs of seeds. A line joins the pair "
        "before training (BatchNorm calibrated) with the same pair trained; the dashed line is 0.9; hollow marks are pairs with a variational "
        "autoencoder. Above, uncentred: all pairs start near 1, and those that keep their mean stay there. Below, centred: they scatter, on "
        "average by the kind of network.",
        "Six small plots, one for each data set and convention. Uncentred, all pairs of architectures have a mean absolute cosine near 1 "
        "before training; trained pairs with one variational autoencoder fall to near 0, the others stay near 1. Centred, trained pairs "
        "spread from near 0 to above 0.9, and pairs of a classifier and an autoencoder lie lowest.",
    )


def table(summary: Summary) -> Markup:
    """`frame` as a page shows it."""
    return pipe_table(frame(summary))


def frame(summary: Summary) -> pd.DataFrame:
    """One row a question and convention, a column a data set: the answer with one number."""
    agreement, convergence, link = summary.agreement, summary.convergence, summary.link
    agreement = agreement[agreement["set"] == "all"]
    with_vae, without = (agreement[agreement["variational"] == included] for included in (True, False))
    convergence = convergence[convergence["target"] == "seed"]
    everything, classifiers = (convergence[convergence["family"] == name] for name in ("all", "classifier"))
    rows = []
    for convention in summary.claims.measurement.conventions:
        words = CONVENTIONS[convention]
        rows += [
            _row(f"Do any two networks agree? ({words})", with_vae, convention, _agreement),
            _row(f"The same, variational autoencoders left out ({words})", without, convention, _agreement),
            _row(f"Does the angle fall from 60° or more to 30° or less? ({words})", everything, convention, _falls),
            _row(f"The same, classifiers alone ({words})", classifiers, convention, _falls),
            _row(f"Is the angle to the data linked with test error? ({words})", link, convention, _link),
        ]
    return pd.DataFrame(rows).rename(columns={name: title(name) for name in summary.datasets})


def _agreement(row: pd.Series) -> str:
    return f"{row['words']}: smallest pair {row['smallest']:.2f}, mean {row['mean']:.2f} (untrained {row['untrained']:.2f})"


def _falls(row: pd.Series) -> str:
    """In how many architectures, and how many an interval leaves open."""
    count = row["n"] - row["yes"] - row["no"]
    return f"in {row['yes']} of {row['n']} architectures" + (f" ({count} open)" if count else "")


def _link(row: pd.Series) -> str:
    found = f" |τ| = {row['bound']:.2f}" if "no link" in row["answer"] else f", τ = {row['tau']:.2f}"
    return f"{row['answer']}{found}"


def _row(question: str, rows: pd.DataFrame, convention: str, words) -> dict[str, str]:
    found = {"question": question}
    if len(rows):
        part = rows[rows["convention"] == convention].set_index("dataset")
        found |= {dataset: words(part.loc[dataset]) for dataset in part.index}
    return found
