"""Krylov subspaces for wide matrices: a handful of reads of the matrix instead of d operations on every entry.

The first read multiplies k + 1 rough directions, from a sample of the rows; it also tells the mean and the norm. Each later
read follows the residuals of k + 1 Ritz vectors: the wanted ones, and, until its own is small, the next, whose direction
converges as fast as the last wanted one where they tie, so that a tie is seen. Such thin products go at nearly the speed of
memory. They are done chunk by chunk while the rows are in the cache: float32 inside a chunk, float64 between chunks. The
basis is kept orthogonal in full, and Rayleigh-Ritz is done over all of it. The gap is an estimate.

Source: Golub & Underwood, The block Lanczos method (1977); Musco & Musco, Randomized block Krylov methods (2015); the
expansion by residuals is that of Davidson, J. Comput. Phys. 17 (1975) 87, without a preconditioner.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .angles import PROMISED
from .bounds import EPS32, image_rounding, norm
from .cautions import NoDirection
from .gram import ALL_EQUAL, sound_scale
from .moments import first_mean
from .rows import ArrayRows
from .threads import quiet, workers

CHUNK = 1 << 21  # bytes: in the cache on the way back, and few returns to Python, where threads wait for each other
FEWEST = 16  # rows of a chunk, or of the sample for one vector
# A chunk in float32 has so many times the root of n rows, so that the rounding of its sums stays about `EPS32` (0.5 to 1.05
# seen), and never more than MOST_ROWS: errors of rows that repeat do not cancel (3 `EPS32` seen).
SUMMED = 16
MOST_ROWS = 512
FAINT = {np.float32: 1e-30, np.float64: 1e-280}  # mean square of entries, below which some underflow
ALONE = 1 << 20  # entries of a matrix that one thread has multiplied before another would have been woken
SAMPLE = 1 << 18  # entries of the rows that the first block comes from, or
PART = 16  # one row in so many, where that is less
MIXED = 0.1  # of a random direction in each of the first block: what no row of the sample has is found all the same
SEEN = 4  # directions that are looked for in the sample
VECTORS = 4  # so many are multiplied one by one: a product of matrices with so few columns is slower
KEPT = 1 << 28  # bytes of Q F' that are kept for the left vectors; where they would be more, the rows are read again
MISSED = 0.02  # probability that the sample has no row of a small group; above it, such rows are searched for
# The least component that the (k+1)-th Ritz vector is expected to have along a direction that belongs among the top k:
HIDDEN = 0.1  # of MIXED / sqrt(d), where no row of the sample has that direction
TIED = 0.01  # where the sample has it, and it ties with the k-th
SETTLED = 0.25  # relative error of the (k+1)-th eigenvalue: an eighth of the singular value, in practice a few percent
EXACT = 1e-3  # largest relative residual of the top k: where the rest is faint, left vectors are good before values are
TINY = np.finfo(float).tiny
SINGLE = 126  # exponent of a power of 2 that float32 holds, and its reciprocal
PASSES = 80  # then the spectrum is so flat that the Gram matrix is cheaper
TOLERANCE = {np.dtype(np.float32): 0.8 * PROMISED, np.dtype(np.float64): 1e-8}  # radians, by the type of the entries
EARLY = 5  # passes before the rate of convergence is judged: a near tie stops it for some


@dataclass
class Start:
    """What a sample of the rows tells before all of them are read."""

    scale: float  # a power of 2 that every entry is multiplied by
    shift: np.ndarray | None  # subtracted from every scaled row, where the mean is large beside the deviations
    mean: np.ndarray  # of the scaled and shifted rows; 0 where they are not centred
    block: np.ndarray  # (k + 1, d) orthonormal rows: rough top right directions
    sampled: float  # share of all rows
    values: np.ndarray  # rough largest squared singular values, ascending: SEEN or k + 1 of them, or all

    @classmethod
    def of(cls, rows: ArrayRows, *, center: bool, k: int) -> "Start":
        sample, own = rows.sample(max(FEWEST, 2 * k + 2, min(SAMPLE // rows.d, rows.n // PART))), rows.dtype
        sampled = len(sample) / rows.n
        scale = 1.0 if 1e-6 < max(sample.max(), -sample.min()) < 1e6 else scale_of_all(rows)
        mean, shift = np.zeros(rows.d), None
        sample *= own.type(scale)
        if center:
            mean = first_mean(sample)
            sample -= mean.astype(own)
            if (mean @ mean) * len(sample) > 100 * np.vdot(sample, sample):
                shift, mean = mean.astype(own), np.zeros(rows.d)
        sample = (sample / (max(sample.max(), -sample.min()) or 1.0)).astype(np.float32)
        rng = np.random.default_rng(0)
        # Never near 0, as normal numbers may be: a vector has some of every feature, whatever is drawn.
        random = rng.uniform(0.5, 1.5, (rows.d, min(max(SEEN, k + 1), rows.n, rows.d))).astype(np.float32)
        block = random = random * rng.choice(np.array([-1, 1], np.float32), random.shape)
        for _ in range(2):  # steps of subspace iteration; with more of them not one pass is saved
            block = np.linalg.qr(sample.T @ (sample @ block) + np.float32(1e-6) * random)[0]
        image = sample @ block
        values, turn = np.linalg.eigh((image.T @ image).astype(np.float64))
        block = block @ turn[:, : -k - 2 : -1]
        block += MIXED / np.sqrt(rows.d) * random[:, : block.shape[1]]
        block = np.linalg.qr(block)[0]
        return cls(scale, shift, mean, block.T.copy(), sampled, values)


def scale_of_all(rows: ArrayRows) -> float:
    scale = sound_scale(rows)
    return float(np.clip(scale, 2.0**-SINGLE, 2.0**SINGLE)) if rows.dtype == np.float32 else scale


class Product:
    """Q F'F of the scaled, shifted rows, centred if `center`, for rows Q (p, d); the products inside a chunk in `dtype`."""

    def __init__(self, rows: ArrayRows, start: Start, *, center: bool, exact: bool):
        self.rows, self.center = rows, center
        self.dtype = np.float64 if exact else rows.dtype.type
        self.scale, self.shift = start.scale, start.shift
        self.sampled = start.sampled
        self.mean = start.mean  # of a sample at first, of all rows after the first pass
        self.energy = self.raw = 0.0  # squared Frobenius norm of the scaled rows; `raw`: before they are centred
        self.longest = 0.0  # squared norm of the longest row
        self.passes = 0
        self.underflow = False  # squares of entries are lost
        self.kept: list | None = []  # Q F' of the passes, or None where that is too much to keep

    def chunk(self, first: int, last: int) -> np.ndarray:
        block = self.rows.block(first, last).astype(self.dtype, copy=False)
        block = block * block.dtype.type(self.scale) if self.scale != 1 else block
        return block - self.shift if self.shift is not None else block

    def share(self, rows: range, block: np.ndarray, left: np.ndarray):
        """One worker's part of left = Q F' - Q mean (p, n), where Q is the block, and of left F (p, d); and in the first pass
        the sums of rows and of squares, and the longest row.
        """
        columns, offset = block.astype(self.dtype), (block @ self.mean).astype(self.dtype)[:, None]
        back, total, energy, longest = np.zeros(block.shape), np.zeros(self.rows.d), 0.0, 0.0
        for start in rows:
            chunk = self.chunk(start, min(start + rows.step, rows.stop))
            product = left[:, start : start + len(chunk)]
            times(columns, chunk.T, product)
            if self.center:
                product -= offset
            back += times(product, chunk, np.empty(block.shape, self.dtype))
            if not self.passes:
                squares = np.vecdot(chunk, chunk)
                energy, longest = energy + float(squares.sum(dtype=np.float64)), max(longest, float(squares.max()))
                total += np.dot(np.ones(len(chunk), self.dtype), chunk) if self.center else 0.0
            self.rows.advance(len(chunk))
        return back, total, energy, longest

    def read(self, block: np.ndarray):
        """Q F' (p, n), and what `share` gives, of all rows: one read of the matrix."""
        n, d, size = self.rows.n, self.rows.d, self.chunk_rows
        left = np.empty((len(block), n), self.dtype)
        share = partial(self.share, block=block, left=left)
        with self.rows.reading(f"Krylov pass {self.rows.passes + 1}"):
            parts = [share(range(0, n, size))] if n * d <= ALONE else self.rows.shared(size, share)
        back, total = (np.sum([part[which] for part in parts], axis=0) for which in (0, 1))
        return left, back, total, sum(part[2] for part in parts), max(part[3] for part in parts)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """(p, d) float64 product with p orthonormal rows."""
        left, back, total, energy, longest = self.read(block)
        n = self.rows.n
        if not self.passes:
            self.energy, self.raw, self.longest = energy, energy, longest
            # No later product exceeds the sum of squares, and products are squared in float64.
            if not (np.isfinite(back).all() and energy < min(1e150, float(np.finfo(self.dtype).max) / 16)):
                self.scale_down()
                return self(block)
            if self.center:
                back -= np.outer(block @ (total / n - self.mean), total)
                self.mean = total / n
                self.energy -= float(total @ total) / n
                self.longest *= 4  # the mean is no longer than the longest row
                if self.energy <= 1e-5 * self.raw and self.rows.survey().common is not None:
                    raise NoDirection(ALL_EQUAL)
            self.underflow = self.energy < FAINT[self.dtype] * n * self.rows.d
        self.passes += 1
        if self.kept is not None:
            self.kept.append(left)
            self.kept = None if sum(each.nbytes for each in self.kept) > KEPT else self.kept
        return back

    @property
    def chunk_rows(self) -> int:
        size = CHUNK // self.rows.d // np.dtype(self.dtype).itemsize
        if self.dtype == np.float32:
            size = min(size, MOST_ROWS, int(SUMMED * np.sqrt(self.rows.n)))
        return max(FEWEST, size)

    def scale_down(self) -> None:
        """By all entries, where that of a sample would not do; ValueError where one of them is not finite."""
        scale = scale_of_all(self.rows) / self.scale
        self.scale, self.mean = self.scale * scale, self.mean * scale
        self.shift = None if self.shift is None else self.shift * self.dtype(scale)

    def may_hide(self, values: np.ndarray, k: int) -> bool:
        """Whether a direction that belongs among the top k may be outside the space with these Ritz values: the rest is
        long enough, and the rows that hold it so few that the sample may have none.
        """
        few = values[k - 1] / max(self.longest, TINY)
        return self.energy - values.sum() > values[k - 1] and np.exp(-few * self.sampled) > MISSED

    def left(self, basis: np.ndarray, top: np.ndarray) -> np.ndarray:
        """F V (n, k) float64, V' = top @ basis: from the products that were kept, or by one read more."""
        kept = self.kept
        left = self.read(top @ basis)[0] if kept is None else top.astype(self.dtype) @ np.concatenate(kept)
        left = left.T.astype(np.float64)
        return left - left.mean(axis=0) if self.center else left

    @property
    def rounding(self) -> float:
        """Of one product F'(F q) beside the largest eigenvalue: a bound in float64, what is seen in float32."""
        return image_rounding(self.rows.d, self.chunk_rows) if self.dtype == np.float64 else EPS32


class Space:
    """An orthonormal basis (rows) that grows, and its images under F'F."""

    def __init__(self, block: np.ndarray, room: int):
        self.basis, self.images = np.empty((2, room, block.shape[1]))
        self.small = np.empty((room, room))  # the upper triangle of basis @ images'
        self.old, self.size = 0, len(block)  # vectors with an image, and all
        self.basis[: self.size] = block

    def ritz(self, product: Product, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All Ritz values; coordinates and residuals (rows) of the first vectors. One read for the images that are missing."""
        old, size = self.old, self.size
        self.images[old:size] = product(self.basis[old:size])
        self.small[:size, old:size] = self.basis[:size] @ self.images[old:size].T
        values, top = ritz(self.small[:size, :size], count)
        self.old = size
        return values, top, top @ self.images[:size] - values[:count, None] * (top @ self.basis[:size])

    def extend(self, directions: np.ndarray, noise: float) -> bool:
        """Append the directions, made orthonormal; False where there is nothing in them but rounding."""
        for direction in directions[: len(self.basis) - self.size]:
            known = self.basis[: self.size]
            for _ in range(2):  # once is not enough where it nearly lies in the basis
                direction = direction - (known @ direction) @ known
            length = np.linalg.norm(direction)
            if length > noise:
                direction = direction / length
                direction -= (known @ direction) @ known
                self.basis[self.size] = direction / np.linalg.norm(direction)
                self.size += 1
        return self.size > self.old


@dataclass
class Krylov:
    """Top-k vectors, squared sigmas (k + 1), and the estimate of their error, of the scaled rows."""

    left: np.ndarray  # (n, k), not yet normalised
    right: np.ndarray  # (columns, d), to go on from
    values: np.ndarray
    limit: float  # the true (k+1)-th is this at most, if the subspace has met its direction
    residual: float  # |F'F V - V lambda|
    noise: float  # rounding of it
    product: Product  # and what it has learnt of the rows
    converged: bool = True
    hopeless: bool = False  # another engine is cheaper


def krylov(
    rows: ArrayRows, *, center: bool, k: int, tolerance: float, exact: bool, start: Start, block=None, worth=np.inf
) -> Krylov:
    """Top-k singular vectors to about `tolerance` radians.

    exact : multiply in float64. block : (columns, d) to begin with, in place of that of `start`. worth : passes that another
    engine would cost; where more seem to be needed, this one is `hopeless`. `converged` is False where that or the rounding
    of float32 stopped it.
    """
    block = start.block if block is None else np.linalg.qr(block.T)[0].T
    # No more than n rows and the first block span.
    space = Space(block, min(rows.d, rows.n + 2 * len(block), len(block) + (k + 1) * PASSES))
    missing: list[float] = []  # powers of e by which the error is too large
    product = Product(rows, start, center=center, exact=exact)
    with workers(), quiet():
        while True:
            values, top, residuals = space.ritz(product, k + 1)
            noise, kth = product.rounding * values[0], values[k - 1]
            residual, other = norm(residuals[:k].T), norm(residuals[k:].T)
            following = values[k] if space.size > k else 0.0  # the space may be k-dimensional
            limit = following + other  # an eigenvalue is as near as that to a Ritz value
            # If the next vector had `part` of a direction that belongs among the top k, its residual would be `part` of the gap.
            part = HIDDEN * MIXED / np.sqrt(rows.d) if product.may_hide(values, k) else TIED
            settled = other <= min(SETTLED * following, part * (kth - following)) or following <= noise
            accurate = excess(residual + noise, kth, limit, tolerance) <= 0 and residual <= EXACT * kth
            reached = accurate and settled and not product.underflow
            missing.append(excess(residual + noise, kth, following, tolerance))
            spent = product.passes >= min(PASSES, 2 * worth)  # thrice the other engine in all
            hopeless = not reached and (spent or passes_left(missing) > worth)
            stop = reached or hopeless or product.underflow
            if stop or not space.extend(residuals[: k if settled else None], noise):
                break
        left = product.left(space.basis[: top.shape[1]], top[:k]) if reached else np.empty((rows.n, 0))
        product.kept = None
    right = top @ space.basis[: top.shape[1]]
    values = np.append(values, 0.0)[: k + 1]
    return Krylov(left, right, values, float(limit), residual, float(noise), product, bool(reached), hopeless)


def excess(residual: float, value: float, following: float, tolerance: float) -> float:
    """Powers of e by which the error of the left vectors exceeds the tolerance; infinite where there is no gap."""
    if residual == 0 or following <= 0:
        return 0.0
    gap = value - following
    return float(np.log(residual * np.sqrt(following / value) / (tolerance * gap))) if gap > 0 else np.inf


def passes_left(missing: list[float]) -> float:
    """Passes that are still needed, by the rate of convergence so far."""
    known = [each for each in missing if each < np.inf]
    if len(known) < EARLY or known[-1] <= 0:
        return 0.0
    gain = (known[0] - known[-1]) / (len(known) - 1)
    return known[-1] / gain if gain > 0 else np.inf


def randomized(
    rows: ArrayRows, *, center: bool, k: int, exact: bool = False, oversampling: int = 10, powers: int = 2
) -> Krylov:
    """Randomised subspace iteration with a Gaussian start; Halko, Martinsson & Tropp, SIAM Review 53 (2011) 217.

    Not where the gap is small: its error after q powers falls as (sigma_2 / sigma_1)^(2 q), whatever the digits.
    """
    image = np.random.default_rng(0).standard_normal((min(k + oversampling, rows.n, rows.d), rows.d))
    with workers(), quiet():
        product = Product(rows, Start.of(rows, center=center, k=0), center=center, exact=exact)
        for _ in range(powers + 1):
            basis, product.kept = np.linalg.qr(image.T)[0].T, []
            image = product(basis)
            if product.underflow and not exact:
                return randomized(rows, center=center, k=k, exact=True, oversampling=oversampling, powers=powers)
        values, top = ritz(basis @ image.T, k)
        left = product.left(basis, top)
    residual = norm((top @ image - values[:k, None] * (top @ basis)).T)
    values = np.append(values, 0.0)[: k + 1]
    return Krylov(left, top @ basis, values, values[-1], residual, product.rounding * values[0], product)


def times(rows: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> np.ndarray:
    """out = rows @ matrix, for rows that may be few. Unlike `matmul`, `dot` lets other threads go on."""
    if len(rows) > VECTORS:
        out[:] = np.dot(rows, matrix)
    else:
        for row, each in zip(rows, out, strict=True):
            np.dot(row, matrix, out=each)
    return out


def ritz(small: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """All Ritz values, descending and not below 0, and coordinates (rows) of the first vectors, from an upper triangle."""
    values, coordinates = np.linalg.eigh(small, UPLO="U")
    return np.maximum(values[::-1], 0.0), coordinates.T[: -count - 1 : -1]
