"""Rows about single runs and data sets, for the published tables. Not about pairs (pairs), not their files (published)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..experiment.data import anchor
from ..measure import angle
from . import pairs
from .bench import ALONG, PRIMARY, data_p_vectors, spectrum
from .config import Run
from .store import Store


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
            "failure",
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
            "computed_precision",
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
            place = f"{row['split']}/{row['layer']}/{row['convention']}"
            u = states[f"{row['step']}/{place}"]
            final = vectors[key].get(f"trained/{place}")
            own = _degrees(u, final)
            snapshots.append({"run": key, **row, "angle_own": own, "angle_data": _acos(row["cos_data"])})
            trajectory += _to_others(key, row, u, keys, vectors)
    return pd.DataFrame(snapshots), pd.DataFrame(trajectory)


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
    return pd.DataFrame(found, columns=["run", "state", "step", "layer", "convention", "sigmas"])


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


def end_rows(keys, elsewhere, vectors, old) -> pd.DataFrame:
    """Both ends of the trajectory of runs whose snapshots lie in another store, from their published vectors.

    Seeds that came later are targets that these runs did not know; claim 2 needs no more than the two ends.
    """
    rows: list[dict] = []
    for key, part in old["snapshots"].groupby("run") if elsewhere and len(old["snapshots"]) else ():
        if key not in elsewhere:
            continue
        initial = "untrained_raw" if any(n.startswith("untrained_raw/") for n in vectors[key]) else "untrained"
        for state, at in ((initial, part["step"] == 0), ("trained", part["step"] == part["step"].max())):
            for row in part[at].to_dict("records"):
                u = vectors[key].get(f"{state}/{row['split']}/{row['layer']}/{row['convention']}")
                rows += _to_others(key, row, pairs.unit(u)[0], keys, vectors) if u is not None else ()
    return pd.DataFrame(rows)


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
