"""Write a study's results as tables and P-vectors that others can check: `results/STUDY/` (schema in the book).

What is published already and not in this store stays: runs made on different days and machines add up. All files are
written into a new folder that replaces the old one as a whole, so an interrupted publication changes nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from safetensors.numpy import save as save_arrays

from ..experiment.data import anchor, load
from ..measure import angle
from . import pairs, provenance
from .bench import ALONG, PRIMARY, data_p_vectors, spectrum
from .config import NUMERICS_VERSION, Run, Study
from .files import sha256, write_atomic, write_json
from .runner import now, say
from .store import Store

NETWORKS = ("resnet20",)  # architectures of which one trained network per data set is published, for the last chapter
KEYS = {
    "history": ["run", "epoch"],
    "snapshots": ["run", "step", "layer", "convention", "split"],
    "finals": ["run", "state", "layer", "convention", "split"],
    "anchor_shift": ["run", "convention", "split"],
    "trajectory": ["run", "step", "layer", "convention", "split", "target_run"],
    "full": ["run_a", "run_b", "convention", "split"],
}


def publish(study: Study, store: Store, target: Path) -> dict:
    """Build all tables of `study` from the store and from what `target` holds, and write them there.

    Returns the provenance, with the numbers of runs done, failed and missing.

    Raises
    ------
    ValueError
        There is nothing to publish.
    """
    target = Path(target)
    recover(target)
    data = {name: load(name) for name in study.datasets}
    keys = {run.key(data[run.recipe.dataset].checksum): run for run in study.runs}
    old = _read(target, keys)
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
    _write(target, tables, vectors, _networks(keys, done, store), data, summary)
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


def replicated(split: str, layer: str) -> bool:
    """Whether a layer is published on this anchor: the test anchor replicates the primary layer only."""
    return split == "train" or layer == PRIMARY


def _tables(keys, records, done, vectors, store: Store, data, old) -> dict[str, pd.DataFrame]:
    networks = [key for key in vectors if keys[key].role != "pool"]
    rows = {key: store.rows(key) for key in done}
    tables = {"runs": _merge(old["runs"], pd.DataFrame([run_row(k, keys[k], r) for k, r in records.items()]), ["run"])}
    fresh = {
        name: _long(rows, name, [k for k in done if keys[k].role != "pool"])
        for name in ("history", "finals", "anchor_shift")
    }
    fresh["snapshots"], fresh["trajectory"] = _along(keys, done, rows, vectors, store)
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
    old["trajectory"] = _merge(
        _ends(keys, set(vectors) - set(done), vectors, old), old["trajectory"], KEYS["trajectory"]
    )
    for name, frame in fresh.items():
        tables[name] = _merge(old[name], frame, KEYS[name])
    tables["data"] = pd.concat([data_rows(d) for d in data.values()], ignore_index=True)
    tables["pool"] = _merge(old["pool"], pool_rows(keys, records, done, rows), ["run", "convention"])
    return tables


def run_row(key: str, run: Run, record: Mapping) -> dict:
    """One row of the runs table: what was asked, what came out, where it ran."""
    recipe = run.recipe.to_dict()
    shown = {
        name: recipe[name]
        for name in (
            "dataset",
            "architecture",
            "objective",
            "labels",
            "pixels",
            "width",
            "train_size",
            "label_noise",
            "lr",
            "epochs",
            "batch_size",
            "optimiser",
            "augment",
            "precision",
            "draw",
            "seed",
        )
    }
    measured = {
        name: record.get(name)
        for name in (
            "status",
            "failed_epoch",
            "parameters",
            "score_name",
            "score",
            "train_loss",
            "test_loss",
            "train_accuracy",
            "test_accuracy",
            "train_explained_variance",
            "test_explained_variance",
            "probe_accuracy",
            "weight_norm",
            "cka_data",
            "steps",
            "wall_s",
            "measure_s",
            "device",
            "processor",
            "threads",
            "load",
            "commit",
            "torch",
            "data_sha256",
            "numerics_version",
            "finished_at",
        )
    }
    return {
        "run": key,
        "cell": run.cell,
        "label": run.label,
        "role": run.role,
        **shown,
        **measured,
        "config_json": json.dumps(recipe, sort_keys=True),
    }


def _along(keys, done, rows, vectors, store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scalars along training: angles to the own final P-vector, to the data's, to those of other seeds."""
    snapshots, trajectory = [], []
    for key in done:
        if keys[key].role == "pool":
            continue
        states = {name: pairs.unit(t.float().numpy())[0] for name, t in store.tensors(key, "snapshots").items()}
        for row in rows[key]["snapshots"]:
            if not replicated(row["split"], row["layer"]):
                continue
            place = f"{row['split']}/{row['layer']}/{row['convention']}"
            u = states[f"{row['step']}/{place}"]
            final = vectors[key].get(f"trained/{place}")
            own = _degrees(u, final)
            snapshots.append({"run": key, **row, "angle_own": own, "angle_data": _acos(row["cos_data"])})
            trajectory += _to_others(key, row, u, keys, vectors)
    return pd.DataFrame(snapshots), pd.DataFrame(trajectory)


def _to_others(key: str, row: Mapping, u: np.ndarray, keys, vectors) -> Iterator[dict]:
    """A row of the trajectory for each other run of the cell: the angle from `u`, measured as in `row`, to its final P-vector."""
    place = f"trained/{row['split']}/{row['layer']}/{row['convention']}"
    for other in vectors:
        if other == key or keys[other].cell != keys[key].cell or place not in vectors[other]:
            continue
        goal = pairs.unit(vectors[other][place])[0]
        yield {
            "run": key,
            **{name: row[name] for name in ("step", "epoch", "layer", "convention", "split")},
            "target_run": other,
            "angle": _degrees(u, goal),
            "c_product": row["cos_constant"] * abs(goal.sum()) / np.sqrt(len(goal)),
        }


def _ends(keys, elsewhere, vectors, old) -> pd.DataFrame:
    """Both ends of the trajectory of runs whose snapshots lie in another store, from their published vectors.

    Seeds that came later are targets that these runs did not know; claim 2 needs no more than the two ends.
    """
    rows = []
    for key, part in old["snapshots"].groupby("run") if elsewhere and len(old["snapshots"]) else ():
        if key not in elsewhere:
            continue
        initial = "untrained_raw" if any(n.startswith("untrained_raw/") for n in vectors[key]) else "untrained"
        for state, at in ((initial, part["step"] == 0), ("trained", part["step"] == part["step"].max())):
            for row in part[at].to_dict("records"):
                u = vectors[key].get(f"{state}/{row['split']}/{row['layer']}/{row['convention']}")
                rows += _to_others(key, row, pairs.unit(u)[0], keys, vectors) if u is not None else ()
    return pd.DataFrame(rows)


def _degrees(u, final) -> float:
    return float("nan") if final is None else float(np.degrees(angle(u, pairs.unit(final)[0])))


def _acos(cosine: float) -> float:
    return float(np.degrees(np.arccos(np.minimum(1.0, cosine))))


def pool_rows(keys, records, done, rows) -> pd.DataFrame:
    """Claim 3's table: one row for each pool run and convention."""
    found = []
    for key in done:
        if keys[key].role != "pool":
            continue
        record, recipe = records[key], keys[key].recipe
        finals = {
            (row["split"], row["convention"]): row
            for row in rows[key]["finals"]
            if (row["state"], row["layer"]) == ("trained", PRIMARY)
        }
        for convention in ALONG:
            if ("train", convention) not in finals:
                continue
            row, other = finals["train", convention], finals.get(("test", convention), {})
            found.append(
                {
                    "run": key,
                    "dataset": recipe.dataset,
                    "architecture": recipe.architecture,
                    "width": recipe.width,
                    "lr": recipe.lr,
                    "train_size": recipe.train_size,
                    "label_noise": recipe.label_noise,
                    "seed": recipe.seed,
                    "convention": convention,
                    "angle_data_deg": _acos(row["cos_data"]),
                    "angle_data_other_deg": _acos(other.get("cos_data", float("nan"))),
                    "stability": row["stability"],
                    "cka_data": record["cka_data"],
                    "train_loss": record["train_loss"],
                    "weight_norm": record["weight_norm"],
                    "train_accuracy": record["train_accuracy"],
                    "test_accuracy": record["test_accuracy"],
                    "test_error": 1 - record["test_accuracy"],
                    "generalization_gap": record["train_accuracy"] - record["test_accuracy"],
                }
            )
    return pd.DataFrame(found)


def data_rows(data) -> pd.DataFrame:
    """The data P-vectors' own rows."""
    chosen, rows = anchor(data), []
    sizes = {"train": len(chosen.train_ids), "test": len(chosen.test_ids)}
    for place, found in data_p_vectors(data).items():
        layer, split, convention = place.split("/")
        rows.append(
            {
                "dataset": data.name,
                "layer": layer,
                "convention": convention,
                "split": split,
                "n": sizes[split],
                "d": found.d,
                **spectrum(found),
                "bound_deg": float(np.degrees(found.bound)),
            }
        )
    return pd.DataFrame(rows)


def _long(rows: Mapping[str, dict], name: str, keys: list[str]) -> pd.DataFrame:
    return pd.DataFrame([{"run": key, **row} for key in keys for row in rows[key].get(name, [])])


def _merge(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows of both, the new ones where both have a row."""
    parts = [frame for frame in (old, new) if not frame.empty]
    if not parts:
        return new
    both = pd.concat(parts, ignore_index=True).drop_duplicates(key, keep="last")
    return both.sort_values(key, ignore_index=True)


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


def published_keys(target: Path) -> frozenset[str]:
    """Keys of the runs that a folder of results holds; none where there is no such folder."""
    path = Path(target) / "runs.parquet"
    return frozenset(pd.read_parquet(path, columns=["run"])["run"]) if path.exists() else frozenset()


def _read(target: Path, keys: Mapping) -> dict:
    """What is published and still belongs to the study (same keys): tables, vectors."""
    old = {name: pd.DataFrame() for name in (*KEYS, "runs", "pool")}
    old["vectors"] = {}
    if not (target / "runs.parquet").exists():
        return old
    for name in (*KEYS, "runs", "pool"):
        frame = pd.read_parquet(target / f"{name}.parquet") if (target / f"{name}.parquet").exists() else pd.DataFrame()
        for column in ("run", "run_a", "run_b", "target_run"):
            if column in frame:
                frame = frame[frame[column].isin(list(keys))]
        if name in ("snapshots", "trajectory") and not frame.empty:
            frame = frame[(frame["split"] == "train") | (frame["layer"] == PRIMARY)]
        old[name] = frame
    old["vectors"] = {
        key: load_file(path) for key in keys if (path := target / "vectors" / f"{key}.safetensors").exists()
    }
    return old


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


def _write(target: Path, tables, vectors, networks, data, summary) -> None:
    building = target.with_name(f".{target.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    (building / "vectors").mkdir(parents=True)
    for name, frame in tables.items():
        _compact(frame).to_parquet(building / f"{name}.parquet", index=False, compression="zstd")
    for key, value in vectors.items():
        write_atomic(
            building / "vectors" / f"{key}.safetensors",
            save_arrays(
                {n: np.ascontiguousarray(v) for n, v in value.items()},
                {"run": key, "numerics_version": str(NUMERICS_VERSION)},
            ),
        )
    for name, d in data.items():
        write_atomic(
            building / "vectors" / f"data-{name}.safetensors",
            save_arrays({place: found.vector[None].astype(np.float16) for place, found in data_p_vectors(d).items()}),
        )
    if (target / "networks").exists():
        shutil.copytree(target / "networks", building / "networks")
    for name, network in networks.items():
        write_atomic(
            building / "networks" / f"{name}.safetensors",
            save_arrays(network["tensors"], network["metadata"]),
        )
    write_json(building / "provenance.json", summary)
    files = sorted(p for p in building.rglob("*") if p.is_file())
    write_atomic(
        building / "SHA256SUMS",
        "".join(f"{sha256(p)}  {p.relative_to(building).as_posix()}\n" for p in files).encode(),
    )
    _swap(building, target)


def _swap(building: Path, target: Path) -> None:
    """Put the finished folder in place. Killed in between, `recover` puts the old one back."""
    aside = target.with_name(f".{target.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    building.rename(target)
    shutil.rmtree(aside, ignore_errors=True)


def recover(target: Path) -> None:
    """Undo a publication that was killed between its two renames."""
    aside = target.with_name(f".{target.name}.old")
    if aside.exists() and not target.exists():
        aside.rename(target)


def _compact(frame: pd.DataFrame) -> pd.DataFrame:
    """float32 where a table has many rows: eight digits are more than the P-vectors' half precision carries."""
    if len(frame) < 2000:
        return frame
    wide = frame.select_dtypes("float64").columns
    return frame.astype(dict.fromkeys(wide, "float32"))
