"""Dask arrays as `Rows`: every chunk of rows is measured where it is, and only sums and left vectors travel.
For an array that fits into memory `compute()` is faster.

Every reading is one graph of independent tasks, so whatever a lost worker held is computed again by the others; the
sums are added in a tree of fixed shape, so the result does not depend on which worker was first. Chunks are computed
anew for each reading unless they are persisted.
"""

from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import Any

import dask
import numpy as np

from .entries import checked, to_float
from .moments import Moments, accumulated, merged
from .rows import ArrayRows, Blocks, Rows
from .threads import quiet, workers

BRANCHES = 4  # parts that one task merges


class DaskRows(Rows):
    """A Dask array whose chunks hold whole rows."""

    def __init__(self, array, name: str):
        if np.isnan(array.shape).any():
            raise ValueError(
                f"{name} is a Dask array of unknown chunk sizes (shape {array.shape}): call compute_chunk_sizes() on it"
            )
        self.array = array.rechunk({0: "auto", 1: -1}) if array.numblocks[1] > 1 else array
        self.n, self.d = map(int, array.shape)

    def check_method(self, method: str) -> None:
        if method not in ("auto", "gram"):
            raise ValueError(
                f"method={method!r} needs the whole matrix in one place: compute() the Dask array, or use 'gram'"
            )

    @contextmanager
    def reading(self, what: str):
        """Counted; the workers show no bar."""
        self.passes += 1
        yield

    def chunks(self) -> list[tuple[int, Any]]:
        """First row and (delayed) chunk, in order; chunks without rows are left out."""
        sizes = self.array.chunks[0]
        starts = np.cumsum((0, *sizes[:-1])).tolist()
        chunks = zip(starts, sizes, self.array.to_delayed().ravel(), strict=True)
        return [(start, chunk) for start, size, chunk in chunks if size]

    def tasks(self, function: Callable[[Blocks], Any]) -> list:
        """The (delayed) function of the blocks of every chunk."""
        shared = dask.delayed(function, traverse=False)  # sent once, whatever it carries
        return [dask.delayed(of_chunk)(chunk, start, shared) for start, chunk in self.chunks()]

    def parts(self, what: str, function: Callable[[Blocks], Any]) -> list:
        with self.reading(what):
            return list(dask.compute(*self.tasks(function)))

    def moments(self, *, shifted: bool, exact: bool, scale: float = 1.0) -> Moments:
        """In float64, because the digits must not depend on the chunks; merged by the workers, so that one result of the
        size of one part reaches the caller.
        """
        with self.reading("second moments"):
            tasks = self.tasks(partial(accumulated, shifted=shifted, exact=True, scale=scale))
            while len(tasks) > 1:
                tasks = [dask.delayed(of_parts)(tasks[i : i + BRANCHES]) for i in range(0, len(tasks), BRANCHES)]
            return tasks[0].compute()

    def blocks(self) -> Blocks:
        """One chunk after the other brought here, for what cannot be done by the workers."""
        for start, chunk in self.chunks():
            yield start, to_float(checked(chunk.compute(), f"the chunk at row {start}"))


def of_chunk(chunk, start: int, function: Callable[[Blocks], Any]):
    with workers(), quiet():
        return function((start + row, block) for row, block in ArrayRows(checked(chunk, "a chunk")).blocks())


def of_parts(parts: list):
    with quiet():
        return merged(parts)
