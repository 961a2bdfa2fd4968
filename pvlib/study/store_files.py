"""The files of the store: JSON and tensors, written atomically, and refused when read where they are damaged."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import write_atomic

if TYPE_CHECKING:  # and where tensors are handled: writing bytes takes neither
    import torch


class DamagedFile(RuntimeError):
    """A file of the store that does not match its checksum, or cannot be parsed."""


def plain(value):
    """The value as JSON can hold it: NaN and the infinities, which it cannot, are null."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def measured(rows: list[dict]) -> list[dict]:
    """Rows of numbers as `plain` wrote them: null is NaN again."""
    return [{key: math.nan if value is None else value for key, value in row.items()} for row in rows]


def write_json(path: Path, value) -> None:
    """Written atomically; NaN and infinities become null."""
    write_atomic(path, (json.dumps(plain(value), indent=1, sort_keys=True, allow_nan=False) + "\n").encode())


def read_json(path: Path):
    """The content of a file by `write_json` (and of older ones, which have NaN)."""
    try:
        return json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise DamagedFile(f"{path} is not valid JSON ({error})") from error


def _digest(tensors: Mapping[str, torch.Tensor], note: str) -> str:
    import torch

    digest = hashlib.sha256(note.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], note: Mapping | None = None) -> None:
    """One safetensors file, written atomically, that carries `note` (JSON) and the checksum of all it holds."""
    from safetensors.torch import save

    text = json.dumps(plain(note or {}), sort_keys=True, allow_nan=False)
    # Clones: safetensors refuses tensors that share memory (tied or sliced ones).
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(own, {"note": text, "sha256": _digest(own, text)}))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors and note of a file by `write_tensors`.

    Raises
    ------
    DamagedFile
        The file is cut off, or its content does not match the checksum inside it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except SafetensorError as error:
        raise DamagedFile(f"{path} cannot be read ({error})") from error
    text = metadata.get("note", "{}")
    if metadata.get("sha256") != _digest(tensors, text):
        raise DamagedFile(f"{path} does not match the checksum written with it")
    return tensors, json.loads(text)
