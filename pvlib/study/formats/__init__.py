"""Readers of the kinds of file that hold a feature matrix, a module for each family.

Every reader gives the very numbers that were saved, in their own type (bfloat16, which NumPy lacks, as float32, which
holds all of it). What a file says of its size is compared with its length and with the free memory before anything is
allocated.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from .csv_files import comma_separated
from .numpy_files import npy, npz
from .parquet_files import parquet
from .refused import Refused
from .safetensors_files import safetensors
from .torch_files import ZIP, pt

READERS: dict[str, Callable[[Path, str | None], np.ndarray]] = {
    ".npy": npy,
    ".npz": npz,
    ".safetensors": safetensors,
    ".pt": pt,
    ".parquet": parquet,
    ".csv": comma_separated,
}

__all__ = ["READERS", "ZIP", "Refused"]
