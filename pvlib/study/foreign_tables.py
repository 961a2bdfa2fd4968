"""The published tables of foreign networks: `results/foreign/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from .. import checksums
from ..experiment.data import ImageData, anchor
from ..vector_names import ALONG, PRIMARY
from . import pairs
from . import publication_folder as folder
from .foreign import Cell
from .measuring import data_p_vectors
from .published import merge, origin, resolved, unsound, verified, write
from .run_rows import final_rows, spectrum_rows
from .runner import say
from .store import Store
from .vectors import pack, unpack

DEPTHS = ("early", "middle", "late", PRIMARY)
FAMILIES = {"classification": "classifier", "reconstruction": "autoencoder"}  # others are named as their objective
VARIATIONAL = "variational autoencoder"  # told apart: its features have no mean
CELL = ["network", "dataset", "size"]


def publish(cells: Sequence[Cell], store: Store, target: Path, beside: Iterable[Path] = ()) -> dict:
    """Write the tables of all cells that the store or `target` holds, compared with the networks of the studies `beside`.

    Raises
    ------
    ValueError
        There is nothing to publish, or a study beside is not published, damaged, or measured on other samples.
    """
    target = resolved(target)
    with folder.alone(target):
        folder.recover(target)
        return _publish(cells, store, target, [Path(study) for study in beside])


def held(target: Path) -> frozenset[str]:
    """Keys of the cells that are published in a folder; none where there is no such folder. ValueError where it is damaged."""
    target = resolved(target)
    folder.settle(target)
    return frozenset(_table(target, "networks").get("run", []))


def _table(target: Path, name: str) -> pd.DataFrame:
    """A published table, all files of the publication being sound; without columns where there is none."""
    if damaged := checksums.damaged(target):
        raise unsound(target, damaged)
    file = f"{name}.parquet"
    return pd.read_parquet(target / file) if file in checksums.listed(target) else pd.DataFrame()


def _current(published: pd.DataFrame, keys: Mapping[str, Cell]) -> pd.DataFrame:
    """The rows of published cells that are still valid: not of a cell that has another key now."""
    replaced = {(cell.network.name, cell.data.name, cell.size) for cell in keys.values()}
    if published.empty:
        return published
    places = published[["run", *CELL]].itertuples(index=False, name=None)
    return published[[run in keys or tuple(place) not in replaced for run, *place in places]]


def _publish(cells: Sequence[Cell], store: Store, target: Path, beside: list[Path]) -> dict:
    keys = {cell.key: cell for cell in cells}
    records = {key: record for key in keys if (record := store.record(key)) is not None}
    before = _current(_table(target, "networks"), keys)
    if not records and before.empty:
        raise ValueError(f"nothing to publish: {store.root} holds no foreign network, and {target} neither")
    stays = list(dict.fromkeys(before.get("run", [])))
    old = {name: _table(target, name) for name in ("finals", "spectra")}
    old = {name: frame[frame["run"].isin(stays)] if len(frame) else frame for name, frame in old.items()}
    kept = {run: unpack(load_file(target / "vectors" / f"{run}.safetensors")) for run in stays}
    rows = {key: store.rows(key) for key in records}
    fresh = {key: store.arrays(key, "vectors") for key in records}
    # Tables are made of what is published: of the rounded vectors.
    vectors = {key: unpack(pack(value)) for key, value in {**kept, **fresh}.items()}
    tables = {
        "networks": merge("networks", before, network_rows(records, rows)),
        "finals": merge("finals", old["finals"], final_rows(list(records), rows)),
        "spectra": merge("spectra", old["spectra"], spectrum_rows(list(records), rows)),
    }
    data = {cell.data.name: cell.data for cell in cells}
    shown_to = tables["networks"].drop_duplicates("run").set_index("run")
    frames = []
    for name, d in data.items():
        here = shown_to[shown_to["dataset"] == name]
        others, about = published_networks(beside, d)
        about |= {run: ("foreign", family) for run, family in here["family"].items()}
        frames.append(agreement_rows({run: vectors[run] for run in here.index}, others, about, d))
    tables["agreement"] = pd.concat(frames, ignore_index=True)
    summary = _provenance(tables["networks"], data, cells, beside)
    write(target, tables, vectors, {}, data, summary)
    return summary


def network_rows(records: Mapping[str, Mapping], rows: Mapping[str, Mapping]) -> pd.DataFrame:
    """A row for each network, size, data set and state; weights and seed where the state has them."""
    found = []
    for key, record in records.items():
        for state in dict.fromkeys(row["state"] for row in rows[key]["finals"]):
            trained = state == "trained"
            own = {"weights_sha256": record["weights_sha256"] if trained else None}
            own["seed"] = None if trained else record["seed"]
            facts = {name: value for name, value in record.items() if name not in ("files", "status", *own)}
            found.append({"run": key, "state": state, **facts, **own})
    return pd.DataFrame(found).astype({"seed": "Int64"}) if found else pd.DataFrame()


def published_networks(folders: Iterable[Path], data: ImageData) -> tuple[dict, dict]:
    """Vectors of the primary networks that studies trained on this data set, and (study, family) of each.

    Raises
    ------
    ValueError
        A folder is no published study, is damaged, or its anchor is not this one.
    """
    vectors, about = {}, {}
    for study in folders:
        if not verified(study):
            raise ValueError(f"{study} holds no published study to compare with")
        summary = json.loads((study / "provenance.json").read_bytes())
        if summary["data"].get(data.name, data.checksum) != data.checksum:
            raise ValueError(f"{study} was measured on another {data.name}: its P-vectors are of other samples")
        runs = pd.read_parquet(study / "runs.parquet")
        runs = runs[(runs["dataset"] == data.name) & (runs["status"] == "done") & (runs["role"] == "primary")]
        for run, objective, name in zip(runs["run"], runs["objective"], runs["architecture"], strict=True):
            vectors[run] = unpack(load_file(study / "vectors" / f"{run}.safetensors"))
            family = VARIATIONAL if name.endswith("_vae") else FAMILIES.get(objective, objective)
            about[run] = (summary["study"], family)
    return vectors, about


def agreement_rows(
    foreign: Mapping, others: Mapping, about: Mapping[str, tuple[str, str]], data: ImageData
) -> pd.DataFrame:
    """|cos| of every foreign network, at every depth, with one another at the same depth, with others' primary layer, with data.

    States are paired as in `pairs.pair_rows`; data P-vectors go with every state. Of two trained networks at the primary
    layer, also what is left when part of what they share is destroyed.
    """
    ids = anchor(data).train_ids
    labels = data.train.labels[ids].numpy()
    shown = {name: one for name, one in data_p_vectors(data).items() if name.split == "train" and one is not None}
    mine, theirs, frames = pairs.groups(foreign), pairs.groups(others), []
    for layer in DEPTHS:
        for convention in ALONG:
            members = mine.get(("train", layer, convention), [])
            if not members:
                continue
            number = len(members)
            members = members + theirs.get(("train", PRIMARY, convention), [])
            members += [(of.layer, "data", one.vector) for of, one in shown.items() if of.convention == convention]
            runs, states = (np.array([member[part] for member in members]) for part in (0, 1))
            matrix = np.stack([member[2] for member in members])
            i, j = np.triu_indices(len(members), 1)
            keep = pairs.comparable(runs, states, i, j, mixed=layer == PRIMARY) | (states[j] == "data")
            keep &= i < number
            i, j = i[keep], j[keep]
            frame = pd.DataFrame(
                {
                    "dataset": data.name,
                    "run_a": runs[i],
                    "state_a": states[i],
                    "layer": layer,
                    "run_b": runs[j],
                    "state_b": states[j],
                    "layer_b": np.where(j < number, layer, np.where(states[j] == "data", "pixels", PRIMARY)),
                    "study_b": [about.get(run, ("data", "data"))[0] for run in runs[j]],
                    "family_b": [about.get(run, ("data", "data"))[1] for run in runs[j]],
                    "convention": convention,
                    "split": "train",
                    **pairs.cosines(matrix, i, j),
                }
            )
            frames.append(frame.join(_controls(frame, matrix, i, j, labels, convention)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _controls(frame: pd.DataFrame, matrix, i, j, labels: np.ndarray, convention: str) -> pd.DataFrame:
    """The controls of the rows that have any, by their index."""
    wanted = frame[(frame["layer"] == PRIMARY) & (frame["state_a"] == "trained") & (frame["state_b"] == "trained")]
    found = {}
    for row in wanted.itertuples():
        seed = pairs.pair_seed(*sorted((row.run_a, row.run_b)), convention)
        found[row.Index] = pairs.controls(matrix[i[row.Index]], matrix[j[row.Index]], labels, seed)
    names = ["within_class", "within_class_hi", "span_rotation", "residual_cos"]
    return pd.DataFrame.from_dict(found, orient="index", columns=["free_permutation", *names], dtype=float)[names]


def _provenance(
    networks: pd.DataFrame, data: Mapping[str, ImageData], cells: Sequence[Cell], beside: list[Path]
) -> dict:
    shown = networks.drop_duplicates("run")
    present = set(shown[CELL].itertuples(index=False, name=None))
    planned = [(cell.network.name, cell.data.name, cell.size) for cell in cells]
    lacking = [" ".join(map(str, place)) for place in planned if place not in present]
    say(f"{len(shown)} cells, {len(lacking)} missing")
    return {
        "study": "foreign",
        "description": "Networks that nobody here trained, shown the training anchors; untrained copies beside them.",
        **origin(shown, data),
        "beside": [study.name for study in beside],
        "planned": len(planned),
        "runs": len(shown),
        "missing": lacking,
        "command": " ".join(["pvlib foreign --to results/foreign --beside", *(f"results/{s.name}" for s in beside)]),
    }
