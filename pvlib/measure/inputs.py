"""Forms of input: anything that holds samples x features becomes a `Rows`.

Dask arrays stay where they are (`dask_rows`).
"""

import sys
from collections.abc import Iterable, Iterator

from . import device
from .entries import checked, is_dask, is_sparse, is_tensor
from .rows import ArrayRows, BatchRows, Rows


def as_rows(features, name: str = "features") -> Rows:
    """Accept NumPy, torch (any device), memory maps, Dask arrays, data frames, nested lists, or re-iterable batches
    of these.

    Raises TypeError for what can be read only once or is not numeric, ValueError for a shape that is not two-
    dimensional and for a DataLoader that draws its samples at random.
    """
    if isinstance(features, Rows):
        return features
    if is_batches(features):
        if isinstance(features, Iterator):
            raise TypeError(
                f"{name} is a {type(features).__name__} that can be read only once, and is needed twice: pass a "
                "list of batches, or an object whose __iter__ starts again (a DataLoader does)"
            )
        refuse_random_order(features, name)
        return BatchRows(features)
    matrix = checked(features, name)
    if is_dask(matrix):
        from .dask_rows import DaskRows  # here, because it imports Dask, which is large and rarely there

        return DaskRows(matrix, name)
    return device.TensorRows(matrix) if device.multiplies(matrix) else ArrayRows(matrix)


def is_batches(features) -> bool:
    if is_tensor(features) or hasattr(features, "__array__") or isinstance(features, str | bytes | dict):
        return False
    if isinstance(features, list | tuple):
        return bool(features) and all(getattr(batch, "ndim", 0) == 2 for batch in features)
    return not is_sparse(features) and (isinstance(features, Iterable) or hasattr(features, "__getitem__"))


def refuse_random_order(batches, name: str) -> None:
    """ValueError for a DataLoader whose sampler draws: nobody knows which sample an entry of the vector belongs to."""
    data = sys.modules.get("torch.utils.data")
    if data is None or not isinstance(batches, data.DataLoader):
        return
    sampler = getattr(batches.batch_sampler, "sampler", batches.sampler)
    drawing = (data.RandomSampler, data.SubsetRandomSampler, data.WeightedRandomSampler)
    if isinstance(sampler, drawing) or getattr(sampler, "shuffle", False) is True:
        raise ValueError(
            f"{name} is a DataLoader with a {type(sampler).__name__}, whose samples come in another order each time, "
            "and a P-vector has one entry for each sample: make the DataLoader with shuffle=False"
        )
