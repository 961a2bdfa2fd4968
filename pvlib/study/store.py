"""The store of runs: one folder per run, complete once its record is there. It alone knows which runs exist.

    STORE/runs/KEY/recipe.json               what is trained (for people; the key is made from it)
    STORE/runs/KEY/checkpoint.safetensors    state after the last whole epoch, with the snapshots so far
    STORE/runs/KEY/*.safetensors, rows.json  what the finished run left
    STORE/runs/KEY/record.json               written last: outcome, provenance, checksums of the rest and its own

The store lies outside the working tree: `PVLIB_STORE`, or the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import platformdirs

from ..checksums import sha256
from ..experiment.data.cache import keep_aside
from ..experiment.data.locks import hold
from .store_files import DamagedFile, measured, plain, read_json, read_tensors, write_json, write_tensors


class Busy(RuntimeError):
    """Another process works on this run."""


def default_store() -> Path:
    """`PVLIB_STORE` where set, else a folder in the user's cache."""
    named = os.environ.get("PVLIB_STORE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("pvlib")) / "store"


class Store:
    """Runs by key under one folder."""

    def __init__(self, root: Path | str | None = None):
        self.root = Path(root).expanduser() if root is not None else default_store()

    def folder(self, key: str) -> Path:
        return self.root / "runs" / key

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold the run for this process; the system lets go of it even after `kill -9`.

        Raises
        ------
        Busy
            Another process holds it.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(hold(self.root / "locks" / key))
            except BlockingIOError as error:
                raise Busy(f"run {key} is being trained by another process") from error
            yield

    def record(self, key: str) -> dict | None:
        """The record of a finished (or failed) run whose files all match.

        Only reads: a damaged run is reported on stderr, and counts as not there.
        """
        try:
            return self._record(key)
        except DamagedFile as error:
            print(f"pvlib: run {key} is damaged: {error}; `pvlib run` does it again", file=sys.stderr)
            return None

    def claim(self, key: str) -> dict | None:
        """As `record`, for whoever holds the run's lock: a damaged run is moved aside, so that it can be done again."""
        try:
            return self._record(key)
        except DamagedFile as error:
            keep_aside(self.folder(key), f"run {key} is damaged: {error}")
            return None

    def _record(self, key: str) -> dict | None:
        folder = self.folder(key)
        if not (folder / "record.json").exists():
            return None
        try:
            record = read_json(folder / "record.json")
            if record.pop("seal", None) not in (None, _seal(record)):  # records of the first studies have none
                raise DamagedFile(f"{folder / 'record.json'} does not match its checksum")
            for name, digest in record["files"].items():
                if sha256(folder / name) != digest:
                    raise DamagedFile(f"{folder / name} does not match its checksum")
        except FileNotFoundError as error:
            raise DamagedFile(f"{error.filename} is missing") from error
        except (AttributeError, KeyError, TypeError) as error:
            raise DamagedFile(f"{folder / 'record.json'} is no record ({error!r})") from error
        return record

    def held(self, keys: Iterable[str]) -> str | None:
        """The first of the keys of which there is a record here."""
        return next((key for key in keys if (self.folder(key) / "record.json").exists()), None)

    def finish(self, key: str, record: Mapping, tensors: Mapping[str, Mapping], rows: Mapping) -> None:
        """Write a run's results, then its record; the checkpoint goes last, when nothing needs it any more.

        So does what a killed process left half-written: whoever holds the run's lock is the only one to write here.
        """
        folder = self.folder(key)
        for name, content in tensors.items():
            write_tensors(folder / f"{name}.safetensors", content, {"run": key})
        write_json(folder / "rows.json", rows)
        names = [f"{name}.safetensors" for name in tensors] + ["rows.json"]
        record = plain({**record, "files": {n: sha256(folder / n) for n in names}})
        write_json(folder / "record.json", {**record, "seal": _seal(record)})
        self.tidy(key, record)

    def tidy(self, key: str, record: Mapping) -> None:
        """Remove what a finished run needs no more: its checkpoint, and what was left half-written.

        Only a run that failed without diverging keeps its checkpoint: its cause may be fixed, and training is dear.
        """
        folder = self.folder(key)
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
        if record["status"] == "done" or record.get("failed_epoch") is not None:
            (folder / "checkpoint.safetensors").unlink(missing_ok=True)

    def tensors(self, key: str, name: str) -> dict:
        return read_tensors(self.folder(key) / f"{name}.safetensors")[0]

    def arrays(self, key: str, name: str) -> dict[str, np.ndarray]:
        return {place: tensor.numpy() for place, tensor in self.tensors(key, name).items()}

    def rows(self, key: str) -> dict:
        return {name: measured(rows) for name, rows in read_json(self.folder(key) / "rows.json").items()}

    def checkpoint(self, key: str) -> tuple[dict, dict] | None:
        """Tensors and note of the last checkpoint; a damaged one is moved aside and the run starts again."""
        path = self.folder(key) / "checkpoint.safetensors"
        if not path.exists():
            return None
        try:
            return read_tensors(path)
        except DamagedFile as error:
            keep_aside(path, str(error))
            return None

    def save_checkpoint(self, key: str, tensors: Mapping, note: Mapping) -> None:
        write_tensors(self.folder(key) / "checkpoint.safetensors", tensors, note)


def _seal(record: Mapping) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
