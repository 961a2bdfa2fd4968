"""Other measures of similarity of two feature matrices over the same samples: `measure(a, b)`, at most 1.

1 means the same up to the transformations of `INVARIANCES`, a table that the tests assert in both directions. None of
these says what is high: `compare` does, by a permutation null. All but mutual_knn are functions of the d x d moments,
so no n x n matrix is held unless n < d.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .angles import unit_rows
from .cautions import NoDirection
from .entries import boolean, to_float
from .gram import check_rows, stacked
from .inputs import as_rows
from .moments import block_rows, eigen
from .rows import NARROW
from .rows import ArrayRows as Rows
from .threads import shares, workers

ROWS = 1024  # of a block: enough that adding the moments up costs little beside the products

#: What each measure must not see (True) and must see (False) when it is done to one of the two matrices.
INVARIANCES = {
    "linear_cka": {"orthogonal": True, "scale": True, "translation": True, "linear": False, "shuffle": False},
    "svcca": {"orthogonal": True, "scale": True, "translation": True, "linear": False, "shuffle": False},
    "top_span": {"orthogonal": True, "scale": True, "translation": True, "linear": False, "shuffle": False},
    "procrustes": {"orthogonal": True, "scale": True, "translation": True, "linear": False, "shuffle": False},
    "mutual_knn": {"orthogonal": True, "scale": True, "translation": False, "linear": False, "shuffle": False},
    "p_vector_uncentred": {"orthogonal": True, "scale": True, "translation": False, "linear": False, "shuffle": False},
    "p_vector_centred": {"orthogonal": True, "scale": True, "translation": True, "linear": False, "shuffle": False},
}


EQUAL = "all rows of a matrix are equal: centred, nothing is left to compare"


class Centred:
    """Rows of a resident matrix minus their mean, in float64, when they are asked for: ``centred[rows]``."""

    def __init__(self, rows: Rows):
        first, n = rows.block(0, 1)[0].astype(np.float64), rows.n
        total = sum((block - first).sum(axis=0) for _, block in rows.blocks())
        if not np.isfinite(total).all():
            rows.survey().refuse_bad()
        self.matrix, self.shape = rows.matrix, (n, rows.d)
        self.mean = first, total / n  # in two parts, whose sum would be rounded

    def __getitem__(self, chosen) -> np.ndarray:
        return (to_float(self.matrix[chosen]).astype(np.float64) - self.mean[0]) - self.mean[1]


@dataclass
class Norms:
    """Squared norms of A'A, B'B and A'B of centred matrices (A'B's is HSIC), and what debiasing needs beside them."""

    n: int
    aa: float
    bb: float
    ab: float
    traces: tuple[float, float]  # |A|^2, |B|^2
    diagonals: tuple[float, float, float]  # sums of k_i^2, l_i^2, k_i l_i; k, l are the rows' squared lengths


class Spectrum:
    """Eigenvalues, descending, and eigenvectors of a moment matrix, computed when they are asked for, and once."""

    def __init__(self, moment: np.ndarray):
        self.moment = moment

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        return eigen(self.moment)


@dataclass
class Pair:
    """Two centred matrices A (n, d_a) and B (n, d_b), or what gives their rows, with their moments."""

    A: np.ndarray | Centred
    B: np.ndarray | Centred
    aa: np.ndarray  # A'A
    bb: np.ndarray
    ab: np.ndarray
    diagonals: tuple[float, float, float]
    spectra: tuple[Spectrum, Spectrum]  # of A'A and B'B

    @classmethod
    def of(cls, A: np.ndarray | Centred, B: np.ndarray | Centred) -> "Pair":
        """Moments block by block."""

        def share(part: range) -> tuple:
            aa, bb, ab, sums = (np.zeros(shape) for shape in ((a, a), (b, b), (a, b), 3))
            for start in part:
                block = slice(start, min(start + part.step, part.stop))
                x, y = A[block], B[block]
                aa += x.T @ x
                bb += y.T @ y
                ab += x.T @ y
                sums += diagonals(x, y)
            return aa, bb, ab, sums

        (n, a), (_, b) = A.shape, B.shape
        if max(a, b) <= NARROW:
            with workers() as (run, count):
                parts = run(share, shares(n, count, ROWS))
        else:
            parts = [share(range(0, n, max(ROWS, block_rows(max(a, b)))))]
        aa, bb, ab, sums = (sum(each) for each in zip(*parts, strict=True))
        if not (aa.any() and bb.any()):
            raise NoDirection(EQUAL)
        return cls(A, B, aa, bb, ab, tuple(sums), (Spectrum(aa), Spectrum(bb)))

    def permuted(self, order: np.ndarray) -> "Pair":
        """Where the samples of B come in another order."""
        ab, both, size = np.zeros_like(self.ab), 0.0, max(ROWS, block_rows(max(self.ab.shape)))
        for start in range(0, len(order), size):
            x, y = self.A[start : start + size], self.B[order[start : start + size]]
            ab += x.T @ y
            both += diagonals(x, y)[2]
        return replace(self, ab=ab, diagonals=(*self.diagonals[:2], both))

    @property
    def norms(self) -> Norms:
        aa, bb, ab = (float(np.sum(moment**2)) for moment in (self.aa, self.bb, self.ab))
        traces = float(np.trace(self.aa)), float(np.trace(self.bb))
        return Norms(self.A.shape[0], aa, bb, ab, traces, self.diagonals)


def diagonals(A: np.ndarray, B: np.ndarray) -> tuple[float, float, float]:
    k, l = np.einsum("ij,ij->i", A, A), np.einsum("ij,ij->i", B, B)  # noqa: E741
    return float(k @ k), float(l @ l), float(k @ l)


def linear_cka(a, b, *, debiased: bool = False) -> float:
    """Linear centred kernel alignment: squared norms ``|A'B|^2 / (|A'A| |B'B|)`` of the centred matrices.

    Parameters
    ----------
    a, b : array (n, d)
        Features over the same samples in the same order.
    debiased : bool
        The unbiased estimator of HSIC, which may be below 0. It is needed where n is not much larger than d: the other is
        near 1 there whatever the features are.

    Returns
    -------
    float

    Notes
    -----
    Kornblith et al., ICML 2019; Song et al., JMLR 13 (2012) 1393. The largest directions dominate it.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import linear_cka
    >>> a = np.random.default_rng(0).standard_normal((50, 4))
    >>> round(linear_cka(a, 3 * a[:, ::-1]), 6)
    1.0
    """
    debiased = boolean(debiased, "debiased")
    norms = moment_norms(*same_samples(a, b))
    return debiased_cka(norms) if debiased else biased_cka(norms)


def moment_norms(a: Rows, b: Rows) -> Norms:
    """For matrices wider than long from the kernels A A' and B B', which are smaller than the moments."""
    A, B = Centred(a), Centred(b)
    if max(a.d, b.d) <= a.n:
        return Pair.of(A, B).norms
    K, L = (X @ X.T for X in (A[:], B[:]))
    if not (K.any() and L.any()):
        raise NoDirection(EQUAL)
    k, l = np.diag(K), np.diag(L)  # noqa: E741
    aa, bb, ab = (float(np.vdot(X, Y)) for X, Y in ((K, K), (L, L), (K, L)))
    return Norms(a.n, aa, bb, ab, (float(k.sum()), float(l.sum())), (float(k @ k), float(l @ l), float(k @ l)))


def biased_cka(norms: Norms) -> float:
    return float(min(1.0, norms.ab / np.sqrt(norms.aa) / np.sqrt(norms.bb)))


def debiased_cka(norms: Norms) -> float:
    """From U-statistics of HSIC; rows are centred, so every row of the kernel sums to zero."""
    if norms.n < 4:
        raise ValueError(f"debiased CKA needs 4 samples or more, {norms.n} are given")
    (a, b), (kk, ll, kl) = norms.traces, norms.diagonals
    aa, bb = unbiased_hsic(norms.n, norms.aa, kk, a * a), unbiased_hsic(norms.n, norms.bb, ll, b * b)
    if min(aa, bb) <= 0:
        raise ValueError("debiased CKA is undefined: the unbiased self-similarity of a matrix is not positive")
    return float(unbiased_hsic(norms.n, norms.ab, kl, a * b) / np.sqrt(aa) / np.sqrt(bb))


def unbiased_hsic(n: int, cross: float, diagonal: float, traces: float) -> float:
    return cross - diagonal * n / (n - 2) + traces / ((n - 1) * (n - 2))


def svcca(a, b, *, variance: float = 0.99) -> float:
    """Mean canonical correlation between the directions that hold most of each matrix's variance.

    Parameters
    ----------
    a, b : array (n, d)
        Features over the same samples in the same order.
    variance : float
        Directions are kept until the sum of their *squared* singular values reaches this share.

    Returns
    -------
    float
        The mean over as many correlations as the smaller subspace has.

    Notes
    -----
    Raghu et al., NeurIPS 2017. Where the dimensions kept come near n, any two matrices reach 1.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import svcca
    >>> a = np.random.default_rng(0).standard_normal((50, 4))
    >>> round(svcca(a, 3 * a[:, ::-1]), 6)
    1.0
    """
    if not 0 < variance <= 1:
        raise ValueError(f"variance={variance}: a share above 0 and not above 1 is needed")
    return canonical(paired_moments(a, b), variance)


def top_span(a, b, *, k: int = 10) -> float:
    """Mean cosine of the principal angles between the spans of the top k centred left singular vectors.

    Parameters
    ----------
    a, b : array (n, d)
        Features over the same samples in the same order.
    k : int
        Directions of each. A matrix of lower rank gives all it has, and the mean is over the smaller span; k = 1 is the absolute
        cosine of centred P-vectors.

    Returns
    -------
    float

    Notes
    -----
    Bjorck & Golub, Math. Comp. 27 (1973) 579. Where the k-th and (k+1)-th singular values tie, that span is one of many. The chance
    level grows with k.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import top_span
    >>> a = np.random.default_rng(0).standard_normal((50, 4))
    >>> round(top_span(a, 3 * a[:, ::-1], k=2), 6)
    1.0
    """
    if not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k={k!r}: the dimension of the spans must be an integer of 1 or more")
    return canonical(paired_moments(a, b), most=k)


def canonical(pair: Pair, variance: float = 1.0, most: int | None = None) -> float:
    """Mean canonical correlation of the leading directions that hold `variance`, `most` of them at most."""
    left, right = (whitening(spectrum, variance)[:, :most] for spectrum in pair.spectra)
    correlations = np.linalg.svd(left.T @ pair.ab @ right, compute_uv=False)
    return float(np.clip(correlations, 0, 1).mean())


def whitening(spectrum: Spectrum, variance: float) -> np.ndarray:
    """(d, r) directions, leading ones first, scaled so that the matrix projected on them is orthonormal."""
    values, vectors = spectrum.parts
    values = values[values > 0]
    share = np.cumsum(values) / values.sum()
    kept = min(int(np.searchsorted(share, variance * (1 - 1e-12))) + 1, len(values))
    return vectors[:, :kept] / np.sqrt(values[:kept])


def procrustes(a, b) -> float:
    """Cosine of the orthogonal Procrustes angle: the nuclear norm of A'B over the norms of A and B, both centred.

    Parameters
    ----------
    a, b : array (n, d)
        Features over the same samples in the same order.

    Returns
    -------
    float

    Notes
    -----
    Its arccos is a metric (Williams et al., NeurIPS 2021). It grows with the number of dimensions: across widths, compare
    it with its null.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import procrustes
    >>> a = np.random.default_rng(0).standard_normal((50, 4))
    >>> round(procrustes(a, 3 * a[:, ::-1]), 6)
    1.0
    """
    return nuclear(paired_moments(a, b))


def nuclear(pair: Pair) -> float:
    lengths = np.sqrt(np.trace(pair.aa)) * np.sqrt(np.trace(pair.bb))
    return float(min(1.0, np.linalg.svd(pair.ab, compute_uv=False).sum() / lengths))


def mutual_knn(a, b, *, neighbours: int = 10) -> float:
    """Mean share of common neighbours among each sample's nearest ones by cosine in both matrices.

    Parameters
    ----------
    a, b : array (n, d)
        Features over the same samples in the same order.
    neighbours : int
        How many of each sample.

    Returns
    -------
    float

    Notes
    -----
    Huh et al., ICML 2024. By chance it is neighbours / (n - 1). Neighbours of duplicated samples are ties.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import mutual_knn
    >>> a = np.random.default_rng(0).standard_normal((50, 4))
    >>> round(mutual_knn(a, 3 * a[:, ::-1]), 6)
    1.0
    """
    a, b = same_samples(a, b)
    return float(common_share(nearest(a, neighbours), nearest(b, neighbours)).mean())


def nearest(rows: Rows, neighbours: int, of: np.ndarray | None = None) -> np.ndarray:
    """(n, neighbours) indices, the sample itself left out, in no order; of these samples alone, among all."""
    if not 1 <= neighbours < rows.n:
        raise ValueError(f"neighbours={neighbours} with {rows.n} samples: 1 to {rows.n - 1} are possible")
    unit = unit_rows(rows.matrix)
    if not np.isfinite(unit).all():
        rows.survey().refuse_bad()
    of = np.arange(rows.n) if of is None else of
    found, size = np.empty((len(of), neighbours), dtype=np.int64), max(16, (1 << 22) // rows.n)
    for start in range(0, len(of), size):
        part = of[start : start + size]
        close = unit[part] @ unit.T
        close[np.arange(len(part)), part] = -np.inf
        found[start : start + size] = np.argpartition(-close, neighbours - 1, axis=1)[:, :neighbours]
    return found


def common_share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) share of indices that rows of two (n, m) neighbour lists have in common."""
    both = np.sort(np.concatenate([first, second], axis=1), axis=1)
    return (both[:, 1:] == both[:, :-1]).sum(axis=1) / first.shape[1]


def same_samples(*given, names: Sequence[str] = ("a", "b"), least: int = 2) -> list[Rows]:
    """Resident rows of each; ValueError with names where the numbers of samples differ, or are fewer than the least."""
    first, *others = found = [stacked(as_rows(one, name)) for one, name in zip(given, names, strict=True)]
    for other, name in zip(others, names[1:], strict=True):
        if other.n != first.n:
            raise ValueError(
                f"{names[0]} has {first.n} samples and {name} has {other.n}: the same samples in the same order are needed"
            )
    check_rows(first.n)
    if first.n < least:
        raise ValueError(
            f"{names[0]} and {names[1]} have {first.n} samples: {least} or more are needed to calibrate anything"
        )
    return found


def paired_moments(a, b) -> Pair:
    """A matrix wider than long is first rotated to n dimensions, which changes no moment of the others."""
    return Pair.of(*(narrowed(Centred(rows)) for rows in same_samples(a, b)))


def narrowed(A: Centred) -> np.ndarray | Centred:
    return A if A.shape[1] <= A.shape[0] else np.asarray(np.linalg.qr(A[:].T, mode="r")).T
