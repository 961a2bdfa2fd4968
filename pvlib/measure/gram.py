"""Second moments of rows and their eigenvectors: exact, one pass over the data, mergeable. Not for wide
resident matrices (`lanczos` needs fewer operations) and not for more than some 10,000 features (d x d numbers
are held).

Centring never copies the matrix and does not cancel: rows are shifted by the mean of the first block, and the
moments are corrected at the end by what little the true mean differs from it.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from .cautions import NoDirection
from .device import device_apply, device_moments
from .rows import Rows, largest_entry, raise_bad_entry, rows_all_equal, to_float
from .threads import workers

EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)
NARROW = 512  # features up to which workers with a Gram matrix each are faster than BLAS threads
SMALL = 1 << 20  # a matrix of fewer entries is multiplied in float64 from the start: it costs nothing


@dataclass
class Moments:
    """Sums over n rows x of (x - shift) and of its outer product, in float64; mergeable.

    `rounding` bounds the relative error of `gram` against `energy`, the sum of squares that went into it.
    `scale` (a power of 2) multiplied every entry.
    """

    shift: np.ndarray  # (d,)
    scale: float = 1.0
    sums: bool = True  # False: only the uncentred Gram matrix will be asked for
    n: int = 0
    total: np.ndarray = None  # type: ignore[assignment]  # (d,)
    gram: np.ndarray = None  # type: ignore[assignment]  # (d, d)
    rounding: float = 0.0

    def __post_init__(self):
        d = len(self.shift)
        self.total = np.zeros(d) if self.total is None else self.total
        self.gram = np.zeros((d, d)) if self.gram is None else self.gram

    @property
    def energy(self) -> float:
        return float(np.trace(self.gram))

    @property
    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean in two parts, whose sum would be rounded where the mean is large beside the deviations."""
        return self.shift, self.total / self.n

    def add(self, block: np.ndarray) -> None:
        """Add rows: float32 blocks are multiplied in float32, float64 ones in float64; the sums are float64."""
        block = block - self.shift.astype(block.dtype) if self.shift.any() else block
        self.gram += block.T @ block
        if self.sums:
            self.total += np.ones(len(block), block.dtype) @ block
        self.n += len(block)
        self.rounding = max(self.rounding, (len(block) + 4) * float(np.finfo(block.dtype).eps)) + EPS64

    def merge(self, other: "Moments") -> None:
        """Add the rows of another part, whatever its shift."""
        apart = other.shift - self.shift
        cross = np.outer(other.total, apart)
        self.gram += other.gram + cross + cross.T + other.n * np.outer(apart, apart)
        self.total += other.total + other.n * apart
        self.n += other.n
        self.rounding = max(self.rounding, other.rounding) + 4 * EPS64

    def second_moment(self, center: bool) -> np.ndarray:
        """(d, d) matrix F' F of the rows as given, or of the rows minus their mean."""
        if center:
            return self.gram - np.outer(self.total, self.total / self.n)
        if not self.shift.any():
            return self.gram
        cross = np.outer(self.total, self.shift)
        return self.gram + cross + cross.T + self.n * np.outer(self.shift, self.shift)


def block_rows(d: int) -> int:
    """Rows of one block in a Gram product: enough that adding d x d numbers costs little beside the product."""
    return max(256, (1 << 18) // d, min(d, 2048))


def moments(rows: Rows, *, shifted: bool, exact: bool = False, scale: float = 1.0) -> Moments:
    """One pass over the rows.

    shifted : subtract the first block's mean (needed for centring). exact : multiply float32 in float64 too.
    """
    with rows.reading("second moments"):
        return rows.merged(partial(part_moments, shifted=shifted, exact=exact, scale=scale), merged)


def merged(parts: list[Moments]) -> Moments:
    """The moments of all parts, which stay as they are."""
    first, *others = parts
    out = replace(first, total=first.total.copy(), gram=first.gram.copy())
    for other in others:
        out.merge(other)
    return out


def part_moments(rows: Rows, *, shifted: bool, exact: bool, scale: float) -> Moments:
    if rows.on_gpu:
        return gpu_moments(rows, shifted, exact, scale)
    if rows.resident and rows.d <= NARROW and rows.n * rows.d > SMALL:
        return threaded_moments(rows, shifted, exact, scale)
    out: Moments = None  # type: ignore[assignment]  # there is at least one block
    for _, block in rows.blocks(block_rows(rows.d) if rows.resident else None):
        block = scaled(block, exact, scale)
        if out is None:
            out = Moments(first_mean(block) if shifted else np.zeros(rows.d), scale, shifted)
        out.add(block)
    return out


def gpu_moments(rows: Rows, shifted: bool, exact: bool, scale: float) -> Moments:
    """The same of a tensor on the GPU that holds it."""
    size = max(4096, block_rows(rows.d))
    found = device_moments(rows, size, shifted=shifted, exact=exact, scale=scale)
    rounding = (min(size, rows.n) + 4) * found.pop("eps") + EPS64
    return Moments(scale=scale, sums=shifted, n=rows.n, rounding=rounding, **found)


def threaded_moments(rows: Rows, shifted: bool, exact: bool, scale: float) -> Moments:
    """The same with a share of the rows for each worker: BLAS gains little from threads on narrow blocks."""
    size = block_rows(rows.d)
    head = scaled(to_float(rows.matrix[:size]), exact, scale)
    shift = first_mean(head) if shifted else np.zeros(rows.d)

    def share(part: range) -> Moments:
        out = Moments(shift, scale, shifted)
        for start in part:
            stop = min(start + size, part.stop)
            out.add(scaled(to_float(rows.matrix[start:stop]), exact, scale))
            rows.advance(stop - start)
        return out

    with workers() as (run, count):
        out, *others = run(share, shares(rows.n, count, size))
    for other in others:
        out.merge(other)
    return out


def shares(n: int, count: int, size: int) -> list[range]:
    """Starts of the blocks of `size` rows, for each of `count` workers; `stop` is where its rows end."""
    cuts = np.linspace(0, n, count + 1).astype(int)
    return [range(cuts[i], cuts[i + 1], size) for i in range(count)]


def scaled(block: np.ndarray, exact: bool, scale: float) -> np.ndarray:
    block = block * block.dtype.type(scale) if scale != 1.0 else block
    return block.astype(np.float64) if exact else block


def first_mean(block: np.ndarray) -> np.ndarray:
    """Mean of a block, rounded to the block's precision, so that the subtraction of it is exact where it
    matters.
    """
    return block.mean(axis=0, dtype=np.float64).astype(block.dtype).astype(np.float64)


def sound_moments(rows: Rows, *, center: bool, exact: bool) -> Moments:
    """Moments with bad input named: NaN and Inf, zero matrices, equal rows; scaled where squares leave the
    range of floats.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        found = moments(rows, shifted=center, exact=exact)
    if not np.isfinite(found.energy) or not np.isfinite(found.total).all():
        raise_bad_entry(rows)
    low, high = (1e-280, 1e280) if exact else (1e-30, 1e30)
    mean_square = found.energy / found.n / rows.d
    if not low < mean_square < high:
        found = rescaled(rows, center)
    if center and found.energy - found.total @ found.total / found.n <= 1e-10 * found.energy and rows_all_equal(rows):
        raise NoDirection("all rows of features are equal: centred, nothing is left of them")
    return found


def rescaled(rows: Rows, center: bool) -> Moments:
    largest = largest_entry(rows)
    if largest == 0:
        raise NoDirection("features are all zero: a zero matrix has no P-vector (a dead layer?)")
    scale = 2.0 ** -np.floor(np.log2(largest))
    found = moments(rows, shifted=center, exact=True, scale=scale)
    if center and found.energy == 0:
        raise NoDirection("all rows of features are equal: centred, nothing is left of them")
    return found


def check_rows(n: int) -> None:
    if n < 2:
        raise ValueError(
            f"features have {n} row: a P-vector over one sample is always 1; at least two samples are needed"
        )


def check_k(k: int, n: int, d: int) -> None:
    if k > min(n, d):
        raise ValueError(f"k={k} singular vectors were asked of {n} x {d} features: k can be {min(n, d)} at most")


def eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, descending and not below 0, and eigenvectors (columns) of a symmetric matrix, float64."""
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    noise = len(values) * EPS64 * max(values[0], 0.0)
    return np.where(values > noise, values, 0.0), vectors


@dataclass
class Right:
    """Right singular vectors and what is known of their error, before they are applied to the rows."""

    vectors: np.ndarray  # (d, k)
    image: np.ndarray  # (d, k): the Gram matrix times the vectors
    values: np.ndarray  # squared singular values, all of them or k + 1, of the scaled rows
    total: float  # squared Frobenius norm of the scaled (centred) rows
    upper_error: float  # the (k+1)-th true value exceeds the computed one by this at most (Weyl)
    floor: float  # bound of the rounding in one product with the rows in float64
    centre: tuple[np.ndarray, np.ndarray] | None  # subtracted one after the other: the mean in two parts
    scale: float
    fast: bool = False  # float32 products suffice: the bound is then an estimate
    raw: float = 0.0  # squared Frobenius norm of the scaled rows, before they are centred
    passes: int = 1
    method: str = "gram"

    @property
    def resolution(self) -> float:
        """The smallest singular value that can be told from 0, in the units of the features."""
        return float(np.sqrt(self.upper_error + self.floor)) / self.scale


def gram_right(rows: Rows, *, center: bool, k: int, exact: bool) -> Right:
    """Top-k right singular vectors from the Gram matrix."""
    return right_of(sound_moments(rows, center=center, exact=exact), center=center, k=k)


def right_of(found: Moments, *, center: bool, k: int) -> Right:
    d = len(found.shift)
    check_rows(found.n)
    check_k(k, found.n, d)
    matrix = found.second_moment(center)
    values, vectors = eigen(matrix)
    energy = found.energy + 2 * found.n * float(found.shift @ found.shift) * (not center)
    return Right(
        vectors=vectors[:, :k],
        image=matrix @ vectors[:, :k],
        values=values,
        total=float(np.trace(matrix)),
        upper_error=found.rounding * energy + 4 * d * EPS64 * values[0],
        floor=(d + min(block_rows(d), found.n) + 16) * EPS64 * energy,
        centre=found.mean if center else None,
        scale=found.scale,
        raw=float(np.trace(matrix)) + found.n * float(np.sum(sum(found.mean) ** 2)) * center,
    )


def apply(rows: Rows, right: Right) -> tuple[np.ndarray, np.ndarray]:
    """One pass in float64: F V (n, k), and F' F V (d, k), of the scaled (centred) rows."""
    with rows.reading("left vectors"):
        parts = [found for _, found in rows.parts(partial(apply_to_part, right=right))]
    return np.concatenate([left for left, _ in parts]), sum(back for _, back in parts)


def apply_to_part(rows: Rows, right: Right) -> tuple[np.ndarray, np.ndarray]:
    if rows.on_gpu:
        size = block_rows(rows.d)  # which `right.floor` counts on
        return device_apply(rows, size, right.vectors, centre=right.centre or (), scale=right.scale)
    left = np.empty((rows.n, right.vectors.shape[1]))
    back = np.zeros_like(right.vectors)
    for start, block in rows.blocks():
        block = block.astype(np.float64)
        if right.scale != 1.0:
            block *= right.scale
        for part in right.centre or ():
            block -= part
        product = left[start : start + len(block)]
        np.matmul(block, right.vectors, out=product)
        back += block.T @ product
    return left, back


def apply_fast(rows: Rows, right: Right) -> tuple[np.ndarray, np.ndarray]:
    """The same with F V in float32 by all workers, and F'F V from the Gram matrix; not for means far above the rest."""
    columns, left = right.vectors.astype(np.float32), np.empty((rows.n, right.vectors.shape[1]), np.float32)
    if columns.shape[1] == 1:
        columns, left = columns[:, 0], left[:, 0]  # a matrix-vector product, which is faster

    def share(part: range) -> None:
        for start in part:
            stop = min(start + part.step, part.stop)
            np.matmul(to_float(rows.matrix[start:stop]), columns, out=left[start:stop])
            rows.advance(stop - start)

    with rows.reading("left vectors"), workers() as (run, count):
        run(share, shares(rows.n, count, max(16, (1 << 20) // rows.d)))
    wide = left.astype(np.float64).reshape(rows.n, -1)
    return (wide - wide.mean(axis=0) if right.centre else wide), right.image


def dual_moments(rows: Rows, *, center: bool) -> tuple[np.ndarray, float]:
    """(n, n) matrix F F' of the (centred) rows in float64 from blocks of columns, and the scale of the rows."""
    largest = largest_entry(rows)
    if not np.isfinite(largest):
        raise_bad_entry(rows)
    if largest == 0:
        raise NoDirection("features are all zero: a zero matrix has no P-vector (a dead layer?)")
    scale = 2.0 ** -np.floor(np.log2(largest))
    matrix = np.zeros((rows.n, rows.n))
    width = max(256, (1 << 18) // rows.n)
    for first in range(0, rows.d, width):
        block = rows.columns(first, first + width).astype(np.float64) * scale
        if center:
            block -= block[:1]  # exact where rows are equal, and harmless elsewhere
            block -= block.mean(axis=0)
        matrix += block @ block.T
    if center and not matrix.any():
        raise NoDirection("all rows of features are equal: centred, nothing is left of them")
    return matrix, scale


def dual_rounding(rows: Rows, matrix: np.ndarray) -> float:
    """Bound of the rounding in the eigenvalues of an (n, n) matrix F F'."""
    return (rows.d + rows.n) * EPS64 * float(np.trace(matrix))


def top_right(rows: Rows, *, center: bool, rank: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Coordinates (n, r) of the (centred) rows in their top r <= rank right directions, r singular values, and what
    the smallest of these that could be told from 0 would be.
    """
    if rows.resident and rows.n < rows.d:
        check_rows(rows.n)
        matrix, scale = dual_moments(rows, center=center)
        values, vectors = eigen(matrix)
        r = max(1, min(rank, int((values > 0).sum())))
        sigmas = np.sqrt(values[:r])
        return vectors[:, :r] * sigmas / scale, sigmas / scale, np.sqrt(dual_rounding(rows, matrix)) / scale
    found = sound_moments(rows, center=center, exact=True)
    right = right_of(found, center=center, k=min(rank, found.n, rows.d))
    r = max(1, int((right.values[: right.vectors.shape[1]] > 0).sum()))
    return apply(rows, right)[0][:, :r] / found.scale, np.sqrt(right.values[:r]) / found.scale, right.resolution


def stacked(rows: Rows) -> Rows:
    """Batches joined into one resident matrix, and read once more: they might come in another order each time."""
    if rows.resident:
        return rows
    matrix = np.concatenate([block for _, block in rows.blocks()])
    rows.read_again()
    return Rows(matrix=matrix, n=matrix.shape[0], d=matrix.shape[1])
