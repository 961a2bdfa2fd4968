"""Reader of image classification sets in the Parquet layout of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from tqdm import tqdm

from .images import DataError, Split

PART = re.compile(r"(train|test)-(\d{5})-of-(\d{5})(-[0-9a-f]+)?\.parquet")


@dataclass(frozen=True)
class Layout:
    """The columns of one data set, and the images that it must hold, as (channels, height, width)."""

    image: str
    label: str
    shape: tuple[int, int, int]


def find(folder: Path) -> dict[str, list[Path]]:
    """The files of each split below `folder`, in order, complete.

    Raises
    ------
    DataError
        The folder is missing, or lacks a file: names it and what was looked for.
    """
    if not folder.is_dir():
        raise DataError(f"no data folder {folder}: looked there for train-*-of-*.parquet and test-*-of-*.parquet")
    found: dict[str, dict[int, Path]] = {"train": {}, "test": {}}
    totals: dict[str, set[int]] = {"train": set(), "test": set()}
    for path in sorted(folder.rglob("*.parquet")):
        if match := PART.fullmatch(path.name):
            split, part, total = match[1], int(match[2]), int(match[3])
            if part in found[split]:
                raise DataError(f"{folder} holds part {part} of {split} twice: {found[split][part]} and {path}")
            found[split][part] = path
            totals[split].add(total)
    for split, parts in found.items():
        if not parts:
            raise DataError(f"{folder} lacks the {split} split: looked for {split}-*-of-*.parquet, found none")
        if len(totals[split]) > 1:
            raise DataError(f"{folder}: files of the {split} split disagree about their number {totals[split]}")
        (total,) = totals[split]
        missing = [f"{split}-{i:05d}-of-{total:05d}.parquet" for i in range(total) if i not in parts]
        if missing:
            raise DataError(f"{folder} lacks {', '.join(missing)}: the other {len(parts)} of {total} are there")
    return {split: [parts[i] for i in sorted(parts)] for split, parts in found.items()}


def fingerprint(files: dict[str, list[Path]]) -> str:
    """Hex SHA-256 of the files' content, in order: what a cached decoding of them is filed under."""
    digest = hashlib.sha256()
    for split, paths in files.items():
        for path in paths:
            with open(path, "rb") as file:
                digest.update(f"{split} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def read(files: dict[str, list[Path]], layout: Layout) -> tuple[Split, Split, list[str]]:
    """Decode all files: train, test and the class names in label order."""
    names = class_names(files["train"][0], layout.label)
    total = sum(_rows(path) for paths in files.values() for path in paths)
    with tqdm(total=total, desc="decoding images", unit="", unit_scale=True, delay=1, file=sys.stderr) as bar:
        train, test = (_read_split(files[split], layout, bar) for split in ("train", "test"))
    return train, test, names


def class_names(path: Path, label: str) -> list[str]:
    """Class names in label order, from the schema's metadata under the key "huggingface"."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    except (KeyError, ValueError) as error:
        raise DataError(f'{path}: no class names of "{label}" in the schema metadata "huggingface"') from error


def _rows(path: Path) -> int:
    try:
        return pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _read_split(paths: list[Path], layout: Layout, bar: tqdm) -> Split:
    images, labels = [], []
    for path in paths:
        try:
            table = pq.read_table(path, columns=[layout.image, layout.label], page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error
        lacking = {layout.image, layout.label} - set(table.column_names)
        if lacking:
            raise DataError(f"{path} lacks the column {', '.join(sorted(lacking))}")
        encoded = table.column(layout.image).combine_chunks().field("bytes")
        pixels = np.empty((len(table), *layout.shape), np.uint8)
        for row, content in enumerate(encoded):
            pixels[row] = _decode(content.as_py(), layout.shape, path, row)
            bar.update()
        images.append(torch.from_numpy(pixels))
        labels.append(torch.from_numpy(table.column(layout.label).to_numpy().astype(np.int64)))
    return Split(torch.cat(images), torch.cat(labels))


def _decode(content: bytes | None, shape: tuple[int, int, int], path: Path, row: int) -> np.ndarray:
    """One encoded image as (C, H, W) uint8."""
    channels, height, width = shape
    expected = ("L" if channels == 1 else "RGB", (width, height))
    try:
        with Image.open(io.BytesIO(content or b"")) as image:
            pixels = np.asarray(image)
            found = (image.mode, image.size)
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path}, row {row}: the image cannot be decoded ({error})") from error
    if found != expected:
        raise DataError(f"{path}, row {row}: mode and size are {found}, expected {expected}")
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is damaged or no Parquet file ({error}); fetch it again")
