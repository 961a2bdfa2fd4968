"""Block Krylov for wide matrices: a handful of reads of the matrix instead of d operations on every entry.

One product F'(F Q) with a block of p columns costs hardly more than with one, and is done chunk by chunk while the
chunk is in the cache: float32 inside a chunk, float64 between chunks. The basis is kept orthogonal in full, and
Rayleigh-Ritz is done over all of it. Not for narrow matrices or streams (`gram`); its gap is an estimate.

Source: Golub & Underwood, The block Lanczos method (1977); Musco & Musco, Randomized block Krylov methods (2015).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np

from .angles import PROMISED
from .bounds import EPS32, image_rounding
from .cautions import NoDirection
from .gram import ALL_EQUAL, sound_scale
from .rows import ArrayRows
from .threads import workers

CHUNK = 1 << 15  # entries of a chunk (32 rows at least): 128 KB of float32, well inside a core's cache
GROUP = 16  # chunks that one call of NumPy multiplies: threads that come back to Python after each would wait for it
KERNEL = 900_000  # entries times columns of a chunk, below which OpenBLAS multiplies without packing, twice as fast
SAMPLE = 1 << 18  # entries of the rows that the first block comes from
COLUMNS = 4  # of a block; k + 1 where that is more
KEPT = 1 << 28  # bytes of F Q that are kept for the left vectors; where they would be more, the rows are read again
SETTLED = 0.25  # relative error of the (k+1)-th eigenvalue: an eighth of the singular value, in practice a few percent
SINGLE = 126  # exponent of a power of 2 that float32 holds, and its reciprocal
PASSES = 40  # then the spectrum is so flat that the Gram matrix is cheaper
TOLERANCE = {np.dtype(np.float32): 0.8 * PROMISED, np.dtype(np.float64): 1e-8}  # radians, by the type of the entries
EARLY = 3  # passes before the rate of convergence is judged


class OutOfRange(ArithmeticError):
    """Products that left the range of floats, though every entry is finite."""


@dataclass
class Product:
    """F'(F Q) of the scaled, shifted rows; centred if `center`."""

    rows: ArrayRows
    center: bool
    dtype: Any  # of the products inside a chunk
    scale: float
    shift: np.ndarray | None  # subtracted from every scaled chunk, where the mean is large beside the deviations
    mean: np.ndarray  # of the scaled and shifted rows: of a sample at first, of all after the first pass
    energy: float = 0.0  # squared Frobenius norm of the scaled (centred) rows
    raw: float = 0.0  # the same before centring
    passes: int = 0
    kept: list | None = field(default_factory=list)  # F Q of the passes, or None where that is too much to keep

    def chunk(self, first: int, last: int) -> np.ndarray:
        block = self.rows.block(first, last).astype(self.dtype, copy=False)
        block = block * block.dtype.type(self.scale) if self.scale != 1 else block
        return block - self.shift if self.shift is not None else block

    def share(self, rows: range, columns: np.ndarray, offset: np.ndarray, left: np.ndarray):
        """One worker's part: F'(F Q - offset), and in the first pass the sum of squares.

        Where the column sums are still unknown, the last column of F Q is replaced by ones.
        """
        back, energy, size = np.zeros(columns.shape[::-1]), 0.0, rows.step // GROUP
        shifted, ones = offset.any(), self.center and not self.passes
        for start in rows:
            stop = min(start + rows.step, rows.stop)
            block, product = self.chunk(start, stop), left[start:stop]
            chunks = list(zip(in_chunks(block, size), in_chunks(product, size), strict=True))
            for part, result in chunks:
                np.matmul(part, columns, out=result)
            if shifted:
                product -= offset
            if ones:
                product[:, -1] = 1.0
            for part, result in chunks:
                back += np.matmul(result.transpose(0, 2, 1), part).sum(axis=0, dtype=np.float64)
            self.rows.advance(stop - start)
            if not self.passes:
                energy += sum(squares(part) for part, _ in chunks)
        return back.T, energy

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """(d, p) float64 product with an orthonormal block (d, p): one read of the matrix."""
        (n, d), p, summing = (self.rows.n, self.rows.d), block.shape[1], self.center and not self.passes
        if summing:
            block = np.column_stack([block, np.zeros(d)])
        columns, offset = block.astype(self.dtype), (self.mean @ block).astype(self.dtype)
        left = np.empty((n, block.shape[1]), self.dtype)
        step = GROUP * chunk_rows(d, block.shape[1])
        with self.rows.reading(f"Krylov pass {self.passes + 1}"):
            parts = self.rows.shared(step, lambda rows: self.share(rows, columns, offset, left))
        back = sum(part[0] for part in parts)
        self.keep(left[:, :p])
        if not self.passes:
            self.energy = self.raw = sum(part[1] for part in parts)
        if summing:
            back, total = back[:, :p], back[:, p]
            back -= np.outer(total, (total / n - self.mean) @ block[:, :p])
            self.mean = total / n
            self.energy -= float(total @ total) / n
        if not self.passes:
            self.check(back)
        self.passes += 1
        return back

    def check(self, image: np.ndarray) -> None:
        if not (np.isfinite(image).all() and np.isfinite(self.energy)):
            self.rows.survey().refuse_bad()
            raise OutOfRange
        if self.center and self.energy <= 1e-5 * self.raw and self.rows.survey().common is not None:
            raise NoDirection(ALL_EQUAL)

    def keep(self, left: np.ndarray) -> None:
        if self.kept is not None:
            self.kept.append(left)
            if sum(each.nbytes for each in self.kept) > KEPT:
                self.kept = None

    def left(self, basis: np.ndarray, top: np.ndarray) -> np.ndarray:
        """F V (n, k) float64, V = basis @ top: from the products that were kept, or by one read more."""
        if self.kept is None:
            left = self.project(basis @ top)
        else:
            parts = np.split(top, np.cumsum([kept.shape[1] for kept in self.kept])[:-1])
            left = np.zeros((self.rows.n, top.shape[1]))
            for kept, part in zip(self.kept, parts, strict=True):
                left += kept @ part.astype(kept.dtype)
        return left - left.mean(axis=0) if self.center else left

    def project(self, right: np.ndarray) -> np.ndarray:
        columns, offset = right.astype(self.dtype), (self.mean @ right).astype(self.dtype)
        left = np.empty((self.rows.n, right.shape[1]))

        def share(rows: range) -> None:
            for start in rows:
                stop = min(start + rows.step, rows.stop)
                left[start:stop] = self.chunk(start, stop) @ columns - offset
                self.rows.advance(stop - start)

        with self.rows.reading("left vectors"):
            self.rows.shared(max(16, CHUNK // self.rows.d), share)
        return left

    @property
    def rounding(self) -> float:
        """Of one product F'(F q) beside the largest eigenvalue: a bound in float64, what is seen in float32."""
        d = self.rows.d
        return image_rounding(d, max(16, CHUNK // d)) if self.dtype == np.float64 else EPS32


@dataclass
class Krylov:
    """Top-k vectors, squared sigmas (k + 1), and the estimate of their error, of the scaled rows."""

    left: np.ndarray  # (n, k), not yet normalised
    right: np.ndarray  # (d, columns), to go on from
    values: np.ndarray
    residual: float  # |F'F V - V lambda|
    noise: float  # rounding of it
    converged: bool
    hopeless: bool  # another engine is cheaper
    product: Product  # and what it has learnt of the rows

    @property
    def scale(self) -> float:
        return self.product.scale


def in_range(engine: Callable) -> Callable:
    """Again with the scale of all entries, where that of a sample would not do."""

    @wraps(engine)
    def call(rows: ArrayRows, **options) -> Krylov:
        try:
            return engine(rows, **options)
        except OutOfRange:
            return engine(rows, **options, scale=sound_scale(rows))

    return call


@in_range
def krylov(
    rows: ArrayRows, *, center: bool, k: int, tolerance: float, exact: bool, start=None, worth=np.inf, scale=None
) -> Krylov:
    """Top-k singular vectors to about `tolerance` radians.

    exact : multiply in float64. start : (d, columns) to begin with. worth : passes that another engine would cost; where
    more seem to be needed, this one is `hopeless`. `converged` is False where that or the rounding of float32 stopped it.
    """
    columns = min(max(COLUMNS, k + 1), rows.n, rows.d)
    basis = images = np.empty((rows.d, 0))
    missing: list[float] = []  # powers of e by which the error is too large
    with workers(), np.errstate(over="ignore", invalid="ignore"):
        product, block = prepared(rows, center, columns, exact, scale)
        block = block if start is None else np.linalg.qr(start)[0]
        while True:
            image = product(block)
            basis, images = np.hstack([basis, block]), np.hstack([images, image])
            values, coordinates = ritz(basis, images)
            noise, top = product.rounding * values[0], coordinates[:, :k]
            residual = float(np.linalg.norm(images @ top - basis @ (top * values[:k]), 2))
            block = next_block(basis, image, noise)
            following = values[k] if len(values) > k else 0.0  # the space is then k-dimensional
            error = (residual + noise) * np.sqrt(following)
            allowed = tolerance * (values[k - 1] - following) * np.sqrt(values[k - 1])
            reached = error <= allowed and settled(basis, images, values, coordinates, k, noise)
            missing.append(float(np.log(error / allowed)) if error > 0 and allowed > 0 else 0.0)
            hopeless = not reached and (product.passes >= PASSES or passes_left(missing) > worth)
            if reached or hopeless or residual < noise or block.shape[1] == 0:
                break
        left = product.left(basis, top) if reached else np.empty((rows.n, 0))
        product.kept = None
    values = np.append(values, 0.0)[: k + 1]
    return Krylov(
        left, basis @ coordinates[:, :columns], values, residual, float(noise), bool(reached), hopeless, product
    )


def passes_left(missing: list[float]) -> float:
    """Passes that are still needed, by the rate of convergence so far."""
    if len(missing) <= EARLY or missing[-1] <= 0:
        return 0.0
    gain = (missing[-EARLY] - missing[-1]) / (EARLY - 1)
    return missing[-1] / gain if gain > 0 else np.inf


@in_range
def randomized(rows: ArrayRows, *, center: bool, k: int, oversampling: int = 10, powers: int = 2, scale=None) -> Krylov:
    """Randomised subspace iteration with a Gaussian start; Halko, Martinsson & Tropp, SIAM Review 53 (2011) 217.

    Not where the gap is small: its error after q powers falls as (sigma_2 / sigma_1)^(2 q), whatever the digits.
    """
    image = np.random.default_rng(0).standard_normal((rows.d, min(k + oversampling, rows.n, rows.d)))
    with workers(), np.errstate(over="ignore", invalid="ignore"):
        product, _ = prepared(rows, center, 1, False, scale)
        for _ in range(powers + 1):
            basis, product.kept = np.linalg.qr(image)[0], []
            image = product(basis)
        values, coordinates = ritz(basis, image)
        top = coordinates[:, :k]
        left = product.left(basis, top)
    residual = float(np.linalg.norm(image @ top - basis @ (top * values[:k]), 2))
    values = np.append(values, 0.0)[: k + 1]
    return Krylov(left, basis @ top, values, residual, product.rounding * values[0], True, False, product)


def chunk_rows(d: int, columns: int) -> int:
    return max(32, min(CHUNK, KERNEL // columns) // d)


def in_chunks(matrix: np.ndarray, size: int) -> list[np.ndarray]:
    """Stacks (chunks, rows, columns) of a matrix: all whole chunks of `size` rows, and the rows that are left."""
    whole = len(matrix) // size * size
    stacks = [matrix[:whole].reshape(-1, size, matrix.shape[1]), matrix[None, whole:]]
    return [stack for stack in stacks if stack.size]


def squares(stack: np.ndarray) -> float:
    """Sum of squares of a stack: products in its own precision inside a chunk, added up in float64."""
    flat = stack.reshape(len(stack), -1)
    return float(np.matmul(flat[:, None, :], flat[:, :, None]).sum(dtype=np.float64))


def prepared(
    rows: ArrayRows, center: bool, columns: int, exact: bool, scale: float | None
) -> tuple[Product, np.ndarray]:
    """The product with scale and shift chosen from a sample of rows, and a first block from the same sample."""
    own = rows.dtype
    sample = rows.every(SAMPLE).astype(np.float64)
    if scale is None:
        scale = 1.0 if 1e-6 < np.abs(sample).max() < 1e6 else sound_scale(rows)
    if own == np.float32:
        scale = float(np.clip(scale, 2.0**-SINGLE, 2.0**SINGLE))
    sample *= scale
    mean, shift = sample.mean(axis=0), None
    sample -= mean
    if center and (mean @ mean) * len(sample) > 100 * np.vdot(sample, sample):
        shift = mean.astype(own)
        sample += mean - shift
        mean = mean - shift
    elif not center:
        sample += mean
    largest = np.abs(sample).max() or 1.0
    product = Product(rows, center, np.float64 if exact else own.type, scale, shift, mean * center)
    return product, first_block((sample / largest).astype(np.float32), columns)


def first_block(sample: np.ndarray, columns: int) -> np.ndarray:
    """Orthonormal (d, p): rough top right directions of the sampled rows, by a few steps of subspace iteration."""
    rng = np.random.default_rng(0)
    random = rng.standard_normal((sample.shape[1], columns), dtype=np.float32)
    block = random
    for _ in range(3):
        block = np.linalg.qr(sample.T @ (sample @ block) + np.float32(1e-6) * random)[0]
    return np.linalg.qr(block.astype(np.float64))[0]


def settled(basis, images, values, coordinates, k: int, noise: float) -> bool:
    """Whether the (k+1)-th Ritz value is near an eigenvalue, or no more than rounding."""
    if len(values) <= k or values[k] <= noise:
        return True
    following = coordinates[:, k]
    return bool(np.linalg.norm(images @ following - basis @ (following * values[k])) <= SETTLED * values[k])


def ritz(basis: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values, descending and not below 0, and coordinates of Ritz vectors."""
    small = basis.T @ images
    values, coordinates = np.linalg.eigh((small + small.T) / 2)
    return np.maximum(values[::-1], 0.0), coordinates[:, ::-1]


def next_block(basis: np.ndarray, image: np.ndarray, noise: float) -> np.ndarray:
    """The newest images made orthonormal to the basis; directions that are only rounding are dropped."""
    fresh = image - basis @ (basis.T @ image)
    fresh -= basis @ (basis.T @ fresh)
    left, sizes, _ = np.linalg.svd(fresh, full_matrices=False)
    left = left[:, sizes > noise][:, : basis.shape[0] - basis.shape[1]]
    left = left - basis @ (basis.T @ left)
    return np.linalg.qr(left)[0]
