"""The ledger as Markdown, for the README. Not for deciding anything."""

from __future__ import annotations

import pandas as pd

from ..words import cell, dataset_title, interval
from .verdict import NOT_TESTED


def verdict_markdown(ledger: pd.DataFrame) -> str:
    """One row a claim and data set, a column a convention; the demonstration in a table of its own."""
    parts = [_table(ledger[~ledger["demonstration"]])]
    shown = ledger[ledger["demonstration"]]
    if len(shown):
        parts.append(f"The same for the demonstration, not a data set of the paper:\n\n{_table(shown)}")
    return "\n\n".join(parts) + "\n"


def _table(rows: pd.DataFrame) -> str:
    conventions = list(dict.fromkeys(rows["convention"]))
    heads = ["claim", "data set", *conventions, "seeds", "made by"]
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for (claim, dataset), part in rows.groupby(["claim", "dataset"], sort=False):
        by = part.set_index("convention")
        cells = [_cell(by.loc[name]) if name in by.index else "" for name in conventions]
        first = part.iloc[0]
        seeds = str(first["seeds"]) if first["seeds"] else ""
        command = f"`{cell(first['command'])}`" if first["command"] else ""
        title = f"{claim}. {cell(first['name'])}"
        lines.append(" | ".join([title, cell(dataset_title(dataset)), *cells, seeds, command]))
    return "\n".join(f"| {line} |" for line in lines)


def _cell(row: pd.Series) -> str:
    """ "**fails**: 0.312 [0.25, 0.37]; control 0.41 [...]"; for claim 2 both ends, each where it is worst."""
    if not pd.notna(row["estimate"]):
        return f"**{row['verdict']}**"
    angles = pd.notna(row["end"])
    unit = "°" if angles else ""
    text = interval(row["estimate"], row["lo"], row["hi"], unit=unit)
    control = interval(row["control"], row["control_lo"], row["control_hi"], unit=unit)
    if angles:
        end = interval(row["end"], row["end_lo"], row["end_hi"], unit=unit)
        text = f"worst start {text} ({cell(row['where'])}), worst end {end} ({cell(row['end_where'])})"
        end = interval(row["control_end"], row["control_end_lo"], row["control_end_hi"], unit=unit)
        control = f"{control}, {end}"
    if row["verdict"] == NOT_TESTED:
        return f"**{row['verdict']}** (exploratory: {text})"
    return f"**{row['verdict']}**: {text}; control {control}"
