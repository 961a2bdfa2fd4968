"""The published form of P-vectors: small enough that all studies together can be carried about.

The first directions at the primary layer, uncentred and centred, are kept in half precision, all others in 8 bits: each
vector as whole numbers from 0 to 255 between its own smallest and largest entry.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .vector_names import ALONG, PRIMARY, STATES, VectorName

RANGE = "#range"  # name of the (k, 2) smallest and largest entries that go with an array of 8 bits


def exact(text: str) -> bool:
    """Whether the first direction of the vector of that name is published in half precision."""
    name = VectorName.parse(text)
    return name.state in STATES and name.layer == PRIMARY and name.convention in ALONG


def pack(vectors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a published file: by `VectorName`, further directions of a span as ".../more"."""
    packed = {}
    for name, value in vectors.items():
        value, rest = (value[:1], value[1:]) if exact(name) else (value[:0], value)
        if len(value):
            packed[name] = np.ascontiguousarray(value, dtype=np.float16)
        if len(rest):
            place = f"{name}/more" if len(value) else name
            packed[place], packed[place + RANGE] = _to_bytes(rest)
    return packed


def unpack(packed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The vectors of a published file by name, (k, n) each: what `pack` was given, rounded."""
    found: dict[str, np.ndarray] = {}
    for name in sorted(packed):  # a name comes before its "/more"
        if name.endswith(RANGE):
            continue
        value = packed[name]
        if value.dtype == np.uint8:
            low, high = packed[name + RANGE].astype(np.float64).T[:, :, None]
            value = (low + value * ((high - low) / 255)).astype(np.float32)
        place = name.removesuffix("/more")
        found[place] = np.concatenate([found[place].astype(np.float32), value]) if place in found else value
    return found


def _to_bytes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = rows.astype(np.float64)
    ends = np.stack([rows.min(1), rows.max(1)], axis=1).astype(np.float32)
    low, high = ends.astype(np.float64).T[:, :, None]
    step = np.where(high > low, (high - low) / 255, 1.0)
    return np.clip(np.round((rows - low) / step), 0, 255).astype(np.uint8), ends
