"""Feature matrices from files, for the command line: which file and array are meant, and what is refused before it is read."""

from __future__ import annotations

import errno
import os
import stat
import warnings
from pathlib import Path

import numpy as np

from ..one_line import one_line
from .formats import READERS, ZIP, Refused

NOT_REGULAR = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
SIGNATURES = {b"\x93NUMPY": (".npy",), ZIP: (".npz", ".pt")}


def read_matrix(source: str | Path) -> np.ndarray:
    """The (samples, features) matrix in a .npy, .npz, .safetensors, .pt, .parquet or .csv file, in the type it was saved in.

    Parameters
    ----------
    source
        The file; where it holds several arrays, `FILE:ARRAY`. Files of NumPy's and of safetensors are memory-mapped.

    Raises
    ------
    ValueError
        Anything but one matrix of real numbers, with what to do about it.
    OSError
        The file is not there or cannot be read.
    MemoryError
        What the file holds is larger than the free memory.
    """
    path, name = split_source(str(source))
    shown, kind = one_line(source), path.suffix.lower()
    try:
        if kind not in READERS:
            raise Refused(f"unknown kind of file {kind!r}; known: {', '.join(READERS)}")
        _check_file(path, kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of a file is refused, in one line
            matrix = READERS[kind](path, name)
        if matrix.ndim != 2:
            raise Refused(f"expected a matrix (samples x features), got an array of shape {matrix.shape}; reshape it")
    except Refused as error:
        raise Refused(f"{shown}: {error}") from error
    except MemoryError as error:
        raise MemoryError(f"{shown}: not enough memory{f': {error}' if str(error) else ''}") from error
    except ModuleNotFoundError as error:
        text = f"{shown}: to read {kind} takes the package {error.name}, which is not installed"
        raise ModuleNotFoundError(text, name=error.name) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # EINVAL: a seek to before the start
            raise OSError(error.errno, (error.strerror or "").lower(), shown) from error
        # Damaged bytes make the libraries that read them raise almost anything.
        text = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise Refused(f"{shown}: damaged, or not a {kind} file; copy or save it again ({text})") from error
    return matrix


def split_source(source: str) -> tuple[Path, str | None]:
    """File and array of `FILE:ARRAY`; a colon may also belong to a file's name, or to a drive (`C:\\features.npz`)."""
    if not os.path.exists(source):  # which no error of the file system stops
        for place in (place for place, character in enumerate(source) if character == ":"):
            if Path(source[:place]).suffix.lower() in READERS:
                return Path(source[:place]), source[place + 1 :]
    return Path(source), None


def _check_file(path: Path, kind: str) -> None:
    status = path.stat()
    for found, what in NOT_REGULAR.items():
        if found(status.st_mode):
            raise Refused(f"it is {what}; a file is needed")
    if status.st_size == 0:
        raise Refused("it is empty; copy or save it again")
    with open(path, "rb") as file:
        start = file.read(8)
    for signature, kinds in SIGNATURES.items():
        if start.startswith(signature) and kind not in kinds:
            raise Refused(f"it holds what a {' or '.join(kinds)} file holds; rename it")
