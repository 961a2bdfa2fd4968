"""NumPy's formats: .npy, which is memory-mapped, and .npz. Nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..memory import afford
from .refused import COPY, Refused, chosen, nameless

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def npy(path: Path, name: str | None) -> np.ndarray:
    """NumPy's format; memory-mapped."""
    nameless(name)
    with open(path, "rb") as file:
        shape, fortran, dtype = _npy_header(file)
        start, length = file.tell(), path.stat().st_size
        _same_size(length - start, shape, dtype)
        return mapped(file, start, shape, dtype, "F" if fortran else "C")


def npz(path: Path, name: str | None) -> np.ndarray:
    """NumPy's zip archive of .npy members, compressed or not."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename.removesuffix(".npy"), info) for info in archive.infolist()]
        info = members[chosen([known for known, _ in members], name)][1]
        if not info.filename.endswith(".npy"):
            raise Refused(f"{info.filename} in it is not an array of NumPy; save the matrix alone with numpy.savez")
        afford(info.file_size)
        with archive.open(info) as member:
            file: Any = member  # a reader that also has readinto and tell
            shape, fortran, dtype = _npy_header(file)
            _same_size(info.file_size - file.tell(), shape, dtype)
            flat = np.empty(math.prod(shape), dtype)
            content = flat.view(np.uint8).data
            done = 0
            while count := file.readinto(content[done : done + (1 << 24)]):
                done += count
            if done < len(content) or file.read(1):  # which compares the checksum, too
                raise Refused(f"{info.filename} in it is cut off; {COPY}")
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def mapped(file: BinaryIO, offset: int, shape: tuple[int, ...], dtype: np.dtype, order: str) -> np.ndarray:
    if 0 in shape:
        return np.empty(shape, dtype)  # which no memory map can hold
    return np.memmap(file, dtype, "r", offset, shape, order)  # type: ignore[call-overload]


def _same_size(found: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
    promised = math.prod(shape) * dtype.itemsize
    if found < promised:
        raise Refused(f"it is cut off, or its header is wrong: more numbers are promised than there are; {COPY}")
    if found > promised:
        raise Refused("it holds more than the array that its header describes; save each array in a file of its own")


def _npy_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        shape, fortran, dtype = HEADERS[version](file)
    except zipfile.BadZipFile:
        raise
    except Exception as error:  # the advice of some is to trust the file, which is not ours to give
        raise Refused(f"damaged: its header cannot be read as that of a .npy file; {COPY}") from error
    if dtype.kind not in "fiub" or dtype.itemsize > 8:  # long doubles differ between machines
        kind = "with named fields" if dtype.names else f"of dtype {dtype}"
        raise Refused(f"it holds an array {kind[:80]}; save real numbers of 64 bits at most")
    if any(type(length) is not int or length < 0 for length in shape):
        raise Refused(f"damaged: its header has no valid shape; {COPY}")
    return shape, fortran, dtype
