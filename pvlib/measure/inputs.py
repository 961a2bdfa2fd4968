"""Forms of input: anything that holds samples x features becomes a `Rows`. Not for loading files.

Dask arrays stay where they are (`dask_rows`).
"""

from collections.abc import Iterable, Iterator

from .rows import Rows, checked, is_dask, is_tensor


def as_rows(features, name: str = "features") -> Rows:
    """Accept NumPy, torch (any device), memory maps, Dask arrays, data frames, nested lists, or re-iterable batches
    of these.

    Raises TypeError for what can be read only once or is not numeric, ValueError for a shape that is not two-
    dimensional.
    """
    if isinstance(features, Rows):
        return features
    if is_batches(features):
        if isinstance(features, Iterator):
            raise TypeError(
                f"{name} is a {type(features).__name__} that can be read only once, and is needed twice: pass a "
                "list of batches, or an object whose __iter__ starts again (a DataLoader does)"
            )
        return Rows(batches=features)
    matrix = checked(features, name)
    if is_dask(matrix):
        from .dask_rows import DaskRows  # here, because it imports Dask, which is large and rarely there

        return DaskRows.of(matrix, name)
    return Rows(matrix=matrix, n=int(matrix.shape[0]), d=int(matrix.shape[1]))


def is_batches(features) -> bool:
    if is_tensor(features) or hasattr(features, "__array__") or isinstance(features, str | bytes | dict):
        return False
    if isinstance(features, list | tuple):
        return bool(features) and all(getattr(batch, "ndim", 0) == 2 for batch in features)
    return isinstance(features, Iterable) or hasattr(features, "__getitem__")
