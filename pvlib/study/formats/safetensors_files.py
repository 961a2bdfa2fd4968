"""Hugging Face's safetensors, memory-mapped."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..memory import afford
from .numpy_files import mapped
from .refused import COPY, Refused, chosen

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def safetensors(path: Path, name: str | None) -> np.ndarray:
    """Hugging Face's format; memory-mapped. (Its own NumPy reader lacks bfloat16, its other one needs torch.)"""
    with open(path, "rb") as file:
        start, tensors = _header(file, path.stat().st_size)
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


def _header(file: BinaryIO, length: int) -> tuple[int, dict[str, dict]]:
    """Where the numbers start, and dtype, shape and offsets of each tensor; all as the format's description demands."""
    size = int.from_bytes(file.read(8), "little")
    if length < 8 or not 2 <= size <= min(length - 8, 100_000_000):
        raise Refused(f"it is cut off, or not a safetensors file; {COPY}")
    tensors = json.loads(file.read(size).decode("utf-8"), object_pairs_hook=_unique)
    tensors.pop("__metadata__", None)
    end = 0
    for tensor in sorted(tensors.values(), key=lambda tensor: tensor["data_offsets"]):
        (first, last), shape, kind = tensor["data_offsets"], tensor["shape"], tensor["dtype"]
        if any(type(number) is not int or number < 0 for number in (first, last, *shape)) or not first == end <= last:
            raise Refused(f"damaged: its tensors overlap or leave gaps; {COPY}")
        if kind in DTYPES and last - first != math.prod(shape) * np.dtype(DTYPES[kind]).itemsize:
            raise Refused(f"damaged: a tensor's shape contradicts its length; {COPY}")
        end = last
    if end != length - 8 - size:
        raise Refused(
            f"it is cut off, or its header is wrong: {end} bytes are promised, {length - 8 - size} are there; {COPY}"
        )
    return 8 + size, tensors


def _unique(pairs: list[tuple[str, object]]) -> dict:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise Refused(f"damaged: {twice[0][:60]!r} stands twice in its header; {COPY}")
    return dict(pairs)


def encoded(arrays: dict[str, np.ndarray], note: dict[str, str]) -> bytes:
    """A file of float64 arrays, with `note` as its metadata."""
    header: dict[str, object] = {"__metadata__": note}
    end = 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F64", "shape": array.shape, "data_offsets": [end, end + 8 * array.size]}
        end += 8 * array.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    return len(text).to_bytes(8, "little") + text + b"".join(array.astype("<f8").tobytes() for array in arrays.values())
