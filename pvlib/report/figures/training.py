"""How well the networks were trained: scores against floors and accepted figures, losses, recipes (chapter 2)."""

from __future__ import annotations

import pandas as pd

from . import forms, style
from .book_figure import BookFigure, Missing
from .view import View

SCORES = {
    "test_accuracy": "test accuracy",
    "test_explained_variance": "share of test pixel variance explained",
    "probe_accuracy": "accuracy of a linear probe",
    "train_accuracy": "training accuracy (random labels)",
}


@style.styled
def scores(view: View, *, accepted: pd.DataFrame) -> BookFigure | Missing:
    """The score of every run, its cell's floor, and what published recipes reach (`tables.accepted_accuracies`)."""
    runs, cells = view.runs, view.cells
    if runs.empty:
        return Missing("no finished runs")
    known = accepted[accepted["dataset"] == view.dataset].groupby("architecture")["accuracy"].max()
    plain = (runs["labels"] == "true") & (runs["pixels"] == "standardised") & (runs["role"] == "primary")
    plain &= runs["objective"] == "classification"
    table = runs[["cell", "label", "seed", "score_name", "score"]].assign(
        floor=runs["cell"].map(view.judging.floors), accepted=runs["architecture"].map(known).where(plain)
    )
    kinds = [kind for kind in SCORES if kind in set(cells["score_name"])]
    heights = [(cells["score_name"] == kind).sum() for kind in kinds]
    fig, axes = style.figure(1, len(kinds), height=0.5 + 0.55 * len(kinds) + 0.24 * len(cells), height_ratios=heights)
    for ax, kind in zip(axes[:, 0], kinds, strict=True):
        names = list(cells.index[cells["score_name"] == kind])
        part = table[table["score_name"] == kind]
        y = part["cell"].map(names.index)
        ax.plot(
            part["floor"], y, "|", color=style.FAINT, markersize=12, markeredgewidth=2, label="floor, set beforehand"
        )
        ax.plot(part["accepted"], y, "D", color=style.ORANGE, markersize=5.5, label="accepted figure (full recipe)")
        ax.plot(part["score"], y, "o", color=style.BLUE, alpha=0.7, label="a run (last epoch)")
        forms.name_rows(ax, [view.label(name) for name in names])
        ax.set_title(SCORES[kind])
        forms.grid(ax, "x")
    forms.legend_below(fig, axes[0, 0])
    return BookFigure(
        fig,
        table.reset_index(names="run"),
        "Every run (blue), the floor that its recipe should reach, set before the runs, and the accuracy that published recipes of full length "
        "reach. A run below its floor enters no answer.",
        f"Dot plots for {view.title}: score of every run by cell, in panels by kind of score, with the floor of each cell and the accepted "
        "accuracy where there is one.",
    )


@style.styled
def losses(view: View) -> BookFigure | Missing:
    """Training loss by epoch, one panel a kind of learning."""
    rows = view.of_runs(view.study.history, role="primary")
    if rows.empty:
        return Missing("no training history")
    table = forms.over_seeds(rows.sort_values("rank", kind="stable"), ["objective", "label", "epoch"], "train_loss")
    kinds = [kind for kind in style.MARKERS if kind in set(table["objective"])]
    words = {"classification": "cross-entropy", "reconstruction": "squared error", "contrastive": "NT-Xent"}
    fig, (axes,) = style.figure(len(kinds), height=3.4)
    for ax, kind in zip(axes, kinds, strict=True):
        of_kind = table[table["objective"] == kind]
        for label, part in of_kind.groupby("label", sort=False):
            colour, dash = view.looks[label]
            ax.plot(part["epoch"], part["mean"], dash, color=colour, label=label)
            ax.fill_between(part["epoch"], part["lo"], part["hi"], color=colour, alpha=0.2, linewidth=0)
        wide = of_kind["hi"].max() / of_kind["lo"].min() > 20
        ax.set(xlabel="epoch", ylabel="training loss", title=words[kind], yscale="log" if wide else "linear")
        forms.grid(ax)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most"}),
        "Training loss by epoch: line, mean over seeds; band, range. That of variational autoencoders counts the divergence of their code, too.",
        f"Line plots for {view.title}: training loss against epoch, one panel for classification, reconstruction and contrastive learning.",
    )


def recipes(view: View) -> pd.DataFrame:
    """One row a cell: what was trained, for how long, and how."""
    runs = view.runs.groupby("cell", sort=False)
    first = runs.first()
    return pd.DataFrame({
        "network": first["label"],
        "seeds": runs.size(),
        "parameters": first["parameters"].astype(int),
        "epochs": first["epochs"].astype(int),
        "batch": first["batch_size"].astype(int),
        "optimiser": first["optimiser"],
        "learning rate": first["lr"],
        "augmentation": first["augment"],
        "precision": runs["computed_precision"].agg(lambda kinds: ", ".join(sorted(set(kinds.dropna())))) if "computed_precision" in view.runs else first["precision"],
        "minutes a run": (runs["wall_s"].median() / 60).round(1),
    })  # fmt: skip


def compute(studies) -> pd.DataFrame:
    """One row a study: runs, hours, processors, versions."""
    return pd.DataFrame([
        {"study": study.name, "runs": f"{note['runs']} of {note['planned']}", "failed": note["failed"],
         "hours": f"{note['wall_s_total'] / 3600:.1f}", "processor": ", ".join(note["processor"]),
         "device": ", ".join(note["device"]), "torch": ", ".join(note["torch"]),
         "trained at commit": ", ".join(f"`{commit[:8]}`" for commit in note["run_commits"])}
        for study in studies for note in [study.provenance]
    ])  # fmt: skip


def reached(views, accepted: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of every classifier beside the accepted figures and their source: data set, network, study, reached, accepted, source."""
    rows: list[dict] = []
    for view in views:
        runs = view.runs[(view.runs["role"] == "primary") & (view.runs["objective"] == "classification")]
        for (architecture, label), part in runs.groupby(["architecture", "label"], sort=False):
            known = accepted[(accepted["dataset"] == view.dataset) & (accepted["architecture"] == architecture)]
            ours = {
                "data set": view.title,
                "network": label,
                "study": view.study.name,
                "reached (%)": f"{100 * part['score'].mean():.1f}",
            }
            rows += [
                {**ours, "accepted (%)": f"{round(100 * one.accuracy, 2):g}", "of": one.network, "source": one.source}
                for one in known.itertuples()
            ] or [{**ours, "accepted (%)": "", "of": "no published figure found", "source": ""}]
    return pd.DataFrame(rows)
