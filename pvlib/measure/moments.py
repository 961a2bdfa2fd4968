"""Sums over rows: of x and of its outer product, exact in float64 between blocks, mergeable.

Centring never copies the matrix and does not cancel: rows are shifted by the mean of the first block, and the moments are
corrected at the end by what little the true mean differs from it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh  # not where it is used: `threads` limits those BLAS libraries that are loaded first

from .bounds import EPS64, eigen_rounding, image_rounding, product_rounding

BYTES = 1 << 23  # of one block of a Gram product
LONG = 4096  # rows of one in float64, twice as many in float32: adding d x d numbers costs little beside the product
EXPONENT = 1022  # of a power of 2 that multiplies every entry, at most: it and its reciprocal are exact in float64


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
    exact: bool = True  # every product was in float64

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
        self.rounding = max(self.rounding, product_rounding(len(block), float(np.finfo(block.dtype).eps)))
        self.exact &= block.dtype == np.float64

    def merge(self, other: "Moments") -> None:
        """Add the rows of another part, whatever its shift."""
        apart = other.shift - self.shift
        self.gram += other.gram
        if apart.any():
            cross = np.outer(other.total, apart)
            self.gram += cross + cross.T + other.n * np.outer(apart, apart)
        self.total += other.total + other.n * apart
        self.n += other.n
        self.rounding = max(self.rounding, other.rounding) + 4 * EPS64
        self.exact &= other.exact

    def second_moment(self, center: bool) -> np.ndarray:
        """(d, d) matrix F' F of the rows as given, or of the rows minus their mean."""
        if center:
            return self.gram - np.outer(self.total, self.total / self.n)
        if not self.shift.any():
            return self.gram
        cross = np.outer(self.total, self.shift)
        return self.gram + cross + cross.T + self.n * np.outer(self.shift, self.shift)


@dataclass
class Right:
    """Right singular vectors and what is known of their error, before they are applied to the rows."""

    vectors: np.ndarray  # (d, k)
    image: np.ndarray  # (d, k): the Gram matrix times the vectors
    values: np.ndarray  # k + 1 squared singular values of the scaled rows; the last is 0 where there is none
    total: float  # squared Frobenius norm of the scaled (centred) rows
    raw: float  # the same before they are centred
    weyl: float  # bound of the error of the values
    energy: float  # of the rows that were multiplied
    centre: tuple[np.ndarray, np.ndarray] | tuple[()]  # subtracted one after the other: the mean in two parts
    scale: float
    exact: bool  # the Gram matrix was made in float64


@dataclass
class Applied:
    """Right vectors times the rows."""

    left: np.ndarray  # (n, k): F V
    back: np.ndarray  # (d, k): F' F V
    energy: float  # squared norm of the rows that were multiplied, perhaps before they were centred
    rounding: float  # of `back`, beside the largest eigenvalue or as a bound of it
    eps: float = EPS64  # of the products


def right_of(found: Moments, *, center: bool, k: int) -> Right:
    """Top-k right singular vectors of the rows that went into the moments."""
    d = len(found.shift)
    matrix = found.second_moment(center)
    values, vectors = leading(matrix, k + 1)
    total, mean = float(np.trace(matrix)), np.add(*found.mean)
    with np.errstate(over="ignore"):  # infinite is right for a mean of 1e155
        raw = total + found.n * float(mean @ mean) if center else total
    energy = found.energy if center else found.energy + 2 * found.n * float(found.shift @ found.shift)
    return Right(
        vectors=vectors[:, :k],
        image=matrix @ vectors[:, :k],
        values=np.append(values, 0.0)[: k + 1],
        total=total,
        raw=raw,
        weyl=found.rounding * energy + eigen_rounding(d) * values[0],
        energy=energy,
        centre=found.mean if center else (),
        scale=found.scale,
        exact=found.exact,
    )


def eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, descending and not below 0, and eigenvectors (columns) of a symmetric matrix, float64."""
    values, vectors = np.linalg.eigh(matrix)
    return above_noise(values[::-1], len(values)), vectors[:, ::-1]


def leading(matrix: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` of them (all where there are fewer), at a third of the cost."""
    d = len(matrix)
    if 4 * count < d:
        values, vectors = eigh(matrix, subset_by_index=(d - count, d - 1), driver="evr", check_finite=False)
        if len(values) == count:  # where eigenvalues tie, LAPACK may miss some of a subset
            return above_noise(values[::-1], d), vectors[:, ::-1].copy()
    values, vectors = eigen(matrix)
    return values[:count], vectors[:, :count]


def above_noise(values: np.ndarray, d: int) -> np.ndarray:
    return np.where(values > d * EPS64 * max(values[0], 0.0), values, 0.0)


def accumulated(
    blocks: Iterable[tuple[int, np.ndarray]], *, shifted: bool, exact: bool, scale: float = 1.0, size: int | None = None
) -> Moments:
    """Moments of blocks of rows (of `size` rows at most), shifted by the mean of the first one where that is asked for."""
    out: Moments = None  # type: ignore[assignment]  # there is at least one block
    for block in pieces(blocks, size):
        if out is None:
            out = Moments(first_mean(scaled(block, exact, scale), shifted), scale, shifted)
        out.add(scaled(block, exact, scale))  # not kept while the next one is made
    return out


def multiplied(blocks: Iterable[tuple[int, np.ndarray]], right: Right) -> Applied:
    """Right vectors times scaled (centred) blocks of rows, in float64."""
    lefts, back, longest = [], np.zeros_like(right.vectors), 0
    for block in pieces(blocks):
        block = scaled(block, True, right.scale)
        for part in right.centre:
            block = block - part
        lefts.append(block @ right.vectors)
        back += block.T @ lefts[-1]
        longest = max(longest, len(block))
    return Applied(np.concatenate(lefts), back, right.energy, image_rounding(len(back), longest) * right.energy)


def joined(parts: list[Applied]) -> Applied:
    """Of parts of the rows, in order."""
    left, back = np.concatenate([part.left for part in parts]), np.sum([part.back for part in parts], axis=0)
    return Applied(left, back, parts[0].energy, max(part.rounding for part in parts))


def pieces(blocks: Iterable[tuple[int, np.ndarray]], size: int | None = None) -> Iterator[np.ndarray]:
    """Blocks no longer than `size`, or than those of a Gram product."""
    for _, block in blocks:
        step = size or block_rows(block.shape[1], block.itemsize)
        yield from (block[start : start + step] for start in range(0, len(block), step))


def merged(parts: list[Moments]) -> Moments:
    """The moments of all parts, which stay as they are."""
    first, *others = parts
    if not others:
        return first
    out = replace(first, total=first.total.copy(), gram=first.gram.copy())
    for other in others:
        out.merge(other)
    return out


def block_rows(d: int, itemsize: int = 8) -> int:
    """Rows of one block in a Gram product."""
    return max(256, min(8 * LONG, BYTES // d) // itemsize, min(d, 2048))


def scaled(block: np.ndarray, exact: bool, scale: float) -> np.ndarray:
    block = block.astype(np.float64, copy=False) if exact else block
    return block * block.dtype.type(scale) if scale != 1.0 else block


def first_mean(block: np.ndarray, shifted: bool = True) -> np.ndarray:
    """Mean of a block, rounded to the block's precision, so that the subtraction of it is exact where it matters (also of
    large features that do not vary); 0 where nothing is to be shifted.
    """
    if not shifted:
        return np.zeros(block.shape[1])
    mean = block[0] + (block - block[0]).mean(axis=0, dtype=np.float64)
    return mean.astype(block.dtype).astype(np.float64)


def power_of_two(largest: float) -> float:
    """The scale that brings the largest entry near 1, exactly."""
    return 2.0 ** float(np.clip(-np.floor(np.log2(largest)), -EXPONENT, EXPONENT))
