"""Block Krylov for wide matrices: a handful of reads of the matrix instead of d operations on every entry.

One product F'(F Q) with a block of p columns costs hardly more than with one, and is done chunk by chunk while the
chunk is in the cache: float32 inside a chunk, float64 between chunks. The basis is kept orthogonal in full, and
Rayleigh-Ritz is done over all of it. Not for narrow matrices or streams (`gram`); its gap is an estimate.

Source: Golub & Underwood, The block Lanczos method (1977); Musco & Musco, Randomized block Krylov methods (2015).
"""

from dataclasses import dataclass

import numpy as np

from .angles import PROMISED
from .bounds import EPS32, image_rounding, norm
from .cautions import NoDirection
from .gram import ALL_EQUAL, sound_scale
from .rows import ArrayRows
from .threads import quiet, workers

CHUNK = 1 << 15  # entries of a chunk (32 rows at least): 128 KB of float32, well inside a core's cache
GROUP = 16  # chunks that one call of NumPy multiplies: threads that come back to Python after each would wait for it
KERNEL = 900_000  # entries times columns of a chunk, below which OpenBLAS multiplies without packing, twice as fast
SAMPLE = 1 << 17  # entries of the rows that the first block comes from
COLUMNS = 4  # of a block; k + 1 where that is more
KEPT = 1 << 28  # bytes of F Q that are kept for the left vectors; where they would be more, the rows are read again
SETTLED = 0.25  # relative error of the (k+1)-th eigenvalue: an eighth of the singular value, in practice a few percent
SINGLE = 126  # exponent of a power of 2 that float32 holds, and its reciprocal
PASSES = 40  # then the spectrum is so flat that the Gram matrix is cheaper
TOLERANCE = {np.dtype(np.float32): 0.8 * PROMISED, np.dtype(np.float64): 1e-8}  # radians, by the type of the entries
EARLY = 3  # passes before the rate of convergence is judged


@dataclass
class Start:
    """What a sample of the rows tells before all of them are read."""

    scale: float  # a power of 2 that every entry is multiplied by
    shift: np.ndarray | None  # subtracted from every scaled row, where the mean is large beside the deviations
    mean: np.ndarray  # of the scaled and shifted rows; 0 where they are not centred
    block: np.ndarray  # (d, columns) orthonormal: rough top right directions
    values: np.ndarray  # rough squared singular values in these directions, ascending

    @classmethod
    def of(cls, rows: ArrayRows, *, center: bool, columns: int) -> "Start":
        sample, own = rows.every(SAMPLE), rows.dtype
        scale = 1.0 if 1e-6 < max(sample.max(), -sample.min()) < 1e6 else scale_of_all(rows)
        sample, mean, shift = sample * own.type(scale), np.zeros(rows.d), None
        if center:
            mean = sample.mean(axis=0, dtype=np.float64)
            sample -= mean.astype(own)
            if (mean @ mean) * len(sample) > 100 * np.vdot(sample, sample):
                shift = mean.astype(own)
                mean = mean - shift
        sample = (sample / (max(sample.max(), -sample.min()) or 1.0)).astype(np.float32)
        rng = np.random.default_rng(0)
        block = random = rng.standard_normal((rows.d, min(columns, rows.n, rows.d)), dtype=np.float32)
        for _ in range(3):  # steps of subspace iteration
            block = np.linalg.qr(sample.T @ (sample @ block) + np.float32(1e-6) * random)[0]
        image = sample @ block
        block = np.linalg.qr(block.astype(np.float64))[0]
        return cls(scale, shift, mean, block, np.linalg.eigvalsh((image.T @ image).astype(np.float64)))


def scale_of_all(rows: ArrayRows) -> float:
    scale = sound_scale(rows)
    return float(np.clip(scale, 2.0**-SINGLE, 2.0**SINGLE)) if rows.dtype == np.float32 else scale


class Product:
    """F'(F Q) of the scaled, shifted rows, centred if `center`; the products inside a chunk in `dtype`."""

    def __init__(self, rows: ArrayRows, start: Start, *, center: bool, exact: bool):
        self.rows, self.center = rows, center
        self.dtype = np.float64 if exact else rows.dtype.type
        self.scale, self.shift = start.scale, start.shift
        self.mean = start.mean  # of a sample at first, of all rows after the first pass
        self.energy = self.raw = 0.0  # squared Frobenius norm of the scaled rows; `raw`: before they are centred
        self.passes = 0
        self.kept: list | None = []  # F Q of the passes, or None where that is too much to keep

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
        (n, d), p, first = (self.rows.n, self.rows.d), block.shape[1], not self.passes
        summing = self.center and first
        full = np.column_stack([block, np.zeros(d)]) if summing else block
        columns, offset = full.astype(self.dtype), (self.mean @ full).astype(self.dtype)
        left, step = np.empty((n, full.shape[1]), self.dtype), GROUP * chunk_rows(d, full.shape[1])
        with self.rows.reading(f"Krylov pass {self.rows.passes + 1}"):
            parts = self.rows.shared(step, lambda rows: self.share(rows, columns, offset, left))
        back = sum(part[0] for part in parts)
        if first:
            self.energy = self.raw = sum(part[1] for part in parts)
            if not (np.isfinite(back).all() and np.isfinite(self.energy)):
                self.scale_down()
                return self(block)
        if summing:
            back, total = back[:, :p], back[:, p]
            back -= np.outer(total, (total / n - self.mean) @ block)
            self.mean = total / n
            self.energy -= float(total @ total) / n
            if self.energy <= 1e-5 * self.raw and self.rows.survey().common is not None:
                raise NoDirection(ALL_EQUAL)
        self.passes += 1
        if self.kept is not None:
            self.kept.append(left[:, :p])
            self.kept = None if sum(each.nbytes for each in self.kept) > KEPT else self.kept
        return back

    def scale_down(self) -> None:
        """By all entries, where that of a sample would not do; ValueError where one of them is not finite."""
        scale = scale_of_all(self.rows) / self.scale
        self.scale, self.mean = self.scale * scale, self.mean * scale
        self.shift = None if self.shift is None else self.shift * self.dtype(scale)

    def left(self, basis: np.ndarray, top: np.ndarray) -> np.ndarray:
        """F V (n, k) float64, V = basis @ top: from the products that were kept, or by one read more."""
        if self.kept is None:
            self.kept = []
            self(basis @ top)
            left = self.kept.pop().astype(np.float64)
        else:
            parts = np.split(top, np.cumsum([kept.shape[1] for kept in self.kept])[:-1])
            left = sum(kept @ part.astype(kept.dtype) for kept, part in zip(self.kept, parts, strict=True))
        return left - left.mean(axis=0) if self.center else left

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
    product: Product  # and what it has learnt of the rows
    converged: bool = True
    hopeless: bool = False  # another engine is cheaper


def krylov(
    rows: ArrayRows, *, center: bool, k: int, tolerance: float, exact: bool, start: Start, block=None, worth=np.inf
) -> Krylov:
    """Top-k singular vectors to about `tolerance` radians.

    exact : multiply in float64. block : (d, columns) to begin with, in place of that of `start`. worth : passes that another
    engine would cost; where more seem to be needed, this one is `hopeless`. `converged` is False where that or the rounding
    of float32 stopped it.
    """
    basis = images = np.empty((rows.d, 0))
    missing: list[float] = []  # powers of e by which the error is too large
    product = Product(rows, start, center=center, exact=exact)
    block = start.block if block is None else np.linalg.qr(block)[0]
    with workers(), quiet():
        while True:
            image = product(block)
            basis, images = np.hstack([basis, block]), np.hstack([images, image])
            values, coordinates = ritz(basis, images)
            noise, top = product.rounding * values[0], coordinates[:, :k]
            residual = norm(images @ top - basis @ (top * values[:k]))
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
    right = basis @ coordinates[:, : start.block.shape[1]]
    values = np.append(values, 0.0)[: k + 1]
    return Krylov(left, right, values, residual, float(noise), product, bool(reached), hopeless)


def passes_left(missing: list[float]) -> float:
    """Passes that are still needed, by the rate of convergence so far."""
    if len(missing) <= EARLY or missing[-1] <= 0:
        return 0.0
    gain = (missing[-EARLY] - missing[-1]) / (EARLY - 1)
    return missing[-1] / gain if gain > 0 else np.inf


def randomized(rows: ArrayRows, *, center: bool, k: int, oversampling: int = 10, powers: int = 2) -> Krylov:
    """Randomised subspace iteration with a Gaussian start; Halko, Martinsson & Tropp, SIAM Review 53 (2011) 217.

    Not where the gap is small: its error after q powers falls as (sigma_2 / sigma_1)^(2 q), whatever the digits.
    """
    image = np.random.default_rng(0).standard_normal((rows.d, min(k + oversampling, rows.n, rows.d)))
    with workers(), quiet():
        product = Product(rows, Start.of(rows, center=center, columns=1), center=center, exact=False)
        for _ in range(powers + 1):
            basis, product.kept = np.linalg.qr(image)[0], []
            image = product(basis)
        values, coordinates = ritz(basis, image)
        top = coordinates[:, :k]
        left = product.left(basis, top)
    residual = norm(image @ top - basis @ (top * values[:k]))
    values = np.append(values, 0.0)[: k + 1]
    return Krylov(left, basis @ top, values, residual, product.rounding * values[0], product)


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
