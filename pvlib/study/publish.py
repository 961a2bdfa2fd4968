"""Write a study's results as tables and P-vectors that others can check: `results/STUDY/` (schema in the book).

What is published already and not in this store stays: runs made on different days and machines add up. Rows are made in
`run_rows` and `pairs`; the folder is read and written in `published`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ..experiment.data import anchor, load
from . import pairs
from . import publication_folder as folder
from .across import across_rows, alongside_rows
from .config import Study
from .correlates import correlate_rows
from .published import left_out, merge, origin, read, resolved, write
from .run_rows import along_rows, data_rows, end_rows, final_rows, long_rows, pool_rows, run_row, spectrum_rows
from .runner import say
from .spans import span_rows
from .store import Store
from .vectors import along_training, pack, slim, unpack

NETWORKS = ("resnet20",)  # architectures of which one trained network per data set is published, for the last chapter


def publish(study: Study, store: Store, target: Path, *, drop: bool = False) -> dict:
    """Build all tables of `study` from the store and from what `target` holds, and write them there.

    Files in `target` that no publication wrote are left as they are.

    Parameters
    ----------
    drop
        Leave out published runs that the study no longer has.

    Returns
    -------
    dict
        The provenance, with the numbers of runs done, failed and missing.

    Raises
    ------
    ValueError
        There is nothing to publish; what is published there is damaged; or it has runs that the study lacks (named)
        and `drop` is not set.
    """
    target = resolved(target)
    with folder.alone(target):
        folder.recover(target)
        return _publish(study, store, target, drop=drop)


def _publish(study: Study, store: Store, target: Path, *, drop: bool) -> dict:
    data = {name: load(name) for name in study.datasets}
    all_keys = {run: list(run.keys(data[run.recipe.dataset].checksum).values()) for run in study.runs}
    known = {key: run for run, run_keys in all_keys.items() for key in run_keys}
    if not drop and (lost := left_out(target, known)):
        raise ValueError(
            f"{target} has published runs that {study.name!r} lacks now (removed, or with another recipe or data): "
            f"{lost}; publish with --drop to lose them, or --to another folder"
        )
    old = read(target, known)
    keys = {_held(run_keys, old["runs"], store): run for run, run_keys in all_keys.items()}
    records = {key: record for key in keys if (record := store.record(key)) is not None}
    if not records and old["runs"].empty:
        raise ValueError(
            f"nothing to publish: no run of {study.name!r} is finished in {store.root}; "
            f"train it with `pvlib run {study.name}`"
        )
    say(
        f"publishing {study.name}: {len(records)} runs from the store, "
        f"{len(set(old['runs'].get('run', [])) - set(records))} published before, {len(keys)} in the study"
    )
    done = [key for key, record in records.items() if record["status"] == "done"]
    fresh = {key: _vectors(store, key, records[key]["steps"]) for key in done}
    # Tables about final states are made of what is published: of the rounded vectors.
    vectors = {
        key: unpack(pack(slim(value, keys[key].role)))
        for key, value in {**old["vectors"], **fresh}.items()
        if key in keys
    }
    tables = _tables(keys, records, done, vectors, fresh, store, data, old)
    summary = _provenance(study, tables["runs"], data)
    write(target, tables, vectors, _networks(keys, done, store), data, summary)
    return summary


def _held(keys: list[str], old_runs: pd.DataFrame, store: Store) -> str:
    """The key under which a run's result stands: published and done, in the store, or else the one that was asked for."""
    done = set(old_runs["run"][old_runs["status"] == "done"]) if len(old_runs) else set()
    return next((key for key in keys if key in done), None) or store.held(keys) or keys[0]


def _vectors(store: Store, key: str, steps: int) -> dict:
    return store.arrays(key, "vectors") | along_training(store.arrays(key, "snapshots"), steps)


def _tables(keys, records, done, vectors, exact, store: Store, data, old) -> dict[str, pd.DataFrame]:
    networks = [key for key in vectors if keys[key].role != "pool"]
    rows = {key: store.rows(key) for key in done}
    shown = [key for key in done if keys[key].role != "pool"]
    fresh = {name: long_rows(rows, name, shown) for name in ("history", "anchor_shift")}
    fresh["runs"] = pd.DataFrame([run_row(key, keys[key], record) for key, record in records.items()])
    fresh["pool"] = pool_rows(keys, records, done, rows)
    fresh["finals"], fresh["spectra"] = final_rows(shown, rows), spectrum_rows(shown, rows)
    fresh["snapshots"], fresh["trajectory"] = along_rows(keys, done, rows, {**vectors, **exact}, store)
    dataset_of = {key: run.recipe.dataset for key, run in keys.items()}
    per_dataset = {name: {k: vectors[k] for k in networks if dataset_of[k] == name} for name in data}
    labels = {name: d.train.labels[anchor(d).train_ids].numpy() for name, d in data.items()}
    for table, make in (
        ("pairs", lambda name: pairs.pair_rows(per_dataset[name], {k: run.cell for k, run in keys.items()})),
        ("controls", lambda name: pairs.control_rows(per_dataset[name], labels[name])),
        ("spans", lambda name: span_rows(per_dataset[name], data[name].num_classes)),
        ("alongside", lambda name: alongside_rows(per_dataset[name])),
        ("correlates", lambda name: correlate_rows(per_dataset[name], data[name])),
        ("full", lambda name: pairs.full_rows({k: store.arrays(k, "full") for k in shown if dataset_of[k] == name})),
        ("data", lambda name: data_rows(data[name])),
    ):
        fresh[table] = pd.concat([make(name) for name in data], ignore_index=True)
    fresh["across"] = across_rows({key: vectors[key] for key in networks}, dataset_of)
    ends = end_rows(keys, set(vectors) - set(done), vectors, old)
    old["trajectory"] = merge("trajectory", ends, old["trajectory"])
    return {name: merge(name, old[name], frame) if name in old else frame for name, frame in fresh.items()}


def _networks(keys, done, store: Store) -> dict[str, dict]:
    found = {}
    for key in done:
        run = keys[key]
        if run.recipe.architecture in NETWORKS and run.recipe.seed == 0 and run.role == "primary":
            found[f"{run.recipe.architecture}-{run.recipe.dataset}"] = {
                "tensors": store.arrays(key, "weights"),
                "metadata": {"run": key, "recipe": json.dumps(run.recipe.to_dict(), sort_keys=True)},
            }
    return found


def planned_cells(study: Study) -> dict[str, dict]:
    """Every cell of the study, trained or not: what is missing from the tables is known from here."""
    cells: dict[str, dict] = {}
    for run in study.runs:
        facts = {"label": run.label, "role": run.role, "dataset": run.recipe.dataset, "runs": 0}
        cells.setdefault(run.cell, facts)["runs"] += 1
    return cells


def _provenance(study: Study, runs: pd.DataFrame, data) -> dict:
    return {
        "study": study.name,
        "description": study.description,
        **origin(runs, data),
        "planned": len(study.runs),
        "planned_cells": planned_cells(study),
        "runs": int((runs["status"] == "done").sum()),
        "failed": int((runs["status"] == "failed").sum()),
        "command": f"make study publish STUDY={study.name}",
    }
