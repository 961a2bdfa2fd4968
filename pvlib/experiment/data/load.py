"""The front door: a data set by name, from a folder of Parquet files, a download, or scikit-learn."""

from __future__ import annotations

import difflib
import hashlib
import os
import sys
from pathlib import Path

import torch
from torch import Tensor

from . import cache, download, parquet
from .anchor import stratified
from .images import ImageData, Split
from .parquet import Layout

LAYOUTS = {
    "mnist": Layout("image", "label", (1, 28, 28)),
    "cifar10": Layout("img", "label", (3, 32, 32)),
    "cifar100": Layout("img", "fine_label", (3, 32, 32)),
}
NAMES = ("digits", *LAYOUTS)
# CIFAR circulates in several orders (original archives, hub, shuffled copies); MNIST in one.
SORTED = ("cifar10", "cifar100")
CHECKSUMS = {
    "mnist": "22a49d22787631a09f21abaf8e1b84fc5a3e88213634c78c3cc976db361c5b68",
    "cifar10": "7d1ad49e9cf4c884ade85e2d272a51e5be018184aaf4d6d597638dd988558ce6",
    "cifar100": "e1ed38d0f8aa2d143e0469357db204352a1b166305627a8e9410cc0d97c7506a",
}


def load(name: str, *, root: str | os.PathLike | None = None) -> ImageData:
    """A whole data set as tensors.

    Parameters
    ----------
    name : "digits", "mnist", "cifar10" or "cifar100".
    root : folder that holds a folder of Parquet files per data set. Default: environment variable PVLIB_DATA; where
        that is unset too, torchvision downloads the original archives into the cache folder. Digits need neither.

    Notes
    -----
    The decoded tensors are kept in the cache folder (PVLIB_CACHE), filed under the content of the files they came
    from, and verified when read. Whatever the source, the same samples get the same ids: CIFAR's order differs
    between its distributions, so its samples are put in the order of the SHA-256 of their pixels (and label). Content
    other than the original's is reported on stderr.

    Raises
    ------
    ValueError
        Unknown name.
    DataError
        A file is missing or damaged, or the download failed.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=1, cutoff=0)[0]
        raise ValueError(f"unknown data set {name!r}: did you mean {near!r}? There are {', '.join(NAMES)}")
    if name == "digits":
        return _digits()
    root = root or os.environ.get("PVLIB_DATA")
    if root:
        files = parquet.find(Path(root).expanduser() / name)
        source = parquet.fingerprint(files)[:16]
    else:
        files, source = None, "torchvision"
    path = cache.folder() / "decoded" / f"{name}-{source}-{cache.FORMAT}.safetensors"
    data = cache.read(path)
    if data is None:
        with cache.alone(name):  # another process may have decoded it meanwhile
            data = cache.read(path) or _decode(name, files, path)
    if data.checksum != CHECKSUMS[name]:
        print(
            f"pvlib: {root or 'the download'} is not the original {name} (checksum {data.checksum[:12]}, "
            f"not {CHECKSUMS[name][:12]}): results are not comparable with published ones",
            file=sys.stderr,
        )
    return data


def _decode(name: str, files: dict[str, list[Path]] | None, path: Path) -> ImageData:
    """Read the files (the download, if None) and keep what was decoded in `path`."""
    train, test, class_names = parquet.read(files, LAYOUTS[name]) if files else download.read(name)
    if name in SORTED:
        train, test = content_order(train), content_order(test)
    data = ImageData.from_splits(name, train, test, class_names)
    cache.write(path, data)
    return data


def content_order(split: Split) -> Split:
    """The samples in the order of the SHA-256 of their pixels; equal images in the order of their labels."""
    digests = [hashlib.sha256(image).digest() for image in split.images.numpy()]
    labels = split.labels.tolist()
    order = sorted(range(len(labels)), key=lambda i: (digests[i], labels[i]))
    return split[torch.tensor(order)]


def _digits() -> ImageData:
    """scikit-learn's 1,797 handwritten digits, 8x8, 0..16 spread over 0..255; 36 of each class for the test split."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (torch.from_numpy(bunch.images) * 255 / 16).round().to(torch.uint8)[:, None]
    labels = torch.from_numpy(bunch.target).to(torch.int64)
    test_ids = stratified(labels, 360, 10, "digits/split")
    train, test = _split_at(Split(images, labels), test_ids)
    return ImageData.from_splits("digits", train, test, [str(name) for name in bunch.target_names])


def _split_at(whole: Split, test_ids: Tensor) -> tuple[Split, Split]:
    train = torch.ones(len(whole), dtype=torch.bool)
    train[test_ids] = False
    return whole[train], whole[test_ids]
