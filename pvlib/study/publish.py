"""Write a study's results as tables and P-vectors that others can check: `results/STUDY/` (schema in the book).

What is published already and not in this store stays: runs made on different days and machines add up. Rows are made in
`run_rows` and `pairs`; the folder is read and written in `published`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ..experiment.data import anchor, load
from . import folder, pairs, provenance
from .bench import ALONG, PRIMARY
from .config import NUMERICS_VERSION, Run, Study
from .published import KEYS, left_out, merge, read, resolved, write
from .run_rows import along_rows, data_rows, end_rows, long_rows, pool_rows, replicated, run_row
from .runner import now, say
from .store import Store

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
    keys = {run.key(data[run.recipe.dataset].checksum): run for run in study.runs}
    if not drop and (lost := left_out(target, keys)):
        raise ValueError(
            f"{target} has published runs that {study.name!r} lacks now (removed, or with another recipe or data): "
            f"{lost}; publish with --drop to lose them, or --to another folder"
        )
    old = read(target, keys)
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
    vectors = {key: {n: t.numpy() for n, t in store.tensors(key, "vectors").items()} for key in done}
    vectors = {key: _slim(value, keys[key]) for key, value in {**old["vectors"], **vectors}.items()}
    tables = _tables(keys, records, done, vectors, store, data, old)
    summary = _provenance(study, tables["runs"], data)
    write(target, tables, vectors, _networks(keys, done, store), data, summary)
    return summary


def _slim(vectors: dict, run: Run) -> dict:
    """What of a run's vectors is published, so that all studies together stay small; tables are made of these alone.

    Test anchor: the first direction at the primary layer, which is all that a replication needs. Training anchor: for
    primary cells the span at the primary layer, otherwise first directions; untrained networks have no rows of unit
    length, and with BatchNorm uncalibrated only the primary layer. Pool runs: the primary layer's two vectors on the
    training anchor.
    """
    if run.role == "pool":
        keep = [f"trained/train/{PRIMARY}/{c}" for c in ALONG]
        return {name: vectors[name][:1] for name in keep if name in vectors}
    kept = {}
    for name, value in vectors.items():
        state, split, layer, convention = name.split("/")
        if not replicated(split, layer) or (state != "trained" and convention not in ALONG):
            continue
        if state == "untrained_raw" and layer != PRIMARY:
            continue
        whole = run.role == "primary" and (state, split, layer) == ("trained", "train", PRIMARY)
        kept[name] = value if whole else value[:1]
    return kept


def _tables(keys, records, done, vectors, store: Store, data, old) -> dict[str, pd.DataFrame]:
    networks = [key for key in vectors if keys[key].role != "pool"]
    rows = {key: store.rows(key) for key in done}
    tables = {"runs": merge(old["runs"], pd.DataFrame([run_row(k, keys[k], r) for k, r in records.items()]), ["run"])}
    fresh = {
        name: long_rows(rows, name, [k for k in done if keys[k].role != "pool"])
        for name in ("history", "finals", "anchor_shift")
    }
    fresh["snapshots"], fresh["trajectory"] = along_rows(keys, done, rows, vectors, store)
    per_dataset = {name: {k: vectors[k] for k in networks if keys[k].recipe.dataset == name} for name in data}
    labels = {name: d.train.labels[anchor(d).train_ids].numpy() for name, d in data.items()}
    for table, make in (
        ("pairs", lambda name: pairs.pair_rows(per_dataset[name])),
        ("controls", lambda name: pairs.control_rows(per_dataset[name], labels[name])),
        ("spans", lambda name: pairs.span_rows(per_dataset[name])),
    ):
        tables[table] = pd.concat([make(name) for name in data], ignore_index=True)
    fresh["full"] = pd.concat(
        [
            pairs.full_rows(
                {
                    k: {n: t.numpy() for n, t in store.tensors(k, "full").items()}
                    for k in done
                    if keys[k].recipe.dataset == name and keys[k].role != "pool"
                }
            )
            for name in data
        ],
        ignore_index=True,
    )
    old["trajectory"] = merge(
        end_rows(keys, set(vectors) - set(done), vectors, old), old["trajectory"], KEYS["trajectory"]
    )
    for name, frame in fresh.items():
        tables[name] = merge(old[name], frame, KEYS[name])
    tables["data"] = pd.concat([data_rows(d) for d in data.values()], ignore_index=True)
    tables["pool"] = merge(old["pool"], pool_rows(keys, records, done, rows), ["run", "convention"])
    return tables


def _networks(keys, done, store: Store) -> dict[str, dict]:
    found = {}
    for key in done:
        run = keys[key]
        if run.recipe.architecture in NETWORKS and run.recipe.seed == 0 and run.role == "primary":
            found[f"{run.recipe.architecture}-{run.recipe.dataset}"] = {
                "tensors": {n: t.numpy() for n, t in store.tensors(key, "weights").items()},
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
    def listed(column):
        return sorted({str(value) for value in runs[column].dropna()})

    return {
        "study": study.name,
        "description": study.description,
        "published_at": now(),
        "commit": provenance.commit(),
        "run_commits": listed("commit"),
        "versions": provenance.versions(),
        "device": listed("device"),
        "processor": listed("processor"),
        "torch": listed("torch"),
        "data": {name: d.checksum for name, d in data.items()},
        "numerics_version": NUMERICS_VERSION,
        "planned": len(study.runs),
        "planned_cells": planned_cells(study),
        "runs": int((runs["status"] == "done").sum()),
        "failed": int((runs["status"] == "failed").sum()),
        "wall_s_total": float(runs["wall_s"].sum()),
        "command": f"make study publish STUDY={study.name}",
    }
