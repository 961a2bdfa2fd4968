"""The folder of a study's published results: read, written as a whole, put back after a kill. Not what is in it (publish)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from safetensors.numpy import save as save_arrays

from .bench import data_p_vectors
from .config import NUMERICS_VERSION
from .files import sha256, write_atomic, write_json
from .run_rows import replicated
from .vectors import pack, unpack

KEYS = {
    "spectra": ["run", "state", "step", "layer", "convention"],
    "history": ["run", "epoch"],
    "snapshots": ["run", "step", "layer", "convention", "split"],
    "finals": ["run", "state", "layer", "convention", "split"],
    "anchor_shift": ["run", "convention", "split"],
    "trajectory": ["run", "step", "layer", "convention", "split", "target_run"],
    "full": ["run_a", "run_b", "convention", "split"],
}


def published_keys(target: Path) -> frozenset[str]:
    """Keys of the finished runs that a folder of results holds; none where there is no such folder. Raises as `verified`.

    Not those that failed elsewhere: they are tried again here.
    """
    recover(Path(target))
    if not verified(Path(target)):
        return frozenset()
    runs = pd.read_parquet(Path(target) / "runs.parquet", columns=["run", "status"])
    return frozenset(runs["run"][runs["status"] == "done"])


def verified(target: Path) -> bool:
    """Whether a study is published in `target`, all of its files as they were written.

    Raises
    ------
    ValueError
        A file is missing or does not match its checksum: what is damaged must not be published again as if it were sound.
    """
    sums = target / "SHA256SUMS"
    if not (target / "runs.parquet").exists() and not sums.exists():
        return False
    listed = [line.split("  ", 1) for line in sums.read_text().splitlines()] if sums.exists() else []
    damaged = [name for digest, name in listed if not (target / name).is_file() or sha256(target / name) != digest]
    if damaged or not listed:
        raise ValueError(
            f"{target / (damaged or ['SHA256SUMS'])[0]} is missing, or was changed or damaged since it was published"
            f"{f' (and {len(damaged) - 1} other files)' if len(damaged) > 1 else ''}: restore it (git restore {target}), "
            "or move the folder away to publish from the store alone"
        )
    return True


def read(target: Path, keys: Mapping) -> dict:
    """What is published and still belongs to the study (same keys): tables, vectors. Raises as `verified`."""
    old = {name: pd.DataFrame() for name in (*KEYS, "runs", "pool")}
    old["vectors"] = {}
    if not verified(target):
        return old
    for name in (*KEYS, "runs", "pool"):
        frame = pd.read_parquet(target / f"{name}.parquet") if (target / f"{name}.parquet").exists() else pd.DataFrame()
        for column in ("run", "run_a", "run_b", "target_run"):
            if column in frame:
                frame = frame[frame[column].isin(list(keys))]
        if name in ("snapshots", "trajectory") and not frame.empty:
            frame = frame[[replicated(*place) for place in zip(frame["split"], frame["layer"], strict=True)]]
        old[name] = frame
    old["vectors"] = {
        key: unpack(load_file(path)) for key in keys if (path := target / "vectors" / f"{key}.safetensors").exists()
    }
    return old


def merge(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows of both, the new ones where both have a row."""
    parts = [frame for frame in (old, new) if not frame.empty]
    if not parts:
        return new
    both = pd.concat(parts, ignore_index=True).drop_duplicates(key, keep="last")
    return both.sort_values(key, ignore_index=True)


def write(target: Path, tables, vectors, networks, data, summary) -> None:
    """Everything into a new folder that replaces the old one as a whole: an interrupted publication changes nothing."""
    building = target.with_name(f".{target.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    (building / "vectors").mkdir(parents=True)
    for name, frame in tables.items():
        _compact(frame).to_parquet(building / f"{name}.parquet", index=False, compression="zstd")
    for key, value in vectors.items():
        write_atomic(
            building / "vectors" / f"{key}.safetensors",
            save_arrays(
                pack(value),
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
