"""The front door: the P-vector of a feature matrix, its top left singular vector, with an error bound. Not
for angles.

The P-vector u (Liu et al., arXiv 2110.02863) holds one number for each sample, so networks of any width can
be compared over the same samples in the same order.
"""

import os
import warnings
from dataclasses import replace

import numpy as np

from . import gram
from .angles import PROMISED
from .cautions import TieWarning
from .inputs import as_rows, boolean
from .lanczos import Krylov, krylov, looks_flat, randomized
from .result import PVector
from .rows import Rows
from .threads import workers

METHODS = ("auto", "gram", "krylov", "dual", "randomized")
WIDE = 192  # Gram and eigh are faster where one side of the matrix is no longer than this
MIDDLING = 300  # and up to this many features where the spectrum is flat, so that Krylov needs many passes, and rows
TALL = 64  # are so many times more than features, so that the pass over them costs more than eigh
FAINT = 0.01  # of the first singular value: float32 products drown a following one that is smaller
MEMORY = 8 << 30  # bytes of physical memory, where the system does not tell
MAPPED = 0.5  # of physical memory: a larger memory map may be read from the disk each time, so two readings are best


def p_vector(features, *, center: bool, k: int = 1, method: str = "auto", progress: bool = False) -> PVector:
    """The P-vector of features: their top left singular vector, or the top k of them.

    features : samples x features. NumPy (memory maps too), torch (any device; a CUDA tensor is multiplied where it is;
        half precision is upcast block by block), Dask arrays, nested lists, or batches of rows that can be read several
        times. Neither changed nor copied whole. Of a Dask array the workers measure every chunk, twice: persist() it where chunks are costly.
    center : subtract the mean of every feature first. The two conventions give different vectors; the paper
        does not say which it used, so there is no default.
    k : dimension of the span; `bound`, `gap` and `defined` are about the span of all k.
    method : "gram" (d x d moments, one pass), "dual" (n x n), "krylov" (wide resident matrices), "randomized" (Halko et
        al. 2011, what the paper cites: fast, and wrong by degrees in near ties), or "auto", which chooses by shape
        (batches, Dask arrays and memory maps of more than half the memory: "gram", whose d x d numbers are all that is held).
    progress : a bar on stderr of the rows read, for each pass of "gram" and "krylov". Other methods and Dask arrays show none.

    Returns a PVector with 1 - |cos| <= 1e-11 to the exact one wherever `bound` <= 4.5e-6; where float32
    products are not enough for that (near ties), they are done again in float64. A tie gives `defined=False`
    and a TieWarning.
    Raises ValueError for NaN or Inf (named by row and column), zero features, one row, no columns, centred
    rows that are all equal, k > min(n, d), masked entries, batches that are not the same each time they are read (a
    shuffling DataLoader); TypeError for non-numeric or sparse input, for a `center` that is no boolean, and for
    generators that can be read only once.
    Not for comparing networks over different samples, nor over the same ones in another order.
    Source: bound by Davis & Kahan (1970) and Wedin (1972) with Weyl's inequality.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is none of {', '.join(METHODS)}")
    center = boolean(center, "center")
    if not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k={k!r}: the number of singular vectors must be an integer of 1 or more")
    rows = as_rows(features)
    rows.progress = progress
    if rows.distributed and method not in ("auto", "gram"):
        raise ValueError(
            f"method={method!r} needs the whole matrix in one place: compute() the Dask array, or use 'gram'"
        )
    if rows.resident or rows.distributed:
        gram.check_rows(rows.n)
        gram.check_k(k, rows.n, rows.d)
    found = ENGINES[suited(rows, center) if method == "auto" else method](rows, center=center, k=k)
    if not found.defined:
        warnings.warn(
            f"sigma_{k} = {found.sigmas[k - 1]:.6g} and sigma_{k + 1} = {found.sigmas[k]:.6g} cannot be told apart "
            f"by method {found.method!r}: the top-{k} span is one of many (defined=False); compare a larger span",
            TieWarning,
            stacklevel=2,
        )
    return found


def suited(rows: Rows, center: bool) -> str:
    """The engine for the shape, and between two shapes for the spectrum; benchmarks/pvector.py is the evidence."""
    if not rows.resident or not rows.on_host or (rows.mapped and rows.matrix.nbytes > MAPPED * physical_memory()):
        return "gram"
    if min(rows.n, rows.d) > WIDE:
        doubtful = rows.d <= MIDDLING and rows.n >= TALL * rows.d
        return "gram" if doubtful and looks_flat(rows, center) else "krylov"
    return "dual" if rows.n < rows.d else "gram"


def physical_memory() -> int:
    """Bytes; the assumption MEMORY where the system does not tell (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return MEMORY


def by_gram(rows: Rows, *, center: bool, k: int) -> PVector:
    """Gram and eigh; float32 products first where the matrix is large, float64 where that is not accurate enough."""
    if rows.resident and not rows.on_gpu and rows.d <= gram.NARROW:
        with workers():  # no BLAS threads that still spin when the rows are read again
            return gram_passes(rows, center, k)
    return gram_passes(rows, center, k)


def gram_passes(rows: Rows, center: bool, k: int) -> PVector:
    small = rows.resident and rows.n * rows.d <= gram.SMALL
    exact = small or rows.distributed  # the digits must not depend on the chunks
    right = gram.gram_right(rows, center=center, k=k, exact=exact)
    if (
        rows.resident
        and not rows.on_gpu
        and not small
        and not rows.is_double
        and right.scale == 1
        and right.raw <= 100 * right.total  # or subtracting the mean after a float32 product would cancel
    ):
        right = replace(right, fast=True, floor=gram.EPS32 * right.values[0])
    found = finish(rows, right, center=center)
    if exact or (found.bound <= PROMISED and not faint(found)):
        return found
    return finish(rows, gram.gram_right(rows, center=center, k=k, exact=True), center=center, passes=4)


def faint(found: PVector) -> bool:
    """Whether sigma_(k+1) is so small that it is worth float64 products."""
    return found.k < min(found.n, found.d) and found.sigmas[found.k] <= max(found.resolution, FAINT * found.sigmas[0])


def finish(rows: Rows, right: gram.Right, *, center: bool, passes: int = 2) -> PVector:
    """Left vectors from right ones by a Rayleigh-Ritz step in float64, with the bound of their span."""
    k = right.vectors.shape[1]
    left, back = gram.apply_fast(rows, right) if right.fast else gram.apply(rows, right)
    ritz = right.vectors.T @ back
    values, turn = gram.eigen((ritz + ritz.T) / 2)
    if np.linalg.norm(back - right.image, 2) > 2 * (right.upper_error + right.floor):
        raise ValueError("the rows are not those that were read at first: the same rows are needed again")
    error = np.linalg.norm(back - right.vectors @ ritz, 2)
    following = float(right.values[k]) if len(right.values) > k else 0.0
    in_rows = radians(float(error) + right.floor, values[-1] - following - right.upper_error - right.floor)
    sigmas = np.sqrt(np.concatenate([values, right.values[k:] if len(right.values) > k else [0.0]])) / right.scale
    shrink = np.sqrt(min(1.0, (following + right.upper_error) / values[-1])) if values[-1] > 0 else 1.0
    own = single_rounding(right.raw, values[-1]) if right.fast else right.floor / max(values[-1], right.floor)
    return PVector(
        **signed(orthonormalised(left @ turn), center),
        sigmas=sigmas,
        resolution=right.resolution,
        explained=min(1.0, float(values.sum() / right.total)),
        residual=float(error / np.sqrt(values[-1]) / right.scale) if values[-1] > 0 else 0.0,
        bound=min(np.pi / 2, float(in_rows * (shrink if in_rows < np.pi / 4 else 1.0) + own)),
        certified=not right.fast,
        defined=bool(in_rows < np.pi / 4),
        centred=center,
        method=right.method,
        passes=passes,
        d=rows.d,
    )


def by_dual(rows: Rows, *, center: bool, k: int) -> PVector:
    """Eigenvectors of the n x n matrix F F'."""
    rows = gram.stacked(rows)
    gram.check_rows(rows.n)
    gram.check_k(k, rows.n, rows.d)
    matrix, scale = gram.dual_moments(rows, center=center)
    values, vectors = gram.eigen(matrix)
    total = float(np.trace(matrix))
    top = vectors[:, :k]
    error = np.linalg.norm(matrix @ top - top * values[:k], 2)
    rounding = gram.dual_rounding(rows, matrix)
    following = float(values[k]) if len(values) > k else 0.0
    bound = radians(float(error) + rounding, values[k - 1] - following - 2 * rounding)
    return PVector(
        **signed(top.copy(), center),
        sigmas=np.sqrt(np.append(values, 0.0)) / scale,
        resolution=float(np.sqrt(2 * rounding)) / scale,
        explained=min(1.0, float(values[:k].sum() / total)),
        residual=float(error / np.sqrt(values[k - 1]) / scale) if values[k - 1] > 0 else 0.0,
        bound=bound,
        certified=True,
        defined=bool(bound < np.pi / 4),
        centred=center,
        method="dual",
        passes=2,
        d=rows.d,
    )


def by_krylov(rows: Rows, *, center: bool, k: int) -> PVector:
    """Block Krylov in float32, then float64 where that is not enough, and Gram where the spectrum is too flat."""
    rows = gram.stacked(rows)
    tolerance = 1e-8 if rows.is_double else 0.8 * PROMISED
    passes, start = 0, None
    # To the end: BLAS threads spin for a while after a call, and would slow the workers of the next one.
    with workers():
        for exact in (True,) if rows.is_double else (False, True):
            found = krylov(rows, center=center, k=k, tolerance=tolerance, exact=exact, start=start)
            passes, start = passes + found.passes, found.right
            result = from_krylov(found, rows, center=center, method="krylov", passes=passes)
            if found.converged and (exact or not faint(result)):
                return result
    return replace(by_gram(rows, center=center, k=k), passes=passes + 4)


def by_randomized(rows: Rows, *, center: bool, k: int) -> PVector:
    """The randomised SVD of Halko, Martinsson & Tropp (2011): what the paper cites, wrong by degrees in near ties."""
    rows = gram.stacked(rows)
    with workers():
        found = randomized(rows, center=center, k=k)
        return from_krylov(found, rows, center=center, method="randomized", passes=found.passes)


def from_krylov(found: Krylov, rows: Rows, *, center: bool, method: str, passes: int) -> PVector:
    """A result whose gap is an estimate, or certified where the norm left over by the top k bounds the next value."""
    k = len(found.values) - 1
    values, following = found.values[:k], found.values[k]
    leftover = max(found.energy * (1 + 1e-12) - values.sum(), following)
    sure = radians(found.error, values[-1] - leftover - found.error)
    certified = found.exact and sure <= PROMISED
    bound = sure if certified else radians(found.error, values[-1] - following)
    if not certified and bound < np.pi / 4:  # of right vectors; F shrinks what is not along them, and rounds itself
        bound = float(bound * np.sqrt(following / values[-1]))
        bound += gram.EPS64 * rows.d if found.exact else single_rounding(found.raw, values[-1])
    root = np.sqrt(values[-1]) if values[-1] > 0 else 1.0
    return PVector(
        **signed(orthonormalised(found.left), center),
        sigmas=np.sqrt(found.values) / found.scale,
        resolution=float(np.sqrt(found.noise)) / found.scale,
        explained=min(1.0, float(values.sum() / found.energy)),
        residual=float(found.error / root / found.scale),
        bound=bound,
        certified=bool(certified),
        defined=bool(bound < np.pi / 4),
        centred=center,
        method=method,
        passes=passes,
        d=rows.d,
    )


ENGINES = {"gram": by_gram, "krylov": by_krylov, "dual": by_dual, "randomized": by_randomized}


def single_rounding(raw: float, value: float) -> float:
    """Angle by which float32 products F v miss their directions, of rows with squared norm `raw`, as it is seen."""
    return 2 * gram.EPS32 * float(np.sqrt(raw / value)) if value > 0 else float(np.pi / 2)


def radians(error: float, gap: float) -> float:
    """Davis-Kahan: an angle of arcsin(error / gap) at most; a right angle where the gap does not exceed the
    error.
    """
    return float(np.arcsin(error / gap)) if gap > error else float(np.pi / 2)


def orthonormalised(left: np.ndarray) -> np.ndarray:
    """Orthonormal columns with the directions (and signs) of `left`, whose columns are all but orthogonal."""
    if left.shape[1] == 1:
        length = np.linalg.norm(left)
        return left / length if length > 0 else np.eye(*left.shape)
    q, r = np.linalg.qr(left)
    return q * np.where(np.diag(r) < 0, -1.0, 1.0)


def signed(vectors: np.ndarray, center: bool) -> dict:
    """The sign rule: positive sum, or positive largest entry where the sum is 0; with the name of the rule used."""
    sums = vectors.sum(axis=0)
    by_sum = (np.abs(sums) > 1e-9 * np.sqrt(len(vectors))) & (not center)
    if not by_sum.all():
        largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
        sums = np.where(by_sum, sums, largest)
    vectors *= np.where(sums < 0, -1.0, 1.0)
    return {"vectors": vectors, "sign": "sum" if by_sum[0] else "largest entry"}
