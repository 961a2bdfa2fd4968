"""Copies of published studies, for tests that change one: what the real publisher wrote, checksums included."""

import shutil
from pathlib import Path

import pandas as pd

from pvlib import checksums

RESULTS = Path(__file__).resolve().parents[2] / "results"


def copy_of(study: str, folder: Path, *, vectors: int | None = 0) -> Path:
    """The study's tables and its first `vectors` files of P-vectors (None: all), those of the data included."""
    made = folder / study
    (made / "vectors").mkdir(parents=True)
    for file in (RESULTS / study).iterdir():
        if file.is_file():
            shutil.copy(file, made)
    files = sorted((RESULTS / study / "vectors").iterdir())
    data = [file for file in files if file.name.startswith("data-")]
    for file in {*data, *(files if vectors is None else files[:vectors])}:
        shutil.copy(file, made / "vectors")
    checksums.write(made)
    return made


def rewrite(folder: Path, table: str, frame: pd.DataFrame) -> None:
    """Replace one table, checksums included."""
    frame.to_parquet(folder / f"{table}.parquet", index=False)
    checksums.write(folder)
