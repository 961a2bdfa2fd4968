"""Numbers and findings in words, for `glue`: every number in the book's prose is made here from tables. Not for verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ..claims import Claims, along_table
from ..words import interval, listed
from .accuracy import accepted
from .gaps import LIMIT
from .labels import kind_of
from .markup import Words
from .place import neighbours
from .style import degrees_from_cosine
from .view import CONVENTIONS, View, title

SHOWN = ("uncentred", "centred")
NOTHING = Words("Nothing to report: the studies shown here do not hold what is needed.")


def number(value: float, digits: int = 2) -> Words:
    """A number as prose writes it."""
    return Words(f"{value:.{digits}f}" if np.isfinite(value) else "not measured")


def bullets(views: list[View], say: Callable[[View], str | None]) -> Words:
    """A Markdown list with what `say` says of each view."""
    said = [(view, text) for view in views if (text := say(view))]
    return Words("\n".join(f"- **{view.title}** (study {view.study.name}): {text}" for view, text in said)) or NOTHING


def verdicts(ledger: pd.DataFrame, *, claim: int) -> Words:
    """The rows of one claim, a list item each: verdict, and the sentence with its numbers."""
    rows = ledger[(ledger["claim"] == claim)]
    items = [
        f"- **{title(row['dataset'])}, {CONVENTIONS[row['convention']]}: {row['verdict']}.** {row['reason']}"
        + _again(row)
        + (f" From the study {row['study']}, `{row['command']}`." if row["study"] else "")
        + (" (A demonstration.)" if row["demonstration"] else "")
        for _, row in rows.iterrows()
    ]
    return Words("Numbers in square brackets are 95 % intervals.\n\n" + "\n".join(items))


def _again(row: pd.Series) -> str:
    """The same numbers on the other anchor, and for claim 1 single pairs, which have no interval."""
    if not np.isfinite(row["replication"]):
        return ""
    unit = "°" if np.isfinite(row["end"]) else ""
    said = interval(row["replication"], row["replication_lo"], row["replication_hi"], unit=unit)
    if unit:
        end = interval(row["replication_end"], row["replication_end_lo"], row["replication_end_hi"], unit=unit)
        said = f"worst start {said}, worst end {end}"
    single = (
        f" Single pairs, without interval: {row['worst']:.3f} at worst ({row['worst_where']}), 10th percentile "
        f"{row['percentile_10']:.3f}."
        if np.isfinite(row["worst"])
        else ""
    )
    return f" On the test anchor: {said}.{single}"


def falls(views: list[View], claims: Claims) -> Words:
    """In how many architectures the angle to another seed's final P-vector falls, and which reach either threshold."""
    asked = next(claim.threshold for claim in claims.claims if "start_at_least_deg" in claim.threshold)
    start, end = asked["start_at_least_deg"], asked["end_at_most_deg"]

    def say(view: View) -> str | None:
        said = []
        for convention in SHOWN:
            table = along_table(view.study, claims, dataset=view.dataset, convention=convention)
            if table.empty:
                return None
            high, low = (
                listed(table["label"][reached], most=9) for reached in (table["start"] >= start, table["end"] <= end)
            )
            said.append(
                f"{CONVENTIONS[convention]}, the mean angle falls in {(table['end'] < table['start']).sum()} of {len(table)} "
                f"architectures; it starts at {start:g}° or more in {high}, and ends at {end:g}° or less in {low}"
            )
        return "; ".join(said) + "."

    return bullets(views, say)


def ranking(table: pd.DataFrame) -> pd.DataFrame:
    """The aggregated ranking with test error, in words for the page."""
    if table.empty:
        return table
    rows = table[table["estimand"] == "test_error"]
    return pd.DataFrame([
        {"study": row.study, "convention of the angle": CONVENTIONS[row.convention], "rank": f"{row.rank:g}",
         "predictor": row.name, "mean rank": f"{row.mean_rank:.2f}", "first in": f"{row.first_in:g} of {row.strata:g}"}
        for row in rows.sort_values(["study", "convention", "rank"], ascending=[False, False, True]).itertuples(index=False)
    ])  # fmt: skip


def floors_met(cells: pd.DataFrame) -> Words:
    """How many cells reached what their recipe should reach, and which did not."""
    if cells.empty:
        return NOTHING
    judged = cells[cells["floor"].notna() & (cells["seeds"] > 0)]
    met, missed = judged[judged["floor_met"]], judged[~judged["floor_met"]]
    text = f"In {len(met)} of {len(judged)} cells every run reached its floor."
    if len(missed):
        text += (
            " Below it: "
            + "; ".join(
                f"{row['label']} on {title(row['dataset'])} ({row['score_mean']:.3f} on average, floor {row['floor']:g})"
                for _, row in missed.iterrows()
            )
            + "."
        )
    entering = int(cells["enters"].sum())
    return Words(
        f"{text} {entering} of {int((cells['role'] == 'primary').sum())} trained primary cells meet the rules of floors and "
        "seeds, and enter verdicts."
    )


def ties(views: list[View]) -> Words:
    """How many trained networks have no single principal direction, and how wide the gap is."""

    def say(view: View) -> str | None:
        rows = view.of_runs(
            view.study.finals,
            layer="penultimate",
            split="train",
            state="trained",
            role="primary",
            convention=list(SHOWN),
        ).dropna(subset=["stability"])
        parts = []
        for convention, part in rows.groupby("convention"):
            parts.append(
                f"{CONVENTIONS[convention]}, {(part['stability'] < LIMIT).sum()} of {len(part)} trained networks are tied, "
                f"and the median of σ₁/σ₂ is {part['ratio'].median():.2f}"
            )
        return "; ".join(reversed(parts)) + "." if parts else None

    return bullets(views, say)


def spent(studies: list) -> Words:
    """Time and machines in a sentence."""
    said = []
    for study in studies:
        note = study.provenance
        said.append(f"{study.name}, {_time(note)} for {note['runs']} runs on {', '.join(note['processor'])}")
    return Words(f"{'; '.join(said)}.") if said else NOTHING


def _time(provenance: dict) -> str:
    seconds = provenance["wall_s_total"]
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"


def compute(studies: list) -> Words:
    """Machines, versions and hours of each study."""
    said = []
    for study in studies:
        note = study.provenance
        said.append(
            f"- **{study.name}**: {note['runs']} runs of {note['planned']}, {note['failed']} failed; {_time(note)} of "
            f"training and measuring in all, failed runs included; {', '.join(note['processor'])} ({', '.join(note['device'])}), torch {', '.join(note['torch'])}, "
            f"numerics version {note['numerics_version']}; trained at commits {', '.join(f'`{c}`' for c in note['run_commits'])}."
        )
    return Words("\n".join(said)) or NOTHING


def against_accepted(views: list[View]) -> Words:
    """How far the networks are from accepted accuracies, in points."""
    said = []
    for view in views:
        reference = accepted(view.dataset, view.cells).dropna()
        means = view.runs.groupby("cell")["score"].mean()
        said += [
            f"{view.label(cell)} on {view.title} reaches {means[cell]:.1%} on average, {abs(value - means[cell]) * 100:.1f} "
            f"points {'below' if value > means[cell] else 'above'} the accepted {value:.1%}"
            for cell, value in reference.items()
        ]
    return Words("; ".join(said) + ".") if said else Words("There is no accepted figure for the networks shown here.")


def by_kind(views: list[View]) -> Words:
    """Mean |cos| by kinds of learning, for every data set."""

    def say(view: View) -> str | None:
        parts = []
        for convention in SHOWN:
            rows = view.of_pairs(
                view.study.pairs,
                layer="penultimate",
                split="train",
                convention=convention,
                state_a="trained",
                state_b="trained",
            )
            rows = rows[rows["cell_a"] != rows["cell_b"]]
            if rows.empty:
                return None
            kinds = [kind_of(a, b) for a, b in zip(rows["objective_a"], rows["objective_b"], strict=True)]
            means = rows["cos"].groupby(kinds).mean().sort_values(ascending=False)
            parts.append(
                f"{CONVENTIONS[convention]}, " + ", ".join(f"{kind} {mean:.2f}" for kind, mean in means.items())
            )
        return "; ".join(parts) + "."

    return bullets(views, say)


def against_data(views: list[View]) -> Words:
    """Angles to the data P-vector before and after training."""

    def say(view: View) -> str | None:
        rows = view.of_runs(view.study.finals, layer="penultimate", split="train", role="primary")
        rows = rows.assign(angle=degrees_from_cosine(rows["cos_data"]))
        means = rows.groupby(["convention", "state"])["angle"].mean()
        parts = [
            f"{CONVENTIONS[c]}, {means[c, 'trained']:.0f}° for trained networks and {means[c, 'untrained']:.0f}° for untrained "
            "ones, on average over architectures and seeds"
            for c in SHOWN
            if (c, "trained") in means and (c, "untrained") in means
        ]
        return "; ".join(parts) + "." if parts else None

    return bullets(views, say)


def mean_shares(views: list[View]) -> Words:
    """How much of the uncentred agreement of trained networks the mean direction gives."""

    def say(view: View) -> str | None:
        rows = view.of_pairs(
            view.study.pairs,
            layer="penultimate",
            split="train",
            convention="uncentred",
            state_a="trained",
            state_b="trained",
        )
        rows = rows[rows["cell_a"] != rows["cell_b"]]
        if rows.empty:
            return None
        alone = rows["c_a"] * rows["c_b"]
        return (
            f"of a median uncentred |cos| of {rows['cos'].median():.3f} between different architectures, the mean direction "
            f"alone gives {alone.median():.3f}; the entries correlate at a median of {rows['r'].median():.2f}, and at less "
            f"than 0.5 in {(rows['r'] < 0.5).mean():.0%} of the pairs."
        )

    return bullets(views, say)


def measured_again(view: View, run: str, own: Mapping[str, np.ndarray]) -> Words:
    """Does a published network, measured again, give its published P-vector?"""
    if run not in view.runs.index:
        return Words("The run that made this network is not among those published, so its P-vector cannot be checked.")
    published = view.study.vectors(run)
    said = []
    for convention, vector in own.items():
        other = published[f"trained/train/penultimate/{convention}"][0]
        said.append(f"{1 - abs(vector @ other) / np.linalg.norm(other):.1e} {CONVENTIONS[convention]}")
    return Words(
        "Measured on this machine and as published (half precision), its P-vectors differ by 1 − |cos| of "
        + " and ".join(said)
        + "."
    )


def nearest(view: View, vectors: Mapping[str, Mapping[str, np.ndarray]], *, leave_out: str | None = None) -> Words:
    """For each network, the mean |cos| with trained and with untrained published networks."""
    said = []
    for name, own in vectors.items():
        table = pd.concat([neighbours(view, vector, convention=c, leave_out=leave_out) for c, vector in own.items()])
        means = table[table["role"] == "primary"].groupby(["convention", "state"])["cos"].mean()
        said.append(
            f"- **{name}**: "
            + "; ".join(
                f"{CONVENTIONS[c]}, mean |cos| {means[c, 'trained']:.2f} with trained and {means[c, 'untrained']:.2f} with untrained "
                "networks"
                for c in own
            )
            + "."
        )
    return Words("\n".join(said))
