"""Rows about single runs and data sets, for the published tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from ..experiment.data import anchor
from ..measure import angle
from ..published_tables import TABLES
from ..vector_names import ALONG, PRIMARY, VectorName
from . import pairs
from .config import Run
from .measuring import data_p_vectors, spectrum
from .store import Store


def run_row(key: str, run: Run, record: Mapping) -> dict:
    """One row of the runs table: what was asked, what came out, where it ran."""
    recipe = run.recipe.to_dict()
    own = {"run": key, "cell": run.cell, "label": run.label, "role": run.role}
    facts = {**record, **recipe, **own, "config_json": json.dumps(recipe, sort_keys=True)}
    return {column: facts.get(column) for column in TABLES["runs"]}  # of a failed run much is unknown


def replicated(split: str, layer: str) -> bool:
    """Whether a layer is published on this anchor: the test anchor replicates the primary layer only."""
    return split == "train" or layer == PRIMARY


def along_rows(keys, done, rows, vectors, store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scalars along training: angles to the own final P-vector, to the data's, to those of other seeds."""
    snapshots: list = []
    trajectory: list = []
    for key in done:
        if keys[key].role == "pool":
            continue
        states = {name: pairs.unit(t.float().numpy())[0] for name, t in store.tensors(key, "snapshots").items()}
        for row in map(_without_spectrum, rows[key]["snapshots"]):
            if not replicated(row["split"], row["layer"]):
                continue
            u = states[_name(str(row["step"]), row)]
            own = _degrees(u, vectors[key].get(_name("trained", row)))
            snapshots.append({"run": key, **row, "angle_own": own, "angle_data": _acos(row["cos_data"])})
            trajectory += _to_others(key, row, u, keys, vectors)
    return pd.DataFrame(snapshots), pd.DataFrame(trajectory)


def _name(state: str, row: Mapping) -> str:
    """Of the vector that a row is about, or of the same network's in another state."""
    return str(VectorName(state, row["split"], row["layer"], row["convention"]))


def _without_spectrum(row: Mapping) -> dict:
    return {name: value for name, value in row.items() if name != "sigmas"}


def final_rows(keys: list[str], rows: Mapping[str, dict]) -> pd.DataFrame:
    """Both ends of training on the anchors, and on that of the other data set where networks were shown it."""
    found = (
        {"run": key, **_without_spectrum(row)}
        for key in keys
        for row in (*rows[key]["finals"], *rows[key].get("elsewhere", ()))
    )
    return pd.DataFrame(found)


def spectrum_rows(keys: list[str], rows: Mapping[str, dict]) -> pd.DataFrame:
    """The first singular values: of final states at every layer, along training (state "step") at the primary one."""
    found = (
        {
            "run": key,
            "state": row.get("state", "step"),
            "step": row.get("step", -1),
            "layer": row["layer"],
            "convention": row["convention"],
            "sigmas": np.asarray(row["sigmas"], dtype=np.float32),
        }
        for key in keys
        for row in (*rows[key]["finals"], *rows[key]["snapshots"])
        if "sigmas" in row
    )
    return pd.DataFrame(found)


def _to_others(key: str, row: Mapping, u: np.ndarray, keys, vectors) -> Iterator[dict]:
    """A row of the trajectory for each other run of the cell: the angle from `u`, measured as in `row`, to its final P-vector."""
    name = _name("trained", row)
    for other in vectors:
        if other == key or keys[other].cell != keys[key].cell or name not in vectors[other]:
            continue
        goal = pairs.unit(vectors[other][name])[0]
        yield {
            "run": key,
            **{name: row[name] for name in ("step", "epoch", "layer", "convention", "split")},
            "target_run": other,
            "angle": _degrees(u, goal),
            "c_product": row["cos_constant"] * abs(goal.sum()) / np.sqrt(len(goal)),
        }


def end_rows(keys, elsewhere, vectors, old) -> pd.DataFrame:
    """Both ends of the trajectory of runs whose snapshots lie in another store, from their published vectors.

    Seeds that came later are targets that these runs did not know; claim 2 needs no more than the two ends.
    """
    rows: list[dict] = []
    for key, part in old["snapshots"].groupby("run") if elsewhere and len(old["snapshots"]) else ():
        if key not in elsewhere:
            continue
        states = {VectorName.parse(name).state for name in vectors[key]}
        initial = "untrained_raw" if "untrained_raw" in states else "untrained"
        for state, at in ((initial, part["step"] == 0), ("trained", part["step"] == part["step"].max())):
            for row in part[at].to_dict("records"):
                u = vectors[key].get(_name(state, row))
                rows += _to_others(key, row, pairs.unit(u)[0], keys, vectors) if u is not None else ()
    return pd.DataFrame(rows)


def pool_rows(keys, records, done, rows) -> pd.DataFrame:
    """Claim 3's table: one row for each pool run and convention."""
    found = []
    for key in done:
        if keys[key].role != "pool":
            continue
        record = records[key]
        finals = {
            (row["split"], row["convention"]): row
            for row in rows[key]["finals"]
            if (row["state"], row["layer"]) == ("trained", PRIMARY)
        }
        for convention in ALONG:
            if ("train", convention) not in finals:
                continue
            row, other = finals["train", convention], finals.get(("test", convention), {})
            facts = {
                **record,
                **keys[key].recipe.to_dict(),
                "run": key,
                "convention": convention,
                "angle_data_deg": _acos(row["cos_data"]),
                "angle_data_other_deg": _acos(other.get("cos_data", float("nan"))),
                "stability": row["stability"],
                "test_error": 1 - record["test_accuracy"],
                "generalization_gap": record["train_accuracy"] - record["test_accuracy"],
            }
            found.append({column: facts[column] for column in TABLES["pool"]})
    return pd.DataFrame(found)


def data_rows(data) -> pd.DataFrame:
    """The data P-vectors' own rows."""
    chosen, rows = anchor(data), []
    sizes = {"train": len(chosen.train_ids), "test": len(chosen.test_ids)}
    for name, found in data_p_vectors(data).items():
        rows.append(
            {
                "dataset": data.name,
                **asdict(name),
                "n": sizes[name.split],
                "d": found.d,
                **spectrum(found),
                "bound_deg": float(np.degrees(found.error_bound)),
            }
        )
    return pd.DataFrame(rows)


def long_rows(rows: Mapping[str, dict], name: str, keys: list[str]) -> pd.DataFrame:
    return pd.DataFrame([{"run": key, **row} for key in keys for row in rows[key].get(name, [])])


def _degrees(u, final) -> float:
    return float("nan") if final is None else float(np.degrees(angle(u, pairs.unit(final)[0])))


def _acos(cosine: float) -> float:
    return float(np.degrees(np.arccos(np.minimum(1.0, cosine))))
