"""A study's published results: verified, read and written. How files are replaced is in `publication_folder`, what they hold in `publish`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as save_arrays

from .. import checksums
from ..atomic import write_atomic
from ..checksums import SUMS
from ..experiment.data import ImageData
from ..published_tables import KEYS, TABLES, complete
from . import provenance
from . import publication_folder as folder
from .config import NUMERICS_VERSION
from .measuring import data_p_vectors
from .run_rows import replicated
from .runner import now
from .store_files import write_json
from .vectors import for_publication, pack, unpack

# In every publication, those of the first version included.
_NEEDED = ("runs", "history", "snapshots", "finals", "anchor_shift", "trajectory", "full", "pool")


def published_keys(target: Path) -> frozenset[str]:
    """Keys of the finished runs that a folder of results holds; none where there is no such folder. Raises as `verified`.

    Not those that failed elsewhere: they are tried again here.
    """
    target = resolved(target)
    folder.settle(target)
    return _finished(target) if verified(target) else frozenset()


def resolved(target: Path) -> Path:
    """The folder itself, where `target` is a link to it, is relative, or begins with `~`."""
    target = Path(target).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is not a folder")
    return target


def verified(target: Path) -> bool:
    """Whether a study is published in `target`, all of its files as they were written.

    Raises
    ------
    ValueError
        A file is missing, is not listed in SHA256SUMS or does not match it: what is damaged must not be published again
        as if it were sound.
    """
    present = [f"{name}.parquet" for name in TABLES if (target / f"{name}.parquet").exists()]
    if not present and not (target / SUMS).exists():
        return False
    listed = checksums.listed(target)
    if (target / SUMS).exists() and not listed:
        raise unsound(target, [SUMS])
    if unlisted := [name for name in present if name not in listed]:
        raise ValueError(
            f"{target / unlisted[0]} is not listed in {SUMS}: no publication vouches for it; "
            f"restore both (git restore {target}), or move the file away"
        )
    needed = [f"{name}.parquet" for name in _NEEDED] + ["provenance.json"]
    missing = [name for name in needed if name not in listed] or checksums.damaged(target)
    missing = missing or [name for key in _finished(target) if (name := _vectors(key)) not in listed]
    if missing:
        raise unsound(target, missing)
    return True


def _finished(target: Path) -> frozenset[str]:
    runs = pd.read_parquet(target / "runs.parquet", columns=["run", "status"])
    return frozenset(runs["run"][runs["status"] == "done"])


def _vectors(key: str) -> str:
    return f"vectors/{key}.safetensors"


def unsound(target: Path, names: list[str]) -> ValueError:
    return ValueError(
        f"{target / names[0]} is missing, or was changed or damaged since it was published"
        f"{f' (and {len(names) - 1} other files)' if len(names) > 1 else ''}: restore it (git restore {target}), "
        "or move the folder away to publish from the store alone"
    )


def left_out(target: Path, keys: Mapping) -> str:
    """Cells and seeds that are published in `target` and would not be among `keys`, in words; empty where there are none."""
    if not verified(target):
        return ""
    runs = pd.read_parquet(target / "runs.parquet", columns=["run", "cell", "seed"])
    lost = runs[~runs["run"].isin(list(keys))]
    return ", ".join(
        f"{cell} seed {', '.join(str(seed) for seed in sorted(set(seeds)))}"
        for cell, seeds in lost.groupby("cell")["seed"]
    )


def read(target: Path, keys: Mapping) -> dict:
    """What is published and still belongs to the study (same keys): tables, vectors. Raises as `verified`."""
    old = dict.fromkeys(TABLES.keys() & KEYS.keys(), pd.DataFrame()) | {"vectors": {}}
    if not verified(target):
        return old
    listed = checksums.listed(target)
    for name in TABLES.keys() & KEYS.keys():
        frame = pd.read_parquet(target / f"{name}.parquet") if f"{name}.parquet" in listed else pd.DataFrame()
        for column in ("run", "run_a", "run_b", "target_run"):
            if column in frame:
                frame = frame[frame[column].isin(list(keys))]
        if name in ("snapshots", "trajectory") and not frame.empty:
            frame = frame[[replicated(*place) for place in zip(frame["split"], frame["layer"], strict=True)]]
        old[name] = frame
    old["vectors"] = {key: unpack(load_file(target / _vectors(key))) for key in keys if _vectors(key) in listed}
    return old


def merge(table: str, old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows of both, the new ones where both have a row."""
    parts = [frame for frame in (old, new) if not frame.empty]
    if not parts:
        return new
    both = pd.concat(parts, ignore_index=True)
    for name in both[KEYS[table]].select_dtypes("floating"):
        both[name] = both[name].astype("float64").round(6)  # a large table was published in float32
    both = both.drop_duplicates(KEYS[table], keep="last")
    return both.sort_values(KEYS[table], ignore_index=True)


def origin(runs: pd.DataFrame, data: Mapping[str, ImageData]) -> dict:
    """Where and when the rows of a table of runs were made: the part of the provenance that all publications have."""
    seen = {name: sorted({str(value) for value in runs[name].dropna()}) for name in ("device", "processor", "torch")}
    return {
        "published_at": now(),
        "commit": provenance.commit(),
        "run_commits": sorted({str(value) for value in runs["commit"].dropna()}),
        "versions": provenance.versions(),
        **seen,
        "data": {name: d.checksum for name, d in data.items()},
        "numerics_version": NUMERICS_VERSION,
        "wall_s_total": float(runs["wall_s"].sum()),
    }


def write(target: Path, tables, vectors, networks, data, summary) -> None:
    """Everything, in place of what was published there before; an interrupted publication changes nothing."""
    with folder.replacing(target) as building:
        for name, frame in tables.items():
            frame = _compact(complete(name, frame))
            _write_table(frame, building / f"{name}.parquet")
        for key, value in vectors.items():
            write_atomic(
                building / _vectors(key),
                save_arrays(
                    pack(for_publication(value)),
                    {"run": key, "numerics_version": str(NUMERICS_VERSION)},
                ),
            )
        for dataset, d in data.items():
            found = {str(name): one.vector[None].astype(np.float16) for name, one in data_p_vectors(d).items()}
            write_atomic(building / _vectors(f"data-{dataset}"), save_arrays(found))
        for name in checksums.listed(target):
            if name.startswith("networks/") and _run_of(target / name) in vectors:
                write_atomic(building / name, (target / name).read_bytes())
        for name, network in networks.items():
            write_atomic(
                building / "networks" / f"{name}.safetensors", save_arrays(network["tensors"], network["metadata"])
            )
        write_json(building / "provenance.json", summary)


def _write_table(frame: pd.DataFrame, path: Path) -> None:
    """As Parquet, the bytes of floating-point numbers in streams of their own: two thirds of the size, and no digit lost."""
    lists = [name for name in frame if name == "sigmas"]
    floats = list(frame.select_dtypes("floating").columns)
    streams = floats + [f"{name}.list.element" for name in lists]
    frame.to_parquet(
        path,
        index=False,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in frame if name not in (*floats, *lists)],
        column_encoding=dict.fromkeys(streams, "BYTE_STREAM_SPLIT"),
    )


def _run_of(network: Path) -> str | None:
    with safe_open(network, framework="np") as file:
        return (file.metadata() or {}).get("run")


def _compact(frame: pd.DataFrame) -> pd.DataFrame:
    """float32 where a table has many rows: eight digits are more than the P-vectors' half precision carries."""
    if len(frame) < 2000:
        return frame
    wide = frame.select_dtypes("float64").columns
    return frame.astype(dict.fromkeys(wide, "float32"))
