"""Controls and stability of P-vectors: what a cosine would be without what is claimed of it. Not for verdicts
(report does these).

Functions take vectors over the same n samples (PVector or arrays, scaled to unit length) and integer class
labels of these.
"""

from dataclasses import dataclass

import numpy as np

from .angles import orthonormal, paired, paired_spans, same_samples, unit, warn_mixed
from .gram import top_right
from .inputs import as_rows, boolean
from .rows import to_float


@dataclass(frozen=True)
class Stability:
    """How far a P-vector moves when the samples are drawn again; `cosines` (replicates,) are |cos| with the
    original. Not for variation between training runs, which is usually larger.
    """

    median_cos: float
    cosines: np.ndarray
    sigma_gap: float  # sigma_1 - sigma_2 of the features
    sigma_ratio: float  # sigma_1 / sigma_2, or a lower bound of it, as `PVector.ratio`
    rank: int
    replicates: int


def stability(F, *, center: bool, replicates: int = 100, rank: int = 32, seed: int) -> Stability:
    """Bootstrap over samples: median |cos| between the P-vector refitted on a resample and the original.

    F : (n, d) features.

    The rows are projected once on the top min(rank, d) right directions; each replicate is refitted there (centred
    again where `center`), and its direction applied to the original samples: u* = F v* / |F v*|.
    Source: project protocol, point 5; the projection is that of Fisher et al., JASA 111 (2016) 846.
    Not for training randomness: that is variation between seeds, and usually larger.
    """
    center = boolean(center, "center")
    coordinates, sigmas, resolution = top_right(as_rows(F), center=center, rank=rank)
    n = len(coordinates)
    rng = np.random.default_rng(seed)
    scaled = sigmas / sigmas[0]
    basis = coordinates / sigmas[0]
    cosines = np.empty(replicates)
    for i in range(replicates):
        counts = rng.multinomial(n, np.full(n, 1.0 / n)).astype(np.float64)
        gram = basis.T @ (basis * counts[:, None])
        if center:
            mean = basis.T @ counts / n
            gram -= n * np.outer(mean, mean)
        direction = np.linalg.eigh(gram)[1][:, -1]
        fitted = scaled * direction
        length = np.linalg.norm(fitted)
        cosines[i] = abs(fitted[0]) / length if length > 0 else 0.0
    second = sigmas[1] if len(sigmas) > 1 else 0.0
    least = max(second, resolution)
    return Stability(
        median_cos=float(np.median(cosines)),
        cosines=cosines,
        sigma_gap=float(sigmas[0] - second),
        sigma_ratio=float(sigmas[0] / least) if least > 0 else float("inf"),
        rank=len(sigmas),
        replicates=replicates,
    )


def between_class_share(u, labels) -> float:
    """Eta squared: the share of the variance of u's entries that lies between classes, 0 to 1 (NaN for a
    constant u).

    Not for comparing data sets: by chance alone it is (classes - 1) / (n - 1), more with more classes.
    """
    u, codes = labelled(u, labels)
    centred = u - u.mean()
    total = centred @ centred
    if total < 1e-28:
        return float("nan")
    means = class_means(centred, codes)[codes]
    return float(np.clip(means @ means / total, 0.0, 1.0))


def class_residual(u, labels) -> np.ndarray:
    """u minus its class means, scaled to unit length: (n,).

    ValueError where u is constant within every class. Not where classes hold one or two samples: little is left.
    """
    u, codes = labelled(u, labels)
    residual = u - class_means(u, codes)[codes]
    length = np.linalg.norm(residual)
    if length < 1e-14:
        raise ValueError("u is constant within every class: nothing is left within classes to compare")
    return residual / length


def within_class_permutation(u, v, labels, *, replicates: int, seed: int) -> np.ndarray:
    """|cos| (replicates,) after permuting u's entries within classes: what labels alone would give.

    What exceeds it is shared beyond the labels. Not a test of a free permutation: that mean is c_u c_v
    exactly (`mean_direction`), and for centred vectors everything exceeds it.
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
    """|cos| (replicates,) after turning u's class-mean part to a random direction inside the span of class
    means.

    The mean over all samples and what is left within classes stay as they are. Two classifiers whose centred
    P-vectors are *any* directions of that span agree this much. Not meaningful for networks that do not
    separate classes.
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
    """tr(P1 P2) / k of the projections on two k-dimensional spans, U, V : (n, k); 1 the same span, 0
    orthogonal.

    Under a free permutation of n centred samples its mean is k / (n - 1). Not for spans of different
    dimension: ValueError.
    """
    A, B = paired_spans(U, V)
    if A.shape[1] != B.shape[1]:
        raise ValueError(
            f"U spans {A.shape[1]} dimensions and V {B.shape[1]}: the overlap compares spans of one dimension"
        )
    return float(min(1.0, np.linalg.norm(A.T @ B) ** 2 / A.shape[1]))


def angle_to_span(u, V) -> float:
    """Angle in radians between the line of u and the span of V's columns, in [0, pi/2].

    Not for comparing spans of different dimension: the larger span is nearer to any line.
    """
    a, B = unit(u, "u"), orthonormal(V, "V")
    same_samples(a, B)
    warn_mixed(u, V, stacklevel=3)
    inside = B @ (B.T @ a)
    return float(np.arctan2(np.linalg.norm(a - inside), np.linalg.norm(inside)))


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
