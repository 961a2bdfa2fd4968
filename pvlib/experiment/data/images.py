"""What a data set is here: two splits of uint8 images with labels, and facts derived from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


class DataError(RuntimeError):
    """A data set that is missing, damaged, or not what its layout promises."""


@dataclass(frozen=True)
class Split:
    """Images `(N, C, H, W)` uint8 and labels `(N,)` int64; a sample's id is its row."""

    images: Tensor
    labels: Tensor

    def __post_init__(self):
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ValueError(f"images: (N, C, H, W) uint8 expected, got {tuple(self.images.shape)} {self.images.dtype}")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels: {len(self.images)} int64 values expected, one per image, "
                f"got {tuple(self.labels.shape)} {self.labels.dtype}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, ids: Tensor) -> Split:
        return Split(self.images[ids], self.labels[ids])


@dataclass(frozen=True)
class ImageData:
    """A data set.

    Attributes
    ----------
    name : the vocabulary's name, such as "mnist".
    train, test : Split.
    class_names : one name per label, in label order.
    checksum : hex SHA-256 of the decoded content, see `content_checksum`.
    mean, std : (C,) float64, over all training pixels of a channel, in [0, 1] (population standard deviation).
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    checksum: str
    mean: Tensor
    std: Tensor

    @classmethod
    def from_splits(cls, name: str, train: Split, test: Split, class_names) -> ImageData:
        """Check the splits against each other, and derive checksum, mean and standard deviation."""
        class_names = tuple(class_names)
        for part, split in (("train", train), ("test", test)):
            if not len(split):
                raise DataError(f"{name}: the {part} split is empty")
            low, high = int(split.labels.min()), int(split.labels.max())
            if low < 0 or high >= len(class_names):
                raise DataError(
                    f"{name}: {part} labels run from {low} to {high}, but there are {len(class_names)} classes"
                )
        if train.images.shape[1:] != test.images.shape[1:]:
            raise DataError(
                f"{name}: train images are {tuple(train.images.shape[1:])}, test images {tuple(test.images.shape[1:])}"
            )
        return cls(name, train, test, class_names, content_checksum(train, test), *pixel_statistics(train.images))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


def content_checksum(train: Split, test: Split) -> str:
    """Hex SHA-256 of the decoded content, whatever the files it came from.

    Covers, for train and then test, the shape, the uint8 pixels in (N, C, H, W) order and the labels as
    little-endian int64. The order of the samples counts, because an id is a position in it.
    """
    digest = hashlib.sha256()
    for name, split in (("train", train), ("test", test)):
        digest.update(f"{name} {tuple(split.images.shape)}\n".encode())
        digest.update(split.images.contiguous().numpy().data)
        digest.update(split.labels.numpy().astype("<i8").data)
    return digest.hexdigest()


def pixel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation per channel, (C,) float64, of pixels in [0, 1]: exact, by counting."""
    values = torch.arange(256, dtype=torch.float64) / 255
    counts = torch.stack([torch.bincount(images[:, c].flatten(), minlength=256) for c in range(images.shape[1])])
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ values
    return mean, (shares * (values - mean[:, None]) ** 2).sum(1).sqrt()
