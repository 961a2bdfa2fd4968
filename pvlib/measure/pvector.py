"""The front door: the P-vector of a feature matrix, its top left singular vector, with an error bound.

The P-vector u (Liu et al., arXiv 2110.02863) holds one number for each sample, so networks of any width can
be compared over the same samples in the same order.
"""

import warnings
from contextlib import nullcontext

import numpy as np

from . import gram
from .angles import PROMISED
from .bounds import EPS32, EPS64, Errors, dual_rounding, left_rounding, norm, tilt
from .cautions import TieWarning
from .choice import plan
from .entries import boolean
from .inputs import as_rows
from .lanczos import TOLERANCE, Krylov, Start, krylov, randomized
from .moments import Right, eigen, leading, right_of
from .result import PVector
from .rows import NARROW, ArrayRows, Rows
from .threads import workers

FAINT = 0.01  # of the first singular value: float32 products drown a following one that is smaller


def p_vector(features, *, center: bool, k: int = 1, method: str = "auto", progress: bool = False) -> PVector:
    """The P-vector of features: their top left singular vector, or the top k of them.

    Parameters
    ----------
    features : array (n, d), or batches of rows
        A row for each sample. NumPy (memory maps too), torch (any device; a CUDA tensor is multiplied where it is; half precision is
        upcast block by block), Dask, nested lists, or batches of rows that can be read several times. Neither changed nor
        copied whole. Of a Dask array the workers measure every chunk, twice: persist() it where chunks are costly.
    center : bool
        Subtract the mean of every feature first. The two conventions give different vectors; the paper does not say which it used,
        so there is no default.
    k : int
        Dimension of the span; `error_bound`, `gap` and `defined` are about the span of all k.
    method : {"auto", "gram", "dual", "krylov", "randomized"}
        "gram" uses the d x d moments (one pass), "dual" the n x n ones, "krylov" suits wide resident matrices, "randomized" is that of Halko
        et al. 2011, which the paper cites: fast, and wrong by degrees in near ties. "auto" chooses.
    progress : bool
        A bar on stderr of the rows read, for each pass.

    Returns
    -------
    PVector
        1 - cos to the exact one is at most 1e-11 wherever `error_bound` is at most 4.5e-6; where float32 products are not enough
        for that (near ties), they are done again in float64.

    Raises
    ------
    ValueError
        NaN or infinity (named by row and column), features that are all zero or, centred, all equal, a single row, no columns,
        k > min(n, d), masked entries, batches that are not the same each time they are read.
    TypeError
        Sparse or not numeric input, a `center` that is no boolean, and generators, which can be read only once.

    Warns
    -----
    TieWarning
        The k-th and (k+1)-th singular values tie: the span is one of many (`defined` is False).

    Notes
    -----
    P-vectors are compared over the same samples in the same order. The error bound is that of Davis & Kahan (1970) and Wedin
    (1972), with Weyl's inequality.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import p_vector
    >>> features = np.random.default_rng(0).standard_normal((100, 8)) + 1
    >>> found = p_vector(features, center=True)
    >>> found.vector.shape, found.defined, found.error_bound < 1e-6
    ((100,), True, True)
    """
    if method not in ("auto", *ENGINES):
        raise ValueError(f"method={method!r} is none of auto, {', '.join(ENGINES)}")
    center = boolean(center, "center")
    if not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k={k!r}: the number of singular vectors must be an integer of 1 or more")
    rows = as_rows(features)
    rows.progress, rows.passes = progress, 0
    rows.check_method(method)
    if rows.n is not None:
        gram.check_rows(rows.n)
        gram.check_k(k, rows.n, rows.d)
    method, options = plan(rows, center=center, k=k) if method == "auto" else (method, {})
    found = ENGINES[method](rows, center, k, **options)
    if not found.defined:
        warnings.warn(
            f"sigma_{k} = {found.singular_values[k - 1]:.6g} and sigma_{k + 1} = {found.singular_values[k]:.6g} cannot be told apart "
            f"by method {found.method!r}: the top-{k} span is one of many (defined=False); compare a larger span",
            TieWarning,
            stacklevel=2,
        )
    return found


def by_gram(rows: Rows, center: bool, k: int) -> PVector:
    """Gram and eigh; products in the precision of the rows first, in float64 where that is not accurate enough."""
    # BLAS threads that still spin when the rows are read again would cost more than they gain.
    with workers() if (rows.d or NARROW + 1) <= NARROW else nullcontext():
        for exact in (False, True):
            moments = gram.sound_moments(rows, center=center, exact=exact)
            gram.check_k(k, moments.n, len(moments.shift))
            found = from_right(rows, right_of(moments, center=center, k=k))
            if moments.exact or accurate(found):
                break
    return found


def accurate(found: PVector) -> bool:
    """Whether float32 products were enough: for the promised angle, and for a sigma_(k+1) that they do not drown."""
    first, following = found.singular_values[0], found.singular_values[found.k]
    faint = found.k < min(found.n, found.d) and following <= max(found.resolution, FAINT * first)
    return found.error_bound <= PROMISED and not faint


def from_right(rows: Rows, right: Right) -> PVector:
    """Left vectors from right ones by a Rayleigh-Ritz step, with the bound of their span."""
    k = right.vectors.shape[1]
    found = rows.apply(right)
    if norm(found.back - right.image) > 2 * (right.weyl + found.rounding):
        raise ValueError("the rows are not those that were read at first: the same rows are needed again")
    ritz = right.vectors.T @ found.back
    values, turn = eigen((ritz + ritz.T) / 2) if k > 1 else (np.maximum(ritz[0], 0.0), None)
    errors = Errors(
        residual=norm(found.back - right.vectors @ ritz),
        rounding=found.rounding,
        limit=float(right.values[k]) + right.weyl,
        own=left_rounding(found.energy, values[-1], len(right.vectors), found.eps),
        faintest=right.weyl + found.rounding,
        certified=found.eps == EPS64,
    )
    left = found.left if turn is None else found.left @ turn
    values = np.append(values, right.values[k])
    return result(rows, left, values, errors, right.total, right.scale, bool(right.centre), "gram")


def resident(rows: Rows, k: int) -> ArrayRows:
    """All rows as one array, checked now that their number is known."""
    rows = rows.whole()
    gram.check_rows(rows.n)
    gram.check_k(k, rows.n, rows.d)
    return rows


def by_dual(rows: Rows, center: bool, k: int) -> PVector:
    """Eigenvectors of the n x n matrix F F'."""
    rows = resident(rows, k)
    matrix, scale = gram.dual_moments(rows, center=center)
    values, vectors = leading(matrix, k + 1)
    values, top = np.append(values, 0.0)[: k + 1], vectors[:, :k].copy()
    total = float(np.trace(matrix))
    residual = norm(matrix @ top - top * values[:k])
    rounding = dual_rounding(rows.n, rows.d, gram.dual_columns(rows.n)) * total
    errors = Errors(residual, rounding, limit=float(values[k]) + rounding, faintest=2 * rounding, direct=True)
    return result(rows, top, values, errors, total, scale, center, "dual")


def by_krylov(rows: Rows, center: bool, k: int, worth: float = np.inf, start: Start | None = None) -> PVector:
    """Block Krylov in float32, then float64 where that is not enough; Gram (or dual) where the spectrum is too flat."""
    rows, block = resident(rows, k), None
    tolerance, double = TOLERANCE[rows.dtype], rows.dtype == np.float64
    # To the end: BLAS threads spin for a while after a call, and would slow the workers of the next one.
    with workers():
        start = start or Start.of(rows, center=center, k=k)
        for exact in (True,) if double else (False, True):
            found = krylov(
                rows, center=center, k=k, tolerance=tolerance, exact=exact, start=start, block=block, worth=worth
            )
            if found.hopeless:
                break
            block = found.right
            if found.converged:
                known = from_krylov(rows, found, center, "krylov")
                if exact or accurate(known):
                    return known
    return (by_gram if rows.n >= rows.d else by_dual)(rows, center, k)


def by_randomized(rows: Rows, center: bool, k: int) -> PVector:
    """The randomised SVD of Halko, Martinsson & Tropp (2011): what the paper cites, wrong by degrees in near ties."""
    rows = resident(rows, k)
    with workers():
        return from_krylov(rows, randomized(rows, center=center, k=k), center, "randomized")


def from_krylov(rows: Rows, found: Krylov, center: bool, method: str) -> PVector:
    """A result whose gap is an estimate, or certified where the norm left over by the top k bounds the next value."""
    values, known, exact = found.values, found.product, found.product.dtype == np.float64
    leftover = max(known.energy * (1 + 1e-12) - values[:-1].sum(), values[-1])
    certified = exact and tilt(found.residual + found.noise, values[-2] - leftover - found.noise) <= PROMISED
    errors = Errors(
        residual=found.residual,
        rounding=found.noise,
        limit=float(leftover if certified else found.limit),
        own=left_rounding(known.raw, values[-2], rows.d, EPS64 if exact else EPS32),
        faintest=found.noise,
        certified=bool(certified),
    )
    return result(rows, found.left, values, errors, known.energy, known.scale, center, method)


ENGINES = {"gram": by_gram, "dual": by_dual, "krylov": by_krylov, "randomized": by_randomized}


def coordinates(rows: Rows, *, center: bool, rank: int) -> tuple[np.ndarray, PVector]:
    """(n, k) float64 coordinates of the (centred) rows in their top k <= rank right directions, and the span of these."""
    if rows.n is not None and rows.n < rows.d:  # the matrix is smaller than its moments
        found = by_dual(rows, center, min(rank, rows.n))
    else:
        moments = gram.sound_moments(rows, center=center, exact=True)
        found = from_right(rows, right_of(moments, center=center, k=min(rank, moments.n, len(moments.shift))))
    return found.vectors * found.singular_values[: found.k], found


def result(rows, left, values, errors: Errors, total: float, scale: float, center: bool, method: str) -> PVector:
    """The PVector of left vectors, not yet normalised, and of k + 1 squared singular values of the scaled rows."""
    least = float(values[-2])
    bound, defined = errors.bound(least)
    return PVector(
        **oriented(left, center),
        singular_values=gram.within(np.sqrt(values), scale),
        resolution=float(np.sqrt(errors.faintest) / scale),
        explained=min(1.0, float(values[:-1].sum() / total)),
        residual=float(errors.residual / np.sqrt(least) / scale) if least > 0 else 0.0,
        error_bound=bound,
        certified=errors.certified,
        defined=defined,
        centred=center,
        method=method,
        passes=rows.passes,
        d=rows.d,
    )


def oriented(left: np.ndarray, center: bool) -> dict:
    """Orthonormal columns of the same span (`left` is overwritten), by the sign rule: positive sum, or positive largest entry where
    the sum is 0; with the name of the rule used.
    """
    length = float(np.linalg.norm(left))
    if left.shape[1] > 1 or length == 0:
        left, length = np.linalg.qr(left)[0], 1.0
    sums = left.sum(axis=0)
    by_sum = (np.abs(sums) > 1e-9 * np.sqrt(len(left)) * length) & (not center)
    if not by_sum.all():
        largest = left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])]
        sums = np.where(by_sum, sums, largest)
    left *= np.where(sums < 0, -1.0, 1.0) / length
    return {"vectors": left, "sign": "sum" if by_sum[0] else "largest entry"}
