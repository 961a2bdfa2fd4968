"""The anchor's images as a file, for frameworks and languages that know nothing of this package."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from ..atomic import write_atomic
from ..experiment.data import ImageData, anchor


def anchor_images(
    data: ImageData, *, split: str = "train", channels_first: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The images of an anchor in its order, and their labels.

    Returns
    -------
    images : array (n, H, W, C), or (n, C, H, W)
        Pixels from 0 to 255, uint8.
    labels : array (n,)
        int64.

    Examples
    --------
    >>> from pvlib.experiment.data import load
    >>> images, labels = anchor_images(load("digits"))
    >>> images.shape, labels.shape
    ((1000, 8, 8, 1), (1000,))
    """
    part, ids = (data.train, anchor(data).train_ids) if split == "train" else (data.test, anchor(data).test_ids)
    images = part.images[ids].numpy()
    return images if channels_first else np.moveaxis(images, 1, -1), part.labels[ids].numpy()


def write_array(path: Path, array: np.ndarray) -> None:
    """A new .npy file.

    Raises
    ------
    ValueError
        The name does not end in .npy, its folder is missing, or there is such a file.
    """
    if path.suffix != ".npy":
        raise ValueError(f"{path}: the name of the file must end in .npy")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no such folder; make it first")
    if os.path.lexists(path):
        raise ValueError(f"{path}: there is such a file already; remove it, or choose another name")
    content = io.BytesIO()
    np.save(content, np.ascontiguousarray(array))
    write_atomic(path, content.getvalue())
