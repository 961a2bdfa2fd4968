"""Original archives through torchvision: downloaded with progress and checksum, then read as tensors."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ..torchvision_shim import import_torchvision
from . import cache
from .images import DataError, Split

CLASSES = {"mnist": "MNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}


def read(name: str) -> tuple[Split, Split, list[str]]:
    """Train, test and class names of a data set, in the order of the archive."""
    factory = getattr(import_torchvision().datasets, CLASSES[name])
    folder = cache.folder() / "downloads" / name
    try:
        return _read(factory, folder, download=False)
    except RuntimeError:
        pass  # torchvision's "Dataset not found or corrupted": it knows that it has to download
    except Exception as error:  # an interrupted extraction leaves files that it takes for whole
        cache.keep_aside(folder, f"downloaded {name} in {folder} cannot be read ({error})")
    print(f"pvlib: PVLIB_DATA is not set: downloading {name} into {folder}", file=sys.stderr)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _read(factory, folder, download=True)
    except Exception as error:
        raise _failed(name, folder, error) from error


def _read(factory, folder: Path, download: bool) -> tuple[Split, Split, list[str]]:
    parts = [factory(root=str(folder), train=train, download=download) for train in (True, False)]
    names = [name.split(" - ")[0] for name in parts[0].classes]
    return _split(parts[0]), _split(parts[1]), names


def _split(part) -> Split:
    images = torch.as_tensor(part.data)
    images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return Split(images.contiguous(), torch.as_tensor(part.targets, dtype=torch.int64))


def _failed(name: str, folder: Path, error: Exception) -> DataError:
    return DataError(
        f"{name} could not be downloaded into {folder} ({type(error).__name__}: {error}). Without a network, set "
        f"PVLIB_DATA (or root) to a folder that holds {name}/train-*-of-*.parquet and {name}/test-*-of-*.parquet"
    )
