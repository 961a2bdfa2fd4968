"""How high a measure is by chance, and how sure: its value over half-samples and over permutations of the samples.

Estimates are those of the library's own functions. Intervals come from half-samples (drawn without replacement, they
have the variance of the bootstrap and none of its duplicates), nulls from permutations of the samples of one matrix. In
wide matrices both are applied to coordinates on the leading directions alone: by how much that changes the estimate is
added to the interval, and by how much it changes some permutations to the null.
"""

import warnings
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from .angles import angle, cosine, mean_direction
from .cautions import TieWarning
from .pvector import by_randomized, coordinates, p_vector
from .result import PVector
from .results import Record
from .rows import ArrayRows as Rows
from .similarity import (
    ROWS,
    Centred,
    Pair,
    Spectrum,
    biased_cka,
    canonical,
    common_share,
    debiased_cka,
    nearest,
    nuclear,
)

NEIGHBOURS = 10
KNN_SAMPLES = 5000  # of more samples than this, the neighbours of so many, drawn at random, are looked up among all
VARIANCE = 0.99  # of SVCCA
SPAN = 10  # dimensions of the spans
ALPHA = 0.05
SAMPLES = 20  # fewer calibrate nothing
CKA_RANK, SVD_RANK = 256, 96  # leading directions that half-samples and permutations go through
WHOLE = 5  # permutations of matrices with more directions that go through all of them
RANK = 32  # leading directions in which a P-vector is fitted again
UNSTABLE = 0.9
CKA = {
    "linear CKA": lambda pair: biased_cka(pair.norms),
    "linear CKA, debiased": lambda pair: debiased_cka(pair.norms),
}
BY_SVD = {
    "SVCCA": lambda pair: canonical(pair, VARIANCE),
    f"top-{SPAN} span": lambda pair: canonical(pair, most=SPAN),
    "Procrustes": nuclear,
}


@dataclass(frozen=True, eq=False)
class Row(Record):
    """One measure: its estimate, values over half-samples and over permutations; `error` is what is not known of the
    estimate, or differs between it and the half-samples, for other reasons than the samples.
    """

    measure: str
    estimate: float
    halves: np.ndarray = field(repr=False)
    null: np.ndarray = field(repr=False)
    error: float = 0.0
    mean_alone: float = float("nan")
    angle_deg: float = float("nan")
    bound_deg: float = float("nan")

    def cells(self) -> dict:
        shifted = self.estimate + np.quantile(self.halves, [0.025, 0.975]) - self.halves.mean()
        floor = min(0.0, self.estimate, float(self.halves.min()))  # only debiased CKA goes below 0
        top = max(1.0, self.estimate)
        threshold, p, calibrated = calibrate(self.estimate, self.null)
        return {
            "measure": self.measure,
            "estimate": self.estimate,
            "lo": max(min(self.estimate, float(shifted[0])) - self.error, floor),
            "hi": min(max(self.estimate, float(shifted[1])) + self.error, top),
            "null": float(self.null.mean()),
            "null_95": threshold,
            "p": p,
            "calibrated": calibrated,
            "mean_alone": self.mean_alone,
            "angle_deg": self.angle_deg,
            "bound_deg": self.bound_deg,
        }


def calibrate(estimate: float, null: np.ndarray) -> tuple[float, float, float]:
    """Threshold (95 % order statistic of the null and the estimate), p-value, and the rescaled score in [0, 1]."""
    everything = np.sort(np.append(null, estimate))
    threshold = float(everything[int(np.ceil((1 - ALPHA) * len(everything))) - 1])
    p = float((1 + (null >= estimate).sum()) / len(everything))
    if threshold >= 1:
        return threshold, p, 0.0
    return threshold, p, float(np.clip((estimate - threshold) / (1 - threshold), 0, 1))


@dataclass
class Draws:
    """The same half-samples and permutations for every measure."""

    n: int
    replicates: int
    permutations: int
    seed: int

    def halves(self):
        rng = np.random.default_rng([self.seed, 0])
        return (rng.permutation(self.n)[: self.n // 2] for _ in range(self.replicates))

    def orders(self):
        rng = np.random.default_rng([self.seed, 1])
        return (rng.permutation(self.n) for _ in range(self.permutations))


def refit_coordinates(rows: Rows, center: bool) -> np.ndarray:
    """(n, r) coordinates of the (centred) rows on leading right directions; nearly exact where the matrix is wide."""
    if min(rows.n, rows.d) <= 512:
        return coordinates(rows, center=center, rank=RANK)[0]
    found = by_randomized(rows, center, RANK)
    return found.vectors * found.singular_values[:RANK]


def p_vector_row(first: Rows, second: Rows, center: bool, draws: Draws, names, notes: list[str]) -> Row:
    found = [quiet_p_vector(rows, center, name) for rows, name in zip((first, second), names, strict=True)]
    kind = "centred" if center else "uncentred"
    parts = [refit_coordinates(rows, center) for rows in (first, second)]
    halves, stable = refitted(parts, center, draws)
    for name, vector, median in zip(names, found, stable, strict=True):
        if not vector.defined:
            notes.append(f"the {kind} P-vector of {name} is undefined: sigma_1 and sigma_2 tie; compare spans")
        elif median < UNSTABLE:
            notes.append(
                f"the {kind} P-vector of {name} moves when samples are drawn again (median |cos| {median:.2f}, "
                f"sigma_1/sigma_2 {vector.ratio:.3f}): compare spans"
            )
    u, v = found[0].vector, found[1].vector
    estimate, bound = cosine(u, v), found[0].error_bound + found[1].error_bound
    return Row(
        measure=f"P-vector |cos|, {kind}",
        estimate=estimate,
        halves=halves,
        null=np.array([abs(u @ v[order]) for order in draws.orders()]),
        error=abs(estimate - cosine(parts[0][:, 0], parts[1][:, 0])) + bound,
        mean_alone=float("nan") if center else mean_direction(u, v).share,
        angle_deg=float(np.degrees(angle(u, v))),
        bound_deg=float(np.degrees(bound)),
    )


def quiet_p_vector(rows: Rows, center: bool, name: str) -> PVector:
    """The P-vector, or its error with the name of the matrix: one of several files holds the NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TieWarning)  # it becomes a note of the comparison
        try:
            return p_vector(rows, center=center)
        except ValueError as error:
            raise type(error)(f"{name}: {error}") from error


def refitted(parts: list[np.ndarray], center: bool, draws: Draws) -> tuple[np.ndarray, list[float]]:
    """|cos| of the two P-vectors of each half-sample; and for each matrix the median |cos|, over all samples, of the
    refitted direction with the original.
    """
    lengths = [np.linalg.norm(part, axis=0) for part in parts]
    cosines, own = np.empty(draws.replicates), np.empty((2, draws.replicates))
    for i, half in enumerate(draws.halves()):
        fitted = []
        for j, part in enumerate(parts):
            chosen = part[half] - part[half].mean(axis=0) * center
            direction = np.linalg.eigh(chosen.T @ chosen)[1][:, -1]
            scaled = lengths[j] * direction
            own[j, i] = abs(scaled[0]) / np.linalg.norm(scaled)
            fitted.append(chosen @ direction)
        cosines[i] = cosine(*fitted)
    return cosines, [float(np.median(values)) for values in own]


def moment_rows(whole: Pair, draws: Draws, notes: list[str]) -> list[Row]:
    """CKA, SVCCA, spans and Procrustes."""
    return [
        *drawn_rows(CKA, "CKA", CKA_RANK, whole, draws, notes),
        *drawn_rows(BY_SVD, "SVCCA, spans and Procrustes", SVD_RANK, whole, draws, notes),
    ]


def drawn_rows(measures: dict, name: str, rank: int, whole: Pair, draws: Draws, notes: list[str]) -> list[Row]:
    """A row for each measure, a function of a pair; what is drawn goes through `rank` directions at most."""
    A, B = (leading(X, spectrum, rank) for X, spectrum in zip((whole.A, whole.B), whole.spectra, strict=True))
    drawn = Pair.of(A, B)
    halves = [Pair.of(centred(A[half]), centred(B[half])) for half in draws.halves()]
    null = [drawn.permuted(order) for order in draws.orders()]
    full = []
    if max(whole.ab.shape) > rank:
        full = [whole.permuted(order) for order in islice(draws.orders(), WHOLE)]
        notes.append(
            f"intervals and nulls of {name} went through the {rank} leading directions; what that changes is added to them"
        )
    rows = []
    for measure, value in measures.items():
        estimate, values = value(whole), np.array([value(pair) for pair in null])
        lost = [value(pair) - less for pair, less in zip(full, values, strict=False)]
        values += max(lost, default=0.0)  # the largest: rather too high a null than too low a one
        halved = np.array([value(pair) for pair in halves])
        rows.append(Row(measure, estimate, halved, values, error=abs(estimate - value(drawn))))
    return rows


def leading(X: np.ndarray | Centred, spectrum: Spectrum, rank: int) -> np.ndarray:
    """(n, r) coordinates of the centred rows on their leading directions."""
    values, vectors = spectrum.parts
    vectors = vectors[:, : min(rank, int((values > 0).sum()))]
    return centred(np.concatenate([X[start : start + ROWS] @ vectors for start in range(0, X.shape[0], ROWS)]))


def centred(X: np.ndarray) -> np.ndarray:
    return X - X.mean(axis=0)


def neighbour_row(first: Rows, second: Rows, draws: Draws, notes: list[str]) -> Row:
    """Mutual k-NN; the neighbours stay those of all samples in half-samples and permutations."""
    n = first.n
    chosen, others = np.arange(n), np.arange(0)
    if n > KNN_SAMPLES:
        chosen, others = np.split(np.random.default_rng([draws.seed, 2]).permutation(n), [KNN_SAMPLES])
        draws = replace(draws, n=KNN_SAMPLES)
        notes.append(
            f"mutual k-NN is the mean over {KNN_SAMPLES} samples drawn at random; neighbours are among all {n}"
        )
    near, close = nearest(first, NEIGHBOURS, chosen), nearest(second, NEIGHBOURS, chosen)
    shares = common_share(near, close)
    null, rng = np.empty(draws.permutations), np.random.default_rng([draws.seed, 3])
    place = np.empty(n, dtype=np.int64)  # of each sample of the second matrix after a permutation of it
    for i, order in enumerate(draws.orders()):
        place[chosen[order]] = chosen
        place[rng.permutation(others)] = others
        null[i] = common_share(near, place[close[order]]).mean()
    return Row(
        f"mutual {NEIGHBOURS}-NN", float(shares.mean()), np.array([shares[h].mean() for h in draws.halves()]), null
    )
