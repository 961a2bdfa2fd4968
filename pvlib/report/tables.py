"""Published studies: `results/STUDY/` as data frames and vectors, each file checked against its checksum when read."""

from __future__ import annotations

import json
import os
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from .. import checksums
from ..checkout import checkout
from ..checksums import SUMS, sha256
from ..nearest import nearest
from ..packed import unpack
from ..published_tables import TABLES, complete, lacking
from .text import listed


def results_folder() -> Path:
    """Where published studies are: the environment variable PVLIB_RESULTS, or `results` of the checkout or of here."""
    return Path(os.environ.get("PVLIB_RESULTS") or (checkout() or Path()) / "results").expanduser()


def accepted_accuracies() -> pd.DataFrame:
    """Test accuracies that others report: dataset, architecture, accuracy, network, source. Often of the best epoch; ours are of the last."""
    with resources.files(__package__).joinpath("accepted.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def available(results_dir: str | Path | None = None) -> list[str]:
    """Names of the studies published in `results_dir` that trained networks: `foreign`, which did not, has other tables."""
    folder = Path(results_dir) if results_dir is not None else results_folder()
    names = sorted(sums.parent.name for sums in folder.glob(f"[!.]*/{SUMS}"))
    return [name for name in names if (folder / name / "runs.parquet").is_file()]


def load(name: str, results_dir: str | Path | None = None) -> Study:
    """The published study of that name.

    Raises
    ------
    FileNotFoundError
        It is not there; the message says which are, and how to publish one.
    """
    folder = Path(results_dir) if results_dir is not None else results_folder()
    if not (folder / name / SUMS).is_file():
        known = available(folder)
        raise FileNotFoundError(
            f"the study {name!r} is not published in {folder} ({nearest(name, known)}); "
            f"publish it with `pvlib publish {name}`"
        )
    return Study(folder / name)


class Study:
    """One published study; its tables are attributes (`study.runs`, `study.pairs`, ...), read when first asked for.

    Attributes
    ----------
    runs, history, snapshots, trajectory, finals, spectra, pairs, controls, spans, alongside, across, correlates, full, anchor_shift,
    data, pool
        Data frames, with the columns of `pvlib.published_tables`.
    provenance
        Command, commit, versions and data checksums of the study.

    Raises
    ------
    FileNotFoundError
        A file that is asked for is not part of the study.
    ValueError
        A file does not match its checksum, or a table lacks a column.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r})"

    def __getattr__(self, table: str) -> pd.DataFrame:
        if table.startswith("_") or table not in TABLES:
            raise AttributeError(f"a study has no table {table!r}; {nearest(table, TABLES)}")
        self.__dict__[table] = frame = self._read(table)
        return frame

    @cached_property
    def name(self) -> str:
        return self.provenance["study"]

    @cached_property
    def command(self) -> str:
        """What makes this study."""
        return self.provenance["command"]

    @cached_property
    def provenance(self) -> dict:
        return json.loads(self.path("provenance.json").read_bytes())

    @cached_property
    def sums(self) -> dict[str, str]:
        """File (relative, with forward slashes) -> hex SHA-256."""
        return checksums.listed(self.folder)

    @property
    def networks(self) -> list[str]:
        """Names of the trained networks published with the study; `path("networks/NAME.safetensors")` is the file."""
        return sorted(Path(file).stem for file in self.sums if file.startswith("networks/"))

    def path(self, file: str) -> Path:
        """The path of one of the study's files, after its checksum was verified."""
        path = self.folder / file
        if file not in self.sums or not path.is_file():
            raise FileNotFoundError(f"the published study in {self.folder} has no {file}; publish it again")
        if sha256(path) != self.sums[file]:
            raise ValueError(
                f"{path} does not match its checksum in {SUMS}: it was changed or damaged since it was published; "
                "restore it (git checkout) or publish the study again"
            )
        return path

    def vectors(self, run: str) -> dict[str, np.ndarray]:
        """P-vectors of a run by name (`str` of a `VectorName`), (k, n) float64 each, rows of unit length.

        `data-DATASET` in place of a run gives the data P-vectors (`DataName`).
        """
        stored = load_file(self.path(f"vectors/{run}.safetensors"))
        wide = {place: value.astype(np.float64) for place, value in unpack(stored).items()}
        return {place: value / np.linalg.norm(value, axis=1, keepdims=True) for place, value in wide.items()}

    def _read(self, table: str) -> pd.DataFrame:
        frame = pd.read_parquet(self.path(f"{table}.parquet"))
        if frame.empty:
            return complete(table, frame)  # those of before have no columns
        if missing := lacking(table, frame):
            raise ValueError(
                f"{self.folder / table}.parquet lacks the column {listed(missing)}: it was published by another "
                "version; publish the study again"
            )
        return frame
