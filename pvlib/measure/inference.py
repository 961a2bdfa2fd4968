"""Controls and stability of P-vectors: what a cosine would be without what is claimed of it.

Functions take vectors over the same n samples (PVector or arrays, scaled to unit length) and integer class
labels of these.
"""

from dataclasses import dataclass

import numpy as np

from .angles import between_spans, orthonormal, paired, paired_spans, same_samples, unit, warn_mixed
from .entries import boolean, to_float
from .inputs import as_rows
from .pvector import coordinates


@dataclass(frozen=True)
class Stability:
    """How far a P-vector moves when the samples are drawn again.

    Attributes
    ----------
    median_cos : float
        Of `cosines`.
    cosines : ndarray (replicates,)
        Absolute cosines with the original.
    sigma_gap, sigma_ratio : float
        First minus, and first over, second singular value of the features; the latter a lower bound as `PVector.ratio`.
    rank, replicates : int
        Directions that were refitted in, and how often.
    """

    median_cos: float
    cosines: np.ndarray
    sigma_gap: float
    sigma_ratio: float
    rank: int
    replicates: int


def stability(F, *, center: bool, replicates: int = 100, rank: int = 32, seed: int) -> Stability:
    """Bootstrap over samples: how near the P-vector refitted on a resample is to the original.

    Parameters
    ----------
    F : array (n, d)
        Features.
    center : bool
        As in `p_vector`.
    replicates, rank, seed : int
        Resamples; directions in which they are refitted; seed of the draws.

    Returns
    -------
    Stability

    Notes
    -----
    The rows are projected once on the top right directions; each replicate is refitted there (centred again where
    `center`), and its direction v applied to the original samples, Fv. So do Fisher et al., JASA 111 (2016) 846. Variation between
    training runs is another thing, and usually larger.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import stability
    >>> F = np.random.default_rng(0).standard_normal((200, 5)) * [9, 1, 1, 1, 1]
    >>> stability(F, center=True, replicates=20, seed=0).median_cos > 0.99
    True
    """
    center = boolean(center, "center")
    parts, span = coordinates(as_rows(F), center=center, rank=rank)
    n, rng, cosines = span.n, np.random.default_rng(seed), np.empty(replicates)
    sizes = span.singular_values[: span.k] / span.singular_values[0]
    basis = parts / span.singular_values[0]
    for i in range(replicates):
        counts = rng.multinomial(n, np.full(n, 1.0 / n)).astype(np.float64)
        gram = basis.T @ (basis * counts[:, None])
        if center:
            mean = basis.T @ counts / n
            gram -= n * np.outer(mean, mean)
        fitted = sizes * np.linalg.eigh(gram)[1][:, -1]
        length = np.linalg.norm(fitted)
        cosines[i] = abs(fitted[0]) / length if length > 0 else 0.0
    return Stability(
        median_cos=float(np.median(cosines)),
        cosines=cosines,
        sigma_gap=float(span.singular_values[0] - span.singular_values[1]),
        sigma_ratio=span.ratio,
        rank=max(1, int((sizes > 0).sum())),
        replicates=replicates,
    )


def between_class_share(u, labels) -> float:
    """Eta squared: the share of the variance of a vector's entries that lies between classes.

    Parameters
    ----------
    u : PVector or array (n,)
    labels : array (n,)

    Returns
    -------
    float
        0 to 1; NaN for a constant vector.

    Notes
    -----
    By chance it is (classes - 1) / (n - 1): more with more classes.

    Examples
    --------
    >>> from pvlib.measure import between_class_share
    >>> round(between_class_share([1, 1, 3, 3], [0, 0, 1, 1]), 6)
    1.0
    """
    u, codes = labelled(u, labels)
    centred = u - u.mean()
    total = centred @ centred
    if total < 1e-28:
        return float("nan")
    means = class_means(centred, codes)[codes]
    return float(np.clip(means @ means / total, 0.0, 1.0))


def class_residual(u, labels) -> np.ndarray:
    """A vector minus its class means, scaled to unit length.

    Parameters
    ----------
    u : PVector or array (n,)
    labels : array (n,)

    Returns
    -------
    ndarray (n,)

    Raises
    ------
    ValueError
        The vector is constant within every class.

    Examples
    --------
    >>> from pvlib.measure import class_residual
    >>> class_residual([1, 3, 5, 7], [0, 0, 1, 1])
    array([-0.5,  0.5, -0.5,  0.5])
    """
    u, codes = labelled(u, labels)
    residual = u - class_means(u, codes)[codes]
    length = np.linalg.norm(residual)
    if length < 1e-14:
        raise ValueError("u is constant within every class: nothing is left within classes to compare")
    return residual / length


def within_class_permutation(u, v, labels, *, replicates: int, seed: int) -> np.ndarray:
    """What labels alone would give: absolute cosines after permuting one vector's entries within classes.

    Parameters
    ----------
    u, v : PVector or array (n,)
    labels : array (n,)
    replicates, seed : int

    Returns
    -------
    ndarray (replicates,)
        What exceeds them is shared beyond the labels.

    Notes
    -----
    The mean over free permutations needs no draws: it is the `share` of `mean_direction`.

    Examples
    --------
    >>> from pvlib.measure import within_class_permutation
    >>> within_class_permutation([1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 1, 1], replicates=2, seed=0).round(6)
    array([1., 1.])
    """
    a, b = paired(u, v)
    a, codes = labelled(a, labels)
    order = np.argsort(codes, kind="stable")
    a, b = a[order], b[order]
    groups = np.split(np.arange(a.size), np.flatnonzero(np.diff(codes[order])) + 1)
    rng = np.random.default_rng(seed)
    dots = np.zeros(replicates)
    for group in groups:
        shuffled = rng.permuted(np.broadcast_to(a[group], (replicates, group.size)), axis=1)
        dots += shuffled @ b[group]
    return np.minimum(np.abs(dots), 1.0)


def class_span_rotation(u, v, labels, *, replicates: int, seed: int) -> np.ndarray:
    """What classes alone would give: absolute cosines after turning one vector's class means at random.

    The part of u that lies in the span of class means gets a random direction inside that span. The mean over all samples and what is
    left within classes stay as they are. Two classifiers whose centred P-vectors are *any* directions of that span agree this much.

    Parameters
    ----------
    u, v : PVector or array (n,)
    labels : array (n,)
        Three classes or more.
    replicates, seed : int

    Returns
    -------
    ndarray (replicates,)

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import class_span_rotation
    >>> u = np.repeat([1.0, 0.0, -1.0], 5)
    >>> found = class_span_rotation(u, u, np.repeat([0, 1, 2], 5), replicates=500, seed=0)
    >>> bool(abs(found.mean() - 2 / np.pi) < 0.1)  # the mean absolute cosine of two directions of a plane
    True
    """
    a, b = paired(u, v)
    a, codes = labelled(a, labels)
    between_a, between_b = (class_means(x - x.mean(), codes)[codes] for x in (a, b))
    kept = a @ b - between_a @ between_b
    span = codes.max()  # classes - 1
    if span < 2:
        raise ValueError(
            f"{span + 1} classes span {span} dimensions of class means: a rotation needs three classes or more"
        )
    directions = np.random.default_rng(seed).standard_normal((replicates, span))
    first = directions[:, 0] / np.linalg.norm(directions, axis=1)
    dots = kept + np.linalg.norm(between_a) * np.linalg.norm(between_b) * first
    return np.minimum(np.abs(dots), 1.0)


def span_overlap(U, V) -> float:
    """Overlap of two spans of the same dimension k: tr(P1 P2) / k of the projections on them.

    Parameters
    ----------
    U, V : PVector or array (n, k)

    Returns
    -------
    float
        1 for the same span, 0 for orthogonal ones.

    Notes
    -----
    Under a free permutation of n centred samples its mean is k / (n - 1).

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import span_overlap
    >>> span_overlap(np.eye(4)[:, :2], np.eye(4)[:, 1:3])
    0.5
    """
    A, B = paired_spans(U, V)
    if A.shape[1] != B.shape[1]:
        raise ValueError(
            f"U spans {A.shape[1]} dimensions and V {B.shape[1]}: the overlap compares spans of one dimension"
        )
    return float(min(1.0, np.linalg.norm(A.T @ B) ** 2 / A.shape[1]))


def angle_to_span(u, V) -> float:
    """Angle between the line of a vector and a span, in radians, in [0, pi/2].

    Parameters
    ----------
    u : PVector or array (n,)
    V : PVector or array (n, k)

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib.measure import angle_to_span
    >>> round(np.degrees(angle_to_span([1, 1, 0], np.eye(3)[:, 1:])), 1)
    np.float64(45.0)
    """
    a, B = unit(u, "u"), orthonormal(V, "V")
    same_samples(a, B)
    warn_mixed(u, V, stacklevel=3)
    return float(between_spans(a[:, None], B)[0])


def labelled(u, labels) -> tuple[np.ndarray, np.ndarray]:
    """Unit vector, and class codes 0..C-1 in the order of the sorted labels."""
    u = unit(u, "u")
    if np.ma.is_masked(labels):
        raise ValueError("labels are a masked array with masked entries: drop these samples from u and the labels")
    labels = np.asarray(to_float(labels)) if hasattr(labels, "detach") else np.asarray(labels)
    if labels.shape != u.shape:
        raise ValueError(
            f"labels have shape {labels.shape} and u has {u.size} samples: one label for each sample is needed"
        )
    return u, np.unique(labels, return_inverse=True)[1]


def class_means(u: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.bincount(codes, weights=u) / np.bincount(codes)
