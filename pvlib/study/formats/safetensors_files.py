"""Hugging Face's safetensors, memory-mapped."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...safetensors_format import DTYPES, read_header
from ..memory import afford
from .numpy_files import mapped
from .refused import Refused, chosen


def safetensors(path: Path, name: str | None) -> np.ndarray:
    """Hugging Face's format; memory-mapped. (Its own NumPy reader lacks bfloat16, its other one needs torch.)"""
    with open(path, "rb") as file:
        start, tensors, _ = read_header(file, path.stat().st_size)
        tensor = list(tensors.values())[chosen(list(tensors), name)]
        kind = tensor["dtype"]
        if kind not in DTYPES:
            raise Refused(f"its tensor has dtype {kind}; convert it to float32 first")
        dtype, offset = np.dtype(DTYPES[kind]), start + tensor["data_offsets"][0]
        stored = mapped(file, offset, tuple(tensor["shape"]), dtype, "C")
    if kind != "BF16":
        return stored
    afford(4 * stored.size)
    wide = stored.astype(np.uint32)  # bfloat16 is the upper half of float32
    wide <<= 16
    return wide.view(np.float32)
