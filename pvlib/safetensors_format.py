"""Hugging Face's safetensors: its header, checked, and files of float64 arrays. Needs neither torch nor their package."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

COPY = "copy or save it again"
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
_NOTE, _SUM = "__metadata__", "content_sha256"


class Refused(ValueError):
    """A file that does not hold what it should; the text says what it holds and what to do."""


def read_header(file: BinaryIO, length: int) -> tuple[int, dict[str, dict], dict[str, str]]:
    """Where the numbers start; dtype, shape and offsets of each tensor, all as the format's description demands; metadata."""
    size = int.from_bytes(file.read(8), "little")
    if length < 8 or not 2 <= size <= min(length - 8, 100_000_000):
        raise Refused(f"it is cut off, or not a safetensors file; {COPY}")
    tensors = json.loads(file.read(size).decode("utf-8"), object_pairs_hook=_unique)
    note = tensors.pop(_NOTE, None) or {}
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
    return 8 + size, tensors, note


def _unique(pairs: list[tuple[str, object]]) -> dict:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise Refused(f"damaged: {twice[0][:60]!r} stands twice in its header; {COPY}")
    return dict(pairs)


def encoded(arrays: Mapping[str, np.ndarray], note: Mapping[str, str]) -> bytes:
    """A file of float64 arrays, with `note` and the checksum of the numbers as its metadata."""
    body = b"".join(array.astype("<f8").tobytes() for array in arrays.values())
    header: dict[str, object] = {_NOTE: {**note, _SUM: hashlib.sha256(body).hexdigest()}}
    end = 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F64", "shape": array.shape, "data_offsets": [end, end + 8 * array.size]}
        end += 8 * array.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    return len(text).to_bytes(8, "little") + text + body


def decoded(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and note of a file by `encoded`.

    Raises
    ------
    Refused
        Not such a file, or damaged.
    """
    try:
        with open(path, "rb") as file:
            _, tensors, note = read_header(file, path.stat().st_size)
            body = file.read()
        if hashlib.sha256(body).hexdigest() != note.get(_SUM):
            raise Refused(f"its numbers do not match the checksum written with them; {COPY}")
        arrays = {
            name: np.frombuffer(body[slice(*tensor["data_offsets"])], "<f8").reshape(tensor["shape"]).astype(float)
            for name, tensor in tensors.items()
        }
    except Refused as error:
        raise Refused(f"{path}: {error}") from None
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:  # what JSON gives for bytes that are none of ours
        raise Refused(f"{path}: damaged, or not a file of results; {COPY} ({error})") from error
    return arrays, note
