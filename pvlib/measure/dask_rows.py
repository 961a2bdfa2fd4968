"""Dask arrays as `Rows`: every chunk of rows is measured where it is, and only sums and left vectors travel. Not for
arrays that fit into memory: `compute()` these first.

Every reading is one graph of independent tasks, so whatever a lost worker held is computed again by the others; the
sums are added in a tree of fixed shape, so the result does not depend on which worker was first. Chunks are computed
anew for each reading unless they are persisted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import methodcaller
from typing import Any

import dask
import numpy as np

from .entries import checked, to_float
from .moments import Applied, Moments, Right, joined, merged
from .rows import ArrayRows, Rows

BRANCHES = 4  # parts that one task merges
QUIET: dict[str, Any] = dict.fromkeys(
    ("over", "invalid", "under"), "ignore"
)  # what overflows is found in the result, and named there


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
        with self.reading("entries"):
            starts, tasks = self.tasks(function)
            return list(zip(starts, dask.compute(*tasks), strict=True))

    def moments(self, *, shifted: bool, exact: bool, scale: float = 1.0) -> Moments:
        """In float64, because the digits must not depend on the chunks; merged by the workers, so that one result of the
        size of one part reaches the caller.
        """
        with self.reading("second moments"):
            _, tasks = self.tasks(methodcaller("moments", shifted=shifted, exact=True, scale=scale))
            while len(tasks) > 1:
                tasks = [dask.delayed(of_parts)(tasks[i : i + BRANCHES]) for i in range(0, len(tasks), BRANCHES)]
            return tasks[0].compute()

    def apply(self, right: Right) -> Applied:
        return joined([part for _, part in self.parts(partial(applied, right=right))])

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """One chunk after the other brought here, for what cannot be done by the workers."""
        for start, chunk in self.chunks():
            yield start, to_float(checked(chunk.compute(), f"the chunk at row {start}"))


def applied(rows: Rows, right: Right) -> Applied:
    """The product with the chunk itself: what is known of F'F V is that of all rows."""
    return Rows.apply(rows, right)


def of_chunk(chunk, function: Callable[[Rows], object]):
    with np.errstate(**QUIET):
        return function(ArrayRows(checked(chunk, "a chunk")))


def of_parts(parts: list):
    with np.errstate(**QUIET):
        return merged(parts)
