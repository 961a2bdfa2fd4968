"""Which engine is the fastest for the rows at hand: by rates measured on this machine and by the spectrum of a sample.

"gram" costs n d^2 operations of a symmetric product, the fastest that there is, and an eigenproblem of d x d ("dual" the same
with n and d exchanged); "krylov" costs some products of the matrix with k + 1 vectors, each nearly as slow as reading it.
Which is less depends on the processor and on how many passes the spectrum asks for. The rates are measured once in a process
for each type and width of matrix, in some milliseconds, and the passes follow from the eigenvalues of a sample of rows.
Engines agree within their bounds, but not in the last digits: ask for one by name where these must not change.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from .bounds import EPS32
from .lanczos import TOLERANCE, Product, Start
from .moments import Moments, block_rows, first_mean
from .rows import NARROW, ArrayRows, Rows
from .threads import quiet, workers

LARGE = 1 << 22  # entries of a matrix; in a smaller one measuring would cost as much as it can save
SHORT = 192  # the Gram matrix (or the dual one) is faster where one side is no longer than this,
MANY = 20  # or than so many times the vectors of a pass
USUAL = 30  # `worth` of a small matrix, for which it is not measured
FEWEST_PASSES = 2.5  # that Krylov needs in all but the best of spectra
BESIDE = 1.5  # what it does beside its passes: sums of squares in the first one, small matrices, left vectors
AFTER = 1.1  # times the passes that a block of all sampled directions would need: k + 1 of them at most are followed
EIGEN = 8  # an eigenproblem of d x d costs about as much as so many d x d products of d rows
DUAL = 2.5  # times the cost of a product of "gram": "dual" copies columns, and multiplies them in float64
PIECE = 1 << 23  # entries of a thin product that is measured: more than caches hold
TRIES = 5  # the least time of which counts


@dataclass(frozen=True)
class Rates:
    """Seconds of all cores that may be used."""

    product: float  # of a Gram product, for each row and pair of columns
    eigen: float  # of the same without other cores, which the eigenproblem leaves alone
    thin: float  # of a Krylov pass with all its vectors, for each entry

    def passes(self, n: int, d: int) -> float:
        """Passes of Krylov that "gram" costs, or "dual" where n < d."""
        long, short, product = (n, d, self.product) if n >= d else (d, n, DUAL * self.product)
        return (long * product + EIGEN * short * self.eigen) * short / (long * self.thin) + 1  # and left vectors


_known: dict[tuple, Rates] = {}


def plan(rows: Rows, *, center: bool, k: int) -> tuple[str, dict[str, Any]]:
    """The engine, and for Krylov how to start, and the number of passes after which it had better hand over."""
    if not isinstance(rows, ArrayRows) or not rows.pickable:
        return "gram", {}
    n, d = rows.n, rows.d
    moments = "dual" if n < d else "gram"
    if min(n, d) <= max(SHORT, MANY * (k + 1)):
        return moments, {}
    if n * d < LARGE:
        return "krylov", {"worth": USUAL}
    with workers():  # BLAS threads that still spin afterwards would slow those that come next
        start = Start.of(rows, center=center, k=k)
        worth = rates(rows, start, center).passes(n, d)
    if worth < FEWEST_PASSES or expected_passes(start.values, k, TOLERANCE[rows.dtype]) + BESIDE > worth:
        return moments, {}
    return "krylov", {"worth": worth, "start": start}


def rates(rows: ArrayRows, start: Start, center: bool) -> Rates:
    """Of matrices of this type and about this width, and of blocks of about so many vectors, measured the first time."""
    key = rows.dtype, round(3 * np.log2(rows.d)), center, round(3 * np.log2(len(start.block)))
    if key not in _known:
        _known[key] = measured(rows, start, center)
    return _known[key]


def measured(rows: ArrayRows, start: Start, center: bool) -> Rates:
    """On rows that were not read before, as in a pass."""
    width, length = min(rows.d, NARROW), min(rows.n, block_rows(rows.d, rows.dtype.itemsize))
    blocks = (np.ascontiguousarray(part.block(0, length)[:, :width]) for part in parts(rows, length))
    moments = Moments(first_mean(next(blocks), center))
    pieces = parts(rows, size := min(rows.n, max(1, PIECE // rows.d)))

    def thin() -> None:
        product = Product(next(pieces), start, center=False, exact=False)
        product.passes = 1
        product(start.block)

    with workers() as (_, count), quiet():
        alone = fastest(lambda: moments.add(next(blocks))) / length / width**2
        return Rates(alone / count, alone, fastest(thin) / (size * rows.d))


def parts(rows: ArrayRows, length: int) -> Iterator[ArrayRows]:
    """Of so many rows, one after the other, without end."""
    while True:
        for first in range(0, rows.n - length + 1, length):
            yield ArrayRows(rows.matrix[first : first + length])


def fastest(call: Callable) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(TRIES):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return min(times)


def expected_passes(values: np.ndarray, k: int, tolerance: float) -> float:
    """Passes in which block Krylov will converge, by the (ascending) eigenvalues of a sample of the rows.

    After j passes a block of p columns is as near to the leading k directions as the best polynomial of degree j makes
    it, the Chebyshev polynomial on [0, lambda_{p+1}] (Saad, SIAM J. Numer. Anal. 17 (1980) 687). Its value grows by a factor of
    x + sqrt(x^2 - 1) with each, x = 2 lambda_k / lambda_{p+1} - 1. The sample has p values: lambda_p stands for
    lambda_{p+1}, which errs towards more passes.
    """
    smallest = max(values[0], EPS32 * values[-1])
    x = 2 * values[-k] / smallest - 1 if smallest > 0 else 0.0
    return float(AFTER * np.log(1 / tolerance) / np.arccosh(x) + 1) if x > 1 else np.inf
