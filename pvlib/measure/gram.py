"""The engines by Gram matrices: F'F of d x d (one reading, any kind of rows) and F F' of n x n. They hold d x d
(or n x n) numbers: 800 MB for 10,000 features.
"""

from collections.abc import Iterator

import numpy as np

from .cautions import NoDirection
from .moments import Moments, power_of_two
from .rows import ArrayRows, Rows
from .threads import quiet

ALL_ZERO = "features are all zero: a zero matrix has no P-vector (a dead layer?)"
ALL_EQUAL = "all rows of features are equal: centred, nothing is left of them"
MODERATE = 2.0**-100, 2.0**100  # entries between these have fourth powers inside the range of float64


def check_rows(n: int) -> None:
    if n < 2:
        raise ValueError(
            f"features have {n} row: a P-vector over one sample is always 1; at least two samples are needed"
        )


def check_k(k: int, n: int, d: int) -> None:
    if k > min(n, d):
        raise ValueError(f"k={k} singular vectors were asked of {n} x {d} features: k can be {min(n, d)} at most")


def sound_scale(rows: Rows) -> float:
    """The power of 2 that brings the largest entry near 1, with bad input named: NaN and Inf, zero matrices."""
    found = rows.survey()
    found.refuse_bad()
    if found.largest == 0:
        raise NoDirection(ALL_ZERO)
    return power_of_two(found.largest)


def sound_moments(rows: Rows, *, center: bool, exact: bool) -> Moments:
    """Moments with bad input named: NaN and Inf, zero matrices, equal rows; scaled where squares leave the range of
    floats.
    """
    with quiet():
        found = rows.moments(shifted=center, exact=exact)
    low, high = (1e-280, 1e280) if found.exact else (1e-30, 1e30)
    fine = np.isfinite(found.energy) and np.isfinite(found.total).all()
    if not (fine and low < found.energy / found.n / len(found.shift) < high):
        found = rows.moments(shifted=center, exact=True, scale=sound_scale(rows))
    left = found.energy - found.total @ found.total / found.n
    if center and (found.energy == 0 or (left <= 1e-10 * found.energy and rows.survey().common is not None)):
        raise NoDirection(ALL_EQUAL)
    check_rows(found.n)
    return found


def dual_columns(n: int) -> int:
    """Columns that are multiplied at once."""
    return max(256, (1 << 18) // n)


def dual_moments(rows: ArrayRows, *, center: bool) -> tuple[np.ndarray, float]:
    """(n, n) matrix F F' of the (centred) rows in float64 from blocks of columns, and the scale of the rows."""
    scale, matrix, width = sound_scale(rows), np.zeros((rows.n, rows.n)), dual_columns(rows.n)

    def blocks() -> Iterator[np.ndarray]:
        for first in range(0, rows.d, width):
            block = rows.columns(first, first + width).astype(np.float64)
            yield block - block[:1] if center else block  # exact where rows are equal, and harmless elsewhere

    if center and scale < 2.0**-500:  # of features that do not vary, perhaps
        with rows.reading("deviations"):
            scale = power_of_two(max(np.abs(block).max() for block in blocks()) or 1.0)
    with rows.reading("products of rows"):
        for block in blocks():
            block *= scale
            if center:
                block -= block.mean(axis=0)
            matrix += block @ block.T
    if center and not matrix.any():
        raise NoDirection(ALL_EQUAL)
    return matrix, scale


def within(scaled: np.ndarray, scale: float) -> np.ndarray:
    """Back in the units of the features; ValueError where these are beyond the range of float64."""
    if scale == 1.0:
        return scaled
    with quiet():
        found = scaled / scale
    if not np.isfinite(found).all():
        raise ValueError(
            f"features hold entries near {1 / scale:.0e}, and their singular values are beyond the range of float64 "
            "(1.8e308): divide the features by a constant, which changes no P-vector"
        )
    return found


def stacked(rows: Rows) -> ArrayRows:
    """The whole matrix here, for measures that do not depend on its scale: scaled where its fourth powers would leave the
    range of float64.
    """
    rows = rows.whole()
    if not rows.moderate:
        largest = rows.survey().largest
        if 0 < largest < np.inf and not MODERATE[0] < largest < MODERATE[1]:
            rows = ArrayRows(rows.columns(0, rows.d).astype(np.float64) * power_of_two(largest), rows)
        rows.moderate = True
    return rows
