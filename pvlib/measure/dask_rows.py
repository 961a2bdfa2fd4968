"""Dask arrays as `Rows`: every chunk of rows is measured where it is, and only sums and left vectors travel. Not for
arrays that fit into memory: `compute()` these first.

Every reading is one graph of independent tasks, so whatever a lost worker held is computed again by the others; the
sums are added in a tree of fixed shape, so the result does not depend on which worker was first. Chunks are computed
anew for each reading unless they are persisted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np

from .rows import Rows, checked, to_float

BRANCHES = 4  # parts that one task merges
QUIET: dict[str, Any] = dict.fromkeys(
    ("over", "invalid", "under"), "ignore"
)  # what overflows is found in the result, and named there


@dataclass
class DaskRows(Rows):
    """A Dask array whose chunks hold whole rows."""

    array: Any = None

    distributed = True

    @classmethod
    def of(cls, array, name: str) -> "DaskRows":
        if np.isnan(array.shape).any():
            raise ValueError(
                f"{name} is a Dask array of unknown chunk sizes (shape {array.shape}): call compute_chunk_sizes() on it"
            )
        if array.numblocks[1] > 1:
            array = array.rechunk({0: "auto", 1: -1})
        return cls(array=array, n=int(array.shape[0]), d=int(array.shape[1]))

    def chunks(self) -> Iterator[tuple[int, Any]]:
        """First row and (delayed) chunk, in order; chunks without rows are left out."""
        sizes = self.array.chunks[0]
        starts = np.cumsum((0, *sizes[:-1])).tolist()
        for start, size, chunk in zip(starts, sizes, self.array.to_delayed().ravel(), strict=True):
            if size:
                yield start, chunk

    def tasks(self, function: Callable[[Rows], object]) -> tuple[list[int], list]:
        """First rows of the chunks, and the (delayed) functions of them."""
        shared = dask.delayed(function, traverse=False)  # sent once, whatever it carries
        starts, chunks = zip(*self.chunks(), strict=True)
        return list(starts), [dask.delayed(of_chunk)(chunk, shared) for chunk in chunks]

    def parts(self, function: Callable[[Rows], Any]) -> list[tuple[int, Any]]:
        """First row and function of every chunk, computed by the workers."""
        starts, tasks = self.tasks(function)
        return list(zip(starts, dask.compute(*tasks), strict=True))

    def merged(self, function: Callable[[Rows], object], merge: Callable[[list], object]):
        """The same merged by the workers: one result of the size of one part reaches the caller."""
        _, tasks = self.tasks(function)
        while len(tasks) > 1:
            tasks = [dask.delayed(of_parts)(tasks[i : i + BRANCHES], merge) for i in range(0, len(tasks), BRANCHES)]
        return tasks[0].compute()

    def blocks(self, size: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """One chunk after the other brought here, for what cannot be done by the workers."""
        for start, chunk in self.chunks():
            yield start, to_float(checked(chunk.compute(), f"the chunk at row {start}"))


def of_chunk(chunk, function: Callable[[Rows], object]):
    matrix = checked(chunk, "a chunk")
    with np.errstate(**QUIET):
        return function(Rows(matrix=matrix, n=matrix.shape[0], d=matrix.shape[1]))


def of_parts(parts: list, merge: Callable[[list], object]):
    with np.errstate(**QUIET):
        return merge(parts)
