"""The page "Explore the evidence": published P-vectors, packed into scripts that a page opened from a disk may load on demand.

For every study, data set, layer and convention a file with the vectors of all networks, 8 bits an entry; for every layer one with
what was measured along training; for every data set one with the P-vectors of its pixels; and an index. The page "Try your own features"
loads them, too. All of it is read from `results/`, with checksums verified: nothing is trained here.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from try_page import bundle

from pvlib.experiment.data import anchor, load
from pvlib.report import tables
from pvlib.vector_names import DataName

ENTRY = "explore"
STUDIES = ("quick", "trained", "digits", "foreign")
OTHERS = {
    "foreign": ("quick", "trained")
}  # whose networks stand beside a study's own, at the primary layer, on the same images
PRIMARY = "penultimate"
LAYERS = ("earlier", "early", "middle", "late", "penultimate_pre", PRIMARY, "output")
CONVENTIONS = ("uncentred", "centred")
DATASETS = ("mnist", "cifar10", "cifar100", "digits")
STATES = ("trained", "untrained")
ROLES = ("primary", "control", "exploratory", "foreign")  # networks of the pool have few vectors
EVERYWHERE = ("primary", "foreign")  # at all layers; other networks at the primary one alone
REPEATED = {"quick": "trained"}  # of the first, the primary layer alone on the data sets that the second has, too
FAMILIES = {"classification": "classifier", "reconstruction": "autoencoder", "contrastive": "contrastive"}
TOLERANCE = 1e-3  # of cosines: entries get 16 bits where 8 would move a published one by more
NO_ANGLE = 65535  # all other 16-bit numbers are angles, from 0 to 90 degrees
CELL = ["study", "cell", "label", "role", "family", "score_name", "layers"]  # what the runs of a cell have in common


def setup(app):
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app, error) -> None:
    if error is None and app.builder.format == "html" and "explore" in app.env.found_docs:
        write(Path(app.srcdir), Path(app.outdir) / "_static" / "explore")


def write(book: Path, to: Path) -> None:
    """Everything that the page loads."""
    to.mkdir(parents=True, exist_ok=True)
    styles = (book / "_try" / "try.css", book / "_explore" / "explore.css")
    (to / "explore.css").write_text("".join(path.read_text() for path in styles))
    (to / "explore.js").write_text(script(book))
    folder = tables.results_folder()
    studies = {name: tables.Study(folder / name) for name in STUDIES if (folder / name / "SHA256SUMS").is_file()}
    again = {name: set(studies[later].runs["dataset"]) for name, later in REPEATED.items() if later in studies}
    found = [part for name, study in studies.items() for part in parts(study, again.get(name, set()))]
    collections = [collection(part, found, to) for part in found]
    datasets = {part.dataset: classes(part, folder) for part in found}
    for part in found:
        if "runs.parquet" in part.study.sums:
            _save(to, f"pixels-{part.dataset}", pixels(part))
    index = {"collections": collections, "datasets": datasets}
    if "digits" in datasets:
        data = load("digits")
        images = data.train.images[anchor(data).train_ids].numpy()
        _save(to, "digits-images", {"side": images.shape[-1], "pixels": _text(images)})
    (to / "index.js").write_text(f"window.pvExplore = {json.dumps(index, separators=(',', ':'))};\n")


def script(book: Path) -> str:
    """The page's script."""
    return f"""\
(() => {{
{bundle(book / "_explore", ENTRY)}
const base = new URL("..", document.currentScript.src).href;
window.pvExplorer = modules.{ENTRY}.start(window.pvExplore, base);
}})();
"""


class Part:
    """The networks of one study that were shown one data set."""

    def __init__(self, study: tables.Study, dataset: str, networks: pd.DataFrame, layers: Sequence[str]):
        self.study, self.dataset, self.networks = study, dataset, networks
        vectors = {run: study.vectors(run) for run in networks.index}
        self.rows = {
            (layer, convention): pd.DataFrame(
                [
                    {"run": run, "state": state, "entries": named[place][0]}
                    for run, named in vectors.items()
                    if layer == PRIMARY or networks["role"][run] in EVERYWHERE
                    for state in STATES
                    if (place := f"{state}/train/{layer}/{convention}") in named
                ]
            )
            for layer in layers
            for convention in CONVENTIONS
        }
        self.layers = [layer for layer in layers if len(self.rows[layer, "centred"])]
        own = {layer: set(self.rows[layer, "centred"]["run"]) for layer in self.layers}
        networks["layers"] = [[layer for layer in self.layers if run in own[layer]] for run in networks.index]

    @property
    def name(self) -> str:
        return f"{self.study.folder.name}-{self.dataset}"

    @functools.cached_property
    def cosines(self) -> pd.DataFrame:
        """Published cosines: run_a, run_b, state_a, state_b, layer, convention, cos."""
        if "pairs.parquet" in self.study.sums:
            pairs = self.study.pairs
            return pairs[pairs["split"] == "train"]
        pairs = pd.read_parquet(self.study.path("agreement.parquet"))
        return pairs[(pairs["dataset"] == self.dataset) & (pairs["layer"] == pairs["layer_b"])]


def parts(study: tables.Study, again: set[str]) -> list[Part]:
    """A study by data set; of those in `again`, the primary layer."""
    if "runs.parquet" in study.sums:
        runs = study.runs
        runs = runs[runs["role"].isin(ROLES) & (runs["status"] == "done")]
        runs = runs.assign(
            cell=runs["cell"].str.split("/").str[1],
            family=runs["objective"].map(FAMILIES),
            number=runs["seed"],
            seed=[f"seed {seed}" for seed in runs["seed"]],
        )
        ranks = {"role": list(ROLES), "objective": list(FAMILIES), "dataset": list(DATASETS)}
        rank = {"key": lambda column: column.map(ranks[column.name].index) if column.name in ranks else column}
        runs = runs.sort_values(["dataset", "role", "objective", "label", "number"], **rank)
    else:
        runs = pd.read_parquet(study.path("networks.parquet"))
        runs = runs[runs["state"] == "trained"].sort_values(["network", "size"])
        runs = runs.assign(
            cell=runs["network"],
            label=runs["network"],
            number=runs["size"],
            seed=[f"{size} pixels" for size in runs["size"]],
            role="foreign",
            family="classifier",
            score_name=None,
            score=None,
        )
    runs = runs.assign(id=[f"{cell}.{number}" for cell, number in zip(runs["cell"], runs["number"], strict=True)])
    runs = runs.assign(study=study.folder.name).set_index("run")
    return [
        Part(study, dataset, group.copy(), (PRIMARY,) if dataset in again else LAYERS)
        for dataset, group in runs.groupby("dataset", sort=False)
    ]


def collection(part: Part, found: list[Part], to: Path) -> dict:
    """What the index says of one study and data set; its files are written."""
    others = OTHERS.get(part.study.folder.name, ())
    beside = [other for other in found if other.study.folder.name in others and other.dataset == part.dataset]
    networks = pd.concat([part.networks, *(_at_primary(other.networks) for other in beside)])
    layers = {}
    for layer in part.layers:
        sources = [part, *(beside if layer == PRIMARY else [])]
        off = {}
        for convention in CONVENTIONS:
            kind = np.uint8
            off[convention] = difference(part, sources, layer, convention, kind)
            if off[convention] > TOLERANCE:
                kind = np.uint16
                off[convention] = difference(part, sources, layer, convention, kind)
            _save(to, f"{part.name}-{layer}-{convention}", chunk(part, layer, convention, kind))
        along = moments(part, layer)
        if along:
            _save(to, f"{part.name}-{layer}-along", along)
        files = {"": f"{part.name}-{layer}"} | {
            f"{other.study.folder.name}.": f"{other.name}-{layer}" for other in sources[1:]
        }
        layers[layer] = {"files": files, "along": bool(along), "off": max(off.values())}
    return {
        "study": part.study.folder.name,
        "data": part.dataset,
        "n": len(part.rows[PRIMARY, "centred"]["entries"].iloc[0]),
        "layers": layers,
        "cells": cells(networks),
    }


def cells(networks: pd.DataFrame) -> list[dict]:
    """Networks by cell, with the id, the words and the score of every run."""
    found: dict[str, dict] = {}
    for network in networks.to_dict(orient="records"):
        cell = found.setdefault(
            network["study"] + network["cell"], {name: network[name] for name in CELL} | {"runs": []}
        )
        score = None if network["score"] is None else round(network["score"], 4)
        cell["runs"].append([network["id"], network["seed"], score])
    return list(found.values())


def _at_primary(networks: pd.DataFrame) -> pd.DataFrame:
    """Networks of another study: every one under a longer id, at the primary layer alone."""
    return networks.assign(id=networks["study"] + "." + networks["id"], layers=[[PRIMARY]] * len(networks))


def quantised(rows: pd.DataFrame, kind: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries as whole numbers between the smallest and the largest of each vector, and what 0 and the largest number stand for."""
    entries = np.stack(rows["entries"])
    low, high = entries.min(1), entries.max(1)
    step = np.where(high > low, (high - low) / np.iinfo(kind).max, 1.0)
    return np.round((entries - low[:, None]) / step[:, None]).astype(kind), low, high


def chunk(part: Part, layer: str, convention: str, kind: type) -> dict:
    """The vectors of one layer under one convention, with what is known of each direction."""
    rows = part.rows[layer, convention]
    entries, low, high = quantised(rows, kind)
    finals = part.study.finals
    finals = finals[(finals["layer"] == layer) & (finals["convention"] == convention) & (finals["split"] == "train")]
    facts = finals.set_index(["run", "state"]).reindex(pd.MultiIndex.from_frame(rows[["run", "state"]]))
    ids = part.networks["id"]
    return {
        "rows": [f"{ids[run]}/{state}" for run, state in zip(rows["run"], rows["state"], strict=True)],
        "low": _numbers(low),
        "high": _numbers(high),
        **{name: _numbers(facts[name].to_numpy()) for name in ("ratio", "stability", "eta2")},
        "bits": np.iinfo(kind).bits,
        "entries": _text(entries),
    }


def pixels(part: Part) -> dict:
    """The P-vectors of the images themselves, a row for each convention."""
    known = part.study.vectors(f"data-{part.dataset}")
    entries = [known[str(DataName("pixels", "train", convention))][0] for convention in CONVENTIONS]
    whole, low, high = quantised(pd.DataFrame({"entries": entries}), np.uint16)
    unknown = [None] * len(CONVENTIONS)
    return {
        "rows": CONVENTIONS,
        "low": _numbers(low),
        "high": _numbers(high),
        **dict.fromkeys(("ratio", "stability", "eta2"), unknown),
        "bits": 16,
        "entries": _text(whole),
    }


def difference(part: Part, sources: list[Part], layer: str, convention: str, kind: type) -> float:
    """The largest difference of a cosine of these vectors, as the page has them, from the published one."""
    rows = pd.concat([source.rows[layer, convention] for source in sources])
    whole, low, high = quantised(rows, kind)
    values = low[:, None] + whole * ((high - low) / np.iinfo(kind).max)[:, None]
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    known = part.cosines[(part.cosines["layer"] == layer) & (part.cosines["convention"] == convention)]
    places = pd.MultiIndex.from_frame(rows[["run", "state"]])
    left, right = (
        places.get_indexer(pd.MultiIndex.from_arrays([known[f"run_{end}"], known[f"state_{end}"]])) for end in "ab"
    )
    here = (left >= 0) & (right >= 0)
    return float(np.abs(np.abs(values @ values.T)[left[here], right[here]] - known["cos"].to_numpy()[here]).max())


def moments(part: Part, layer: str) -> dict:
    """Angles along training: to the final P-vectors of other seeds, and of any two networks at the same share of it."""
    found = {}
    ids = part.networks["id"]
    if "trajectory.parquet" in part.study.sums:
        frame = part.study.trajectory
        frame = frame[(frame["layer"] == layer) & (frame["split"] == "train") & frame["run"].isin(ids.index)]
        frame = frame.sort_values(["run", "target_run", "step"])
        table = {convention: frame[frame["convention"] == convention] for convention in CONVENTIONS}
        steps = table["centred"].groupby(["run", "target_run"], sort=False)["step"].apply(list)
        found["seeds"] = {
            "pairs": [f"{ids[one]} {ids[other]}" for one, other in steps.index],
            "steps": [list(map(int, one)) for one in steps],
            **{convention: _angles(table[convention]["angle"]) for convention in CONVENTIONS},
            "mean": _angles(_degrees(table["uncentred"]["c_product"])),
        }
    if layer == PRIMARY and "alongside.parquet" in part.study.sums:
        frame = part.study.alongside
        frame = frame[frame["run_a"].isin(ids.index) & frame["run_b"].isin(ids.index)]
        wide = frame.pivot(index=["run_a", "run_b"], columns=["convention", "share"], values=["cos", "c_product"])
        shares = sorted(map(float, frame["share"].unique()))
        columns = {convention: [("cos", convention, share) for share in shares] for convention in CONVENTIONS}
        columns["mean"] = [("c_product", "uncentred", share) for share in shares]
        found["shares"] = {
            "pairs": [f"{ids[one]} {ids[other]}" for one, other in wide.index],
            "shares": shares,
            **{name: _angles(_degrees(wide[places])) for name, places in columns.items()},
        }
    return found


def classes(part: Part, folder: Path) -> dict:
    """Names of the classes and the class of every sample, in the order of the anchor."""
    if part.dataset == "digits":
        data = load("digits")
        labels = data.train.labels[anchor(data).train_ids].tolist()
        known = {"data_sha256": data.checksum, "classes": data.class_names, "labels": labels}
    else:
        known = json.loads((folder / "anchor-labels.json").read_text())[part.dataset]
    if known["data_sha256"] != part.study.provenance["data"][part.dataset]:
        raise ValueError(
            f"{part.name} was measured on other images than those whose classes are known: make results/anchor-labels.json "
            "again (scripts/anchor_labels.py)"
        )
    text = _text(np.array(known["labels"], dtype=np.uint8))
    return {"classes": known["classes"], "labels": text, "groups": known.get("groups")}


def _save(to: Path, name: str, content: dict) -> None:
    text = json.dumps(content, separators=(",", ":"))
    (to / f"{name}.js").write_text(f'(window.pvExploreData ??= {{}})["{name}"] = {text};\n')


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values]


def _degrees(cosines) -> np.ndarray:
    return np.degrees(np.arccos(np.clip(np.abs(cosines), 0, 1)))


def _angles(degrees) -> str:
    """Little-endian 16-bit numbers: 0 is 0 degrees, 65,534 is 90."""
    values = np.asarray(degrees, dtype=float)
    return _text(np.where(np.isnan(values), NO_ANGLE, np.round(values / 90 * (NO_ANGLE - 1))).astype("<u2"))
