"""Feature matrices from files, for the command line. Nothing is unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np


def read_matrix(path: Path) -> np.ndarray:
    """The (samples, features) matrix in a .npy (memory-mapped), .npz, .safetensors, .pt or .parquet file.

    Raises
    ------
    ValueError
        Unknown kind of file, not exactly one array in it, not two-dimensional, or content that would need unpickling.
    OSError
        The file is not there or cannot be read.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"{path}: unknown kind of file {path.suffix!r}; known: {', '.join(READERS)}")
    if not path.exists():
        raise FileNotFoundError(2, "no such file", str(path))
    try:
        matrix = reader(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if matrix.ndim != 2:
        raise ValueError(f"{path}: expected a matrix (samples x features), got an array of shape {matrix.shape}")
    return matrix


def _npy(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        return file[_only(list(file))]


def _safetensors(path: Path) -> np.ndarray:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:  # torch knows bfloat16, NumPy does not
            return file.get_tensor(_only(list(file.keys()))).float().numpy()
    except SafetensorError as error:
        raise ValueError(f"not a safetensors file ({error})") from error


def _pt(path: Path) -> np.ndarray:
    import torch

    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError("not a file of plain tensors; save a tensor, not an object, with torch.save") from error
    if isinstance(value, dict):
        value = value[_only(list(value))]
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"expected a tensor, got {type(value).__name__}")
    return value.float().numpy() if value.dtype in (torch.bfloat16, torch.float16) else value.numpy()


def _parquet(path: Path) -> np.ndarray:
    import pandas as pd

    frame = pd.read_parquet(path)
    words = [str(name) for name in frame.columns if frame[name].dtype.kind not in "fiub"]
    if words:
        raise ValueError(f"the column {words[0]!r} is not numeric")
    return frame.to_numpy()


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise ValueError(f"expected one array in the file, found {len(names)}: {', '.join(names[:8])}")
    return names[0]


READERS = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".pt": _pt, ".parquet": _parquet}
