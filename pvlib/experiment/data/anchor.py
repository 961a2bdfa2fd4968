"""The anchor: the fixed samples on which P-vectors are measured and compared. Protocol 4."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from .images import DataError, ImageData

SIZES = {"digits": (1000, 360)}
DEFAULT_SIZES = (2000, 1000)


@dataclass(frozen=True)
class Anchor:
    """Ids (rows of the split), int64, ascending."""

    train_ids: Tensor
    test_ids: Tensor


def anchor(data: ImageData) -> Anchor:
    """Equally many samples of each class: 2,000 training and 1,000 test samples (digits: 1,000 and all 360).

    Depends on the data set only: within a class, samples are drawn by the hash of their id, so that it is the
    same on every machine and with every version of every library.
    """
    train, test = SIZES.get(data.name, DEFAULT_SIZES)
    return Anchor(
        stratified(data.train.labels, train, data.num_classes, f"{data.name}/train"),
        stratified(data.test.labels, test, data.num_classes, f"{data.name}/test"),
    )


def stratified(labels: Tensor, size: int, num_classes: int, name: str) -> Tensor:
    """Ascending ids of `size` samples, the same number of each class, chosen by the hash of `name` and id."""
    if size % num_classes:
        raise DataError(f"{name}: {size} samples cannot be spread equally over {num_classes} classes")
    per_class = size // num_classes
    chosen = []
    for label in range(num_classes):
        ids = (labels == label).nonzero().flatten().tolist()
        if len(ids) < per_class:
            raise DataError(f"{name}: class {label} has {len(ids)} samples, {per_class} are needed")
        ids.sort(key=lambda i: hashlib.sha256(f"{name}/{i}".encode()).digest())
        chosen += ids[:per_class]
    return torch.tensor(sorted(chosen), dtype=torch.int64)
