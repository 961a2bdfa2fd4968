"""Block Krylov for wide resident matrices: a handful of reads of the matrix instead of d operations on every entry.

One product F'(F Q) with a block of p columns costs hardly more than with one, and is done chunk by chunk while the
chunk is in the cache: float32 inside a chunk, float64 between chunks. The basis is kept orthogonal in full, and
Rayleigh-Ritz is done over all of it. Not for narrow matrices or streams (`gram`); its gap is an estimate.

Source: Golub & Underwood, The block Lanczos method (1977); Musco & Musco, Randomized block Krylov methods (2015).
"""

from dataclasses import dataclass, field

import numpy as np

from .cautions import NoDirection
from .gram import EPS32, EPS64, shares
from .rows import Rows, largest_entry, raise_bad_entry, rows_all_equal, to_float
from .threads import workers

CHUNK = 1 << 15  # entries of a chunk (32 rows at least): 128 KB of float32, well inside a core's cache
GROUP = 16  # chunks that one call of NumPy multiplies: threads that come back to Python after each would wait for it
KERNEL = 900_000  # entries times columns of a chunk, below which OpenBLAS multiplies without packing, twice as fast
SAMPLE = 1 << 18  # entries of the rows that the first block comes from
COLUMNS = 4  # of a block; k + 1 where that is more
KEPT = 1 << 28  # bytes of F Q that are kept for the left vectors; where they would be more, the rows are read again
FLAT = (
    0.3  # of the first Ritz value is the last one of a block where the spectrum is so flat that it takes some 7 passes
)
SETTLED = 0.25  # relative error of the (k+1)-th eigenvalue: an eighth of the singular value, in practice a few percent
PASSES = 40  # then the spectrum is so flat that the Gram matrix is cheaper


@dataclass
class Product:
    """F'(F Q) of the scaled, shifted rows; centred if `center`. Counts its reads of the matrix."""

    rows: Rows
    center: bool
    scale: float
    shift: np.ndarray | None  # subtracted from every chunk, where the mean is large beside the deviations
    mean: np.ndarray  # scaled, of the shifted rows: of a sample at first, of all after the first pass
    exact: bool = False  # upcast every chunk to float64
    energy: float = 0.0  # squared Frobenius norm of the scaled (centred) rows
    raw_energy: float = 0.0  # the same before centring
    passes: int = 0
    kept: list | None = field(default_factory=list)  # F Q of the passes, or None where that is too much to keep

    @property
    def dtype(self):
        return np.float64 if self.exact or self.rows.is_double else np.float32

    def chunk(self, first: int, last: int, dtype) -> np.ndarray:
        block = to_float(self.rows.matrix[first:last])
        if self.shift is not None:
            return np.subtract(block, self.shift, dtype=dtype)
        return block.astype(dtype, copy=False)

    def share(self, rows: range, columns: np.ndarray, offset: np.ndarray, left: np.ndarray):
        """One worker's part: F'(F Q - offset), and in the first pass the sum of squares.

        Where the column sums are still unknown, the last column of F Q is replaced by ones.
        """
        back, energy, first = np.zeros(columns.shape[::-1]), 0.0, self.passes == 0
        shifted, ones = offset.any(), first and self.center
        for start in rows:
            stop = min(start + rows.step, rows.stop)
            block, product = self.chunk(start, stop, columns.dtype), left[start:stop]
            chunks = list(
                zip(in_chunks(block, rows.step // GROUP), in_chunks(product, rows.step // GROUP), strict=True)
            )
            for part, result in chunks:
                np.matmul(part, columns, out=result)
            if shifted:
                product -= offset
            if ones:
                product[:, -1] = 1.0
            for part, result in chunks:
                back += np.matmul(result.transpose(0, 2, 1), part).sum(axis=0, dtype=np.float64)
            self.rows.advance(stop - start)
            if first:
                energy += sum(squares(part, self.scale) for part, _ in chunks)
        return back.T, energy

    def __call__(self, run, count: int, block: np.ndarray) -> np.ndarray:
        """(d, p) float64 product with an orthonormal block (d, p): one read of the matrix."""
        (n, d), p, first = (self.rows.n, self.rows.d), block.shape[1], self.passes == 0
        if first and self.center:
            block = np.column_stack([block, np.zeros(d)])
        columns, offset = (block * self.scale).astype(self.dtype), (self.mean @ block).astype(self.dtype)
        left = np.empty((n, block.shape[1]), self.dtype)
        step = GROUP * max(32, min(CHUNK, KERNEL // block.shape[1]) // d)
        with self.rows.reading(f"Krylov pass {self.passes + 1}"):
            parts = run(lambda rows: self.share(rows, columns, offset, left), shares(n, count, step))
        back = sum(part[0] for part in parts) * self.scale
        self.passes += 1
        self.keep(left[:, :p])
        if first:
            self.energy = self.raw_energy = sum(part[1] for part in parts)
        if first and self.center:
            back, total = back[:, :p], back[:, p]
            back -= np.outer(total, (total / n - self.mean) @ block[:, :p])
            self.mean = total / n
            self.energy -= float(total @ total) / n
        return back

    def keep(self, left: np.ndarray) -> None:
        if self.kept is not None:
            self.kept.append(left)
            if sum(each.nbytes for each in self.kept) > KEPT:
                self.kept = None

    def project(self, run, count: int, right: np.ndarray) -> np.ndarray:
        """F V (n, k) of the scaled, shifted rows, minus the mean of the first pass: one read of the matrix more."""
        columns, offset = (right * self.scale).astype(self.dtype), (self.mean @ right).astype(self.dtype)
        left = np.empty((self.rows.n, right.shape[1]), self.dtype)

        def share(rows: range) -> None:
            for start in rows:
                stop = min(start + rows.step, rows.stop)
                left[start:stop] = self.chunk(start, stop, columns.dtype) @ columns - offset
                self.rows.advance(stop - start)

        with self.rows.reading("left vectors"):
            run(share, shares(self.rows.n, count, max(16, CHUNK // self.rows.d)))
        self.passes += 1
        return left


@dataclass
class Krylov:
    """Top-k vectors, squared sigmas (k + 1), and the estimate of their error, of the scaled rows."""

    left: np.ndarray  # (n, k), not yet normalised
    right: np.ndarray  # (d, columns), to go on from
    values: np.ndarray
    energy: float
    raw: float  # the same before centring
    error: float  # |F'F V - V lambda| of the scaled rows, rounding included
    noise: float  # rounding alone
    scale: float
    passes: int
    converged: bool
    exact: bool  # every product was in float64


def krylov(rows: Rows, *, center: bool, k: int, tolerance: float, exact: bool = False, start=None) -> Krylov:
    """Top-k singular vectors of a resident matrix to about `tolerance` radians.

    exact : multiply in float64. start : (d, columns) to begin with. `converged` is False where
    float32 rounding or the number of passes stopped it.
    """
    columns = min(max(COLUMNS, k + 1), rows.n, rows.d)
    with workers() as (run, count), np.errstate(over="ignore", invalid="ignore"):
        product, block = prepared(rows, center, columns, exact)
        block = block if start is None else np.linalg.qr(start)[0]
        noise = relative_rounding(product)
        basis = images = np.empty((rows.d, 0))
        while True:
            image = product(run, count, block)
            check_first_pass(rows, product, image)
            basis, images = np.hstack([basis, block]), np.hstack([images, image])
            values, coordinates = ritz(basis, images)
            top = coordinates[:, :k]
            error = np.linalg.norm(images @ top - basis @ (top * values[:k]), 2) + noise * values[0]
            block = next_block(basis, image, noise * values[0])
            following = values[k] if len(values) > k else 0.0  # the space is then k-dimensional
            reached = error * np.sqrt(following) <= tolerance * (values[k - 1] - following) * np.sqrt(values[k - 1])
            reached = reached and settled(basis, images, values, coordinates, k, noise * values[0])
            if reached or block.shape[1] == 0 or product.passes >= PASSES or error < 2 * noise * values[0]:
                break
        left = combined(product, run, count, basis, top)
    return Krylov(
        left=left,
        right=basis @ coordinates[:, :columns],
        values=np.append(values, 0.0)[: k + 1],
        energy=product.energy,
        raw=product.raw_energy,
        error=float(error),
        noise=float(noise * values[0]),
        scale=product.scale,
        passes=product.passes,
        converged=bool(reached),
        exact=product.dtype == np.float64,
    )


def randomized(rows: Rows, *, center: bool, k: int, oversampling: int = 10, powers: int = 2) -> Krylov:
    """Randomised subspace iteration with a Gaussian start; Halko, Martinsson & Tropp, SIAM Review 53 (2011) 217.

    Not where the gap is small: its error after q powers falls as (sigma_2 / sigma_1)^(2 q), whatever the digits.
    """
    columns = min(k + oversampling, rows.n, rows.d)
    basis = np.random.default_rng(0).standard_normal((rows.d, columns))
    with workers() as (run, count), np.errstate(over="ignore", invalid="ignore"):
        product, _ = prepared(rows, center, 1, exact=False)
        for _ in range(powers + 1):
            basis = np.linalg.qr(basis)[0]
            product.kept = []
            image = product(run, count, basis)
            check_first_pass(rows, product, image)
            basis, before = image, basis
        values, coordinates = ritz(before, image)
        top = coordinates[:, :k]
        left = combined(product, run, count, before, top)
    noise = relative_rounding(product) * values[0]
    error = np.linalg.norm(image @ top - before @ (top * values[:k]), 2) + noise
    return Krylov(
        left=left,
        right=before @ top,
        values=np.append(values, 0.0)[: k + 1],
        energy=product.energy,
        raw=product.raw_energy,
        error=float(error),
        noise=float(noise),
        scale=product.scale,
        passes=product.passes,
        converged=True,
        exact=False,
    )


def in_chunks(matrix: np.ndarray, size: int) -> list[np.ndarray]:
    """Stacks (chunks, rows, columns) of a matrix: all whole chunks of `size` rows, and the rows that are left."""
    whole = len(matrix) // size * size
    stacks = [matrix[:whole].reshape(-1, size, matrix.shape[1]), matrix[None, whole:]]
    return [stack for stack in stacks if stack.size]


def squares(stack: np.ndarray, scale: float) -> float:
    """Sum of squares of a scaled stack: products in its own precision inside a chunk, added up in float64."""
    flat = stack.reshape(len(stack), -1)
    flat = flat if scale == 1 else flat * flat.dtype.type(scale)
    return float(np.matmul(flat[:, None, :], flat[:, :, None]).sum(dtype=np.float64))


def relative_rounding(product: Product) -> float:
    """Rounding of one product F'(F q) beside the largest eigenvalue: a bound in float64, what is seen in float32."""
    d = product.rows.d
    return (d + max(16, CHUNK // d) + 16) * EPS64 if product.dtype == np.float64 else EPS32


def prepared(rows: Rows, center: bool, columns: int, exact: bool) -> tuple[Product, np.ndarray]:
    """The product with scale and shift chosen from a sample of rows, and a first block from the same sample."""
    sample = sampled(rows)
    largest = np.abs(sample).max()
    if not 0 < largest < np.inf:
        largest = largest_entry(rows)
    if not np.isfinite(largest):
        raise_bad_entry(rows)
    if largest == 0:
        raise NoDirection("features are all zero: a zero matrix has no P-vector (a dead layer?)")
    scale = 1.0 if 1e-6 < largest < 1e6 else 2.0 ** -np.floor(np.log2(largest))
    mean = sample.mean(axis=0)
    sample -= mean
    shift = None
    if center and (mean @ mean) * len(sample) > 100 * np.vdot(sample, sample):
        shift = mean.astype(to_float(rows.matrix[:1, :1]).dtype)
        sample += mean - shift
        mean = mean - shift
    elif not center:
        sample += mean
    product = Product(rows, center, scale, shift, mean * scale * center, exact)
    return product, first_block((sample / largest).astype(np.float32), columns)


def looks_flat(rows: Rows, center: bool) -> bool:
    """Whether the spectrum of some rows says that many passes will be needed. False for bad input: engines name it."""
    sample = sampled(rows)
    largest = np.abs(sample).max()
    if not 0 < largest < np.inf:
        return False
    if center:
        sample -= sample.mean(axis=0)
    sample = (sample / largest).astype(np.float32)
    with workers():  # no BLAS threads that spin into the engine's time
        image = sample @ first_block(sample, COLUMNS).astype(np.float32)
        values = np.linalg.eigvalsh(image.T @ image)
    return bool(values[0] > FLAT * values[-1])


def sampled(rows: Rows) -> np.ndarray:
    """Every so many of the rows, in float64."""
    return to_float(rows.matrix[:: max(1, rows.n * rows.d // SAMPLE)]).astype(np.float64)


def first_block(sample: np.ndarray, columns: int) -> np.ndarray:
    """Orthonormal (d, p): rough top right directions of the sampled rows, by a few steps of subspace iteration."""
    rng = np.random.default_rng(0)
    random = rng.standard_normal((sample.shape[1], columns), dtype=np.float32)
    block = random
    for _ in range(3):
        block = np.linalg.qr(sample.T @ (sample @ block) + np.float32(1e-6) * random)[0]
    return np.linalg.qr(block.astype(np.float64))[0]


def check_first_pass(rows: Rows, product: Product, image: np.ndarray) -> None:
    if product.passes > 1:
        return
    if not (np.isfinite(image).all() and np.isfinite(product.energy)):
        raise_bad_entry(rows)
    if product.center and product.energy <= 1e-5 * product.raw_energy and rows_all_equal(rows):
        raise NoDirection("all rows of features are equal: centred, nothing is left of them")


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


def combined(product: Product, run, count: int, basis: np.ndarray, top: np.ndarray) -> np.ndarray:
    """F V (n, k) float64, V = basis @ top: from the products that were kept, or by one read more."""
    if product.kept is None:
        left = product.project(run, count, basis @ top).astype(np.float64)
    else:
        left = np.zeros((product.rows.n, top.shape[1]))
        first = 0
        for kept in product.kept:
            last = first + kept.shape[1]
            left += kept @ top[first:last].astype(kept.dtype)
            first = last
    return left - left.mean(axis=0) if product.center else left
