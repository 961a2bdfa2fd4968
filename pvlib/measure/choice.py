"""Which engine is the fastest for the rows at hand: by rates measured on this machine and by the spectrum of a sample.

"gram" costs n d^2 operations of a symmetric product, the fastest that there is, and an eigenproblem of d x d; "krylov" costs a
few products of the matrix with a thin block, each nearly as slow as reading it. Which is less depends on the processor (wide
vectors favour thin products) and on how many passes the spectrum asks for. The rates are measured once in a process for
each type and width of matrix, in some milliseconds, and the passes follow from the eigenvalues of a sample of rows.
Engines agree within their bounds, but not in the last digits: ask for one by name where these must not change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np

from .lanczos import COLUMNS, GROUP, SAMPLE, TOLERANCE, Product, chunk_rows, first_block
from .moments import LONG, Moments, first_mean
from .rows import NARROW, ArrayRows, Rows
from .threads import workers

LARGE = 1 << 22  # entries of a matrix; in a smaller one measuring would cost as much as it can save
SHORT = 192  # there, the Gram matrix (or the dual one) is faster where one side is no longer than this
USUAL = 20  # passes that "gram" costs there
FEWEST = 2.5  # passes that Krylov needs in all but the best of spectra
EIGEN = 8  # an eigenproblem of d x d costs about as much as so many d x d products of d rows
TRIES = 3  # the least time of which counts


@dataclass(frozen=True)
class Rates:
    """Seconds of one core."""

    product: float  # of a Gram product, for each row and pair of columns
    sum: float  # of adding up a block of it, for each pair of columns
    thin: float  # of a Krylov pass, for each entry and column of the block

    def passes(self, n: int, d: int, columns: int, workers: int) -> float:
        """Passes of Krylov that "gram" costs; the eigenproblem is left to one worker."""
        rows = n + EIGEN * d * workers
        return (rows * self.product + n / LONG * self.sum) * d / (n * self.thin * columns)


_known: dict[tuple, Rates] = {}


def plan(rows: Rows, *, center: bool, k: int) -> tuple[str, float]:
    """The engine, and the number of passes after which Krylov had better hand over to "gram"."""
    sample = rows.sample(SAMPLE)
    if sample is None:
        return "gram", np.inf
    n, d = rows.n, rows.d
    if n * d < LARGE or n < d:
        return ("krylov" if min(n, d) > SHORT else "dual" if n < d else "gram"), np.inf if n < d else USUAL
    with workers() as (_, count):
        worth = rates(rows.whole(), center).passes(n, d, max(COLUMNS, k + 1), count)
    if worth < FEWEST or expected_passes(sample, center, k) > worth:
        return "gram", worth
    return "krylov", worth


def rates(rows: ArrayRows, center: bool) -> Rates:
    """Of matrices of this type and width, measured the first time."""
    key = rows.dtype, rows.d.bit_length(), center
    if key not in _known:
        _known[key] = measured(rows, center)
    return _known[key]


def measured(rows: ArrayRows, center: bool) -> Rates:
    """On rows of the matrix; those of the thin product were not read before, as in a pass."""
    width, length = min(rows.d, NARROW), min(rows.n, NARROW)
    block = np.ascontiguousarray(rows.block(0, length)[:, :width])
    shift = first_mean(block, center)
    columns = np.eye(rows.d, COLUMNS, dtype=rows.dtype)
    product = Product(rows, False, rows.dtype.type, 1.0, None, np.zeros(rows.d), passes=1)
    step = GROUP * chunk_rows(rows.d, COLUMNS)
    size = max(step, (1 << 19) // rows.d // step * step)
    left = np.empty((rows.n, COLUMNS), rows.dtype)
    starts = iter(range(0, rows.n, size))

    def thin() -> None:
        start = next(starts, 0)
        product.share(range(start, min(start + size, rows.n), step), columns, np.zeros(COLUMNS), left)

    with workers(), np.errstate(all="ignore"):
        whole, adding = (least(partial(Moments(shift).add, part)) for part in (block, block[:4]))
        each = least(thin) / (min(size, rows.n) * rows.d * COLUMNS)
    pairs = width**2
    return Rates(max(whole - adding, whole / 4) / length / pairs, adding / pairs, each)


def least(call: Callable) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(TRIES):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return min(times)


def expected_passes(sample: np.ndarray, center: bool, k: int) -> float:
    """Passes in which block Krylov will converge, by the eigenvalues of a sample of the rows; 0 for bad input, which engines
    name.

    After j passes a block of p columns is as near to the leading k directions as the best polynomial of degree j makes
    it, the Chebyshev polynomial on [0, lambda_{p+1}] (Saad, SIAM J. Numer. Anal. 17 (1980) 687). Its value grows by a factor of
    x + sqrt(x^2 - 1) with each, x = 2 lambda_k / lambda_{p+1} - 1. lambda_p stands for lambda_{p+1}.
    """
    largest = np.abs(sample).max()
    if not 0 < largest < np.inf:
        return 0
    tolerance, sample = TOLERANCE[sample.dtype], sample / largest
    sample = (sample - sample.mean(axis=0) if center else sample).astype(np.float32)
    with workers():  # no BLAS threads that spin into the engine's time
        image = sample @ first_block(sample, max(COLUMNS, k + 1)).astype(np.float32)
        values = np.linalg.eigvalsh((image.T @ image).astype(np.float64))
    x = 2 * values[-k] / max(values[0], np.finfo(float).tiny) - 1
    return float(np.log(1 / tolerance) / np.arccosh(x) + 1) if x > 1 else np.inf
