"""torch.save of a tensor or of a dictionary of tensors. Nothing is unpickled but tensors."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..memory import afford
from .refused import COPY, Refused, chosen, nameless

ZIP = b"PK\x03\x04"
DTYPES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8",
    "bool",
)  # fmt: skip


def pt(path: Path, name: str | None) -> np.ndarray:
    """torch.save of a tensor or of a dictionary of tensors."""
    import torch

    length = path.stat().st_size
    with open(path, "rb") as file:
        if file.read(len(ZIP)) == ZIP:
            _check_zip(file, length)
        afford(length)
        file.seek(0)
        try:
            value = torch.load(file, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:  # pickle, torch and C++ have many; their advice is to run what is in the file
            raise Refused("damaged, or more than plain tensors in it; save a tensor with torch.save") from error
    if isinstance(value, dict):
        value = list(value.values())[chosen([str(key) for key in value], name)]
    else:
        nameless(name)
    return _tensor(value)


def _check_zip(file: BinaryIO, length: int) -> None:
    """torch compares no checksums, and believes sizes."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        plain = all(m.compress_type == zipfile.ZIP_STORED and m.compress_size == m.file_size for m in members)
        if not plain or sum(m.file_size for m in members) > length:
            raise Refused("it is compressed, or wrong about its size, which torch.save never is; save it again")
        if damaged := archive.testzip():
            raise Refused(f"damaged: the checksum of {damaged[:60]} in it is wrong; {COPY}")


def _tensor(value: object) -> np.ndarray:
    import torch

    if not isinstance(value, torch.Tensor):
        raise Refused(f"expected a tensor, got {type(value).__name__}; save the features as one tensor")
    kind = str(value.dtype).removeprefix("torch.")
    plain = (
        value.layout == torch.strided and not value.is_nested and not value.is_quantized and value.device.type == "cpu"
    )
    if not plain or kind not in DTYPES:
        which = "quantised " * value.is_quantized + "meta " * value.is_meta
        raise Refused(
            f"it holds a {which}tensor of dtype {kind}, layout {value.layout}; save a dense one of real numbers"
        )
    if value.nelement() * value.element_size() > value.untyped_storage().nbytes():
        raise Refused("its tensor repeats stored numbers (expand); save tensor.contiguous()")
    value = value.detach().resolve_neg()
    return (value.float() if kind == "bfloat16" else value).numpy()
