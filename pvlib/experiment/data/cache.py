"""Decoded data sets kept on disk, verified when read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .images import ImageData, Split, content_checksum
from .locks import hold

FORMAT = 1  # part of the file name: raised when what is stored, or how it is decoded, changes


def folder() -> Path:
    """Environment variable PVLIB_CACHE, else the platform's cache folder for `pvlib`."""
    chosen = os.environ.get("PVLIB_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("pvlib"))


def read(path: Path) -> ImageData | None:
    """The data set in `path`; None where there is none, or where it is damaged and was kept aside."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        note = metadata.get("note", "")
        if metadata.get("seal") != _seal(note):
            raise ValueError("its header does not match the checksum in it")
        note = json.loads(note)
        train = Split(tensors["train_images"], tensors["train_labels"])
        test = Split(tensors["test_images"], tensors["test_labels"])
        if content_checksum(train, test) != note["checksum"]:
            raise ValueError("its content does not match the checksum in it")
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        keep_aside(path, f"cached data set {path} is damaged ({error})")
        return None
    mean, std = (torch.tensor(note[key], dtype=torch.float64) for key in ("mean", "std"))
    return ImageData(note["name"], train, test, tuple(note["class_names"]), note["checksum"], mean, std)


def write(path: Path, data: ImageData) -> None:
    """Keep `data` in `path`, whole or not at all. A cache that cannot be written is reported, not fatal."""
    note = json.dumps(
        {"name": data.name, "class_names": data.class_names, "checksum": data.checksum,
         "mean": data.mean.tolist(), "std": data.std.tolist()}
    )  # fmt: skip
    tensors = {
        "train_images": data.train.images, "train_labels": data.train.labels,
        "test_images": data.test.images, "test_labels": data.test.labels,
    }  # fmt: skip
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        save_file(tensors, temporary, {"note": note, "seal": _seal(note)})
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        print(
            f"pvlib: cannot keep the decoded {data.name} in {path} ({error}); it will be decoded again next time. "
            "Set PVLIB_CACHE to a folder that can be written.",
            file=sys.stderr,
        )


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """One process at a time downloads or decodes a data set. Where the cache cannot be written, nobody waits."""
    lock = hold(folder() / "locks" / name, wait=f"another process is making {name} ready: waiting for it")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(lock)
        yield


def keep_aside(path: Path, reason: str) -> None:
    """Rename a damaged file or folder out of the way, and say so on stderr."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        path.rename(aside)
    except FileNotFoundError:  # another process found the damage, too, and was faster
        return
    print(f"pvlib: {reason}; kept aside as {aside}, and made again", file=sys.stderr)


def _seal(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()
