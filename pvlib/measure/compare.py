"""Is 0.9 high? Every measure of two feature matrices with an interval, a permutation null and a calibrated score.

The matrices are factored once. Intervals come from half-samples (drawn without replacement, they have the variance of
the bootstrap and none of its duplicates), nulls from permutations of the samples of one matrix, both applied to
coordinates on the leading directions. Not for training randomness: that is the variation between seeds.
"""

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from . import gram
from .angles import angle, cosine, mean_direction
from .cautions import TieWarning
from .lanczos import randomized
from .pvector import PVector, p_vector
from .rows import Rows
from .similarity import (
    Pair,
    biased_cka,
    canonical,
    common_share,
    debiased_cka,
    moment_norms,
    nearest,
    nuclear,
    same_samples,
)

NEIGHBOURS = 10
KNN_SAMPLES = 5000  # more samples than this are too slow for all pairs of neighbours; so many are drawn
VARIANCE = 0.99  # of SVCCA
SPAN = 10  # dimensions of the spans
ALPHA = 0.05
CKA_RANK, SVD_RANK = 256, 96  # leading directions that half-samples and permutations go through
KEPT = 0.999  # share of the variance in these from which on the estimate may come from all directions
RANK = 32  # leading directions in which a P-vector is fitted again
UNSTABLE = 0.9
CKA = {"linear CKA": biased_cka, "linear CKA, debiased": debiased_cka}
BY_SVD = {
    "SVCCA": lambda pair: canonical(pair, VARIANCE),
    f"top-{SPAN} span": lambda pair: canonical(pair, most=SPAN),
    "Procrustes": nuclear,
}


@dataclass(frozen=True)
class Row:
    """One measure: its estimate, values over half-samples and over permutations."""

    measure: str
    estimate: float
    halves: np.ndarray = field(repr=False)
    null: np.ndarray = field(repr=False)
    mean_alone: float = float("nan")
    angle_deg: float = float("nan")
    bound_deg: float = float("nan")

    def cells(self) -> dict:
        shifted = self.estimate + np.quantile(self.halves, [0.025, 0.975]) - self.halves.mean()
        floor = min(0.0, float(self.halves.min()))  # only debiased CKA goes below 0
        threshold, p, calibrated = calibrate(self.estimate, self.null)
        return {
            "measure": self.measure,
            "estimate": self.estimate,
            "lo": max(min(self.estimate, float(shifted[0])), floor),
            "hi": min(max(self.estimate, float(shifted[1])), 1.0),
            "null": float(self.null.mean()),
            "null_95": threshold,
            "p": p,
            "calibrated": calibrated,
            "mean_alone": self.mean_alone,
            "angle_deg": self.angle_deg,
            "bound_deg": self.bound_deg,
        }


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    `table`: a data frame, one row for each measure; `warnings`: where a number means little. Not for reading without
    the warnings.
    """

    names: tuple[str, str]
    n: int
    rows: tuple[Row, ...] = field(repr=False)
    warnings: tuple[str, ...]

    @cached_property
    def table(self):
        """Columns: estimate; lo, hi (95 %, over samples); null (mean over permutations of the samples), null_95 and p;
        calibrated (estimate rescaled so that null_95 is 0 and 1 is 1, nothing below 0); mean_alone (cosine that the
        mean direction alone gives); angle_deg and bound_deg of P-vectors.
        """
        import pandas

        return pandas.DataFrame([row.cells() for row in self.rows]).set_index("measure")

    def __str__(self) -> str:
        text = self.table.to_string(float_format=short, na_rep="")
        notes = "".join(f"\n! {note}" for note in self.warnings)
        return f"{self.names[0]} and {self.names[1]}, {self.n} samples\n{text}{notes}"


def short(x: float) -> str:
    return f"{x:.4f}" if x == 0 or abs(x) >= 1e-4 else f"{x:.1e}"


def compare(a, b, *, names=("a", "b"), replicates: int = 100, permutations: int = 200, seed: int = 0) -> Comparison:
    """Compare two feature matrices over the same samples in the same order, in every measure, calibrated.

    a, b : (n, d_a), (n, d_b), n >= 20; arrays or batches
    names : of the two, for messages
    replicates, permutations : half-samples and permutations, 20 or more of each
    seed : of both

    Raises ValueError (both names in it) for different numbers of samples, and what `p_vector` raises, with the name.
    Source: calibration by Groeger et al. 2026 (package calibrated-similarity): threshold, p and score are defined as
    there, in float64 instead of float32, with the same permutations for every measure, and 0 where the threshold
    reaches 1; half-samples: Shao & Tu 1995, chapter 5.
    Not for differences between training runs (intervals are over samples alone), nor for a verdict from one row: it
    warns where P-vectors tie, and the row of spans is then the one to read.
    """
    if min(replicates, permutations) < 20:
        raise ValueError(f"replicates={replicates}, permutations={permutations}: 20 or more of each are needed")
    first, second = same_samples(a, b, names)
    if first.n < 20:
        raise ValueError(
            f"{names[0]} and {names[1]} have {first.n} samples: 20 or more are needed to calibrate anything"
        )
    draws = Draws(first.n, replicates, permutations, seed)
    notes: list[str] = []
    rows = [p_vector_row(first, second, center, draws, names, notes) for center in (False, True)]
    rows += moment_rows(first, second, draws, names, notes)
    rows.append(neighbour_row(first, second, draws, notes))
    notes += [*shape_notes(first, names[0]), *shape_notes(second, names[1]), *order_notes(rows, names)]
    return Comparison(tuple(names), first.n, tuple(rows), tuple(notes))


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


def calibrate(estimate: float, null: np.ndarray) -> tuple[float, float, float]:
    """Threshold (95 % order statistic of the null and the estimate), p-value, and the rescaled score in [0, 1]."""
    everything = np.sort(np.append(null, estimate))
    threshold = float(everything[int(np.ceil((1 - ALPHA) * len(everything))) - 1])
    p = float((1 + (null >= estimate).sum()) / len(everything))
    if threshold >= 1:
        return threshold, p, 0.0
    return threshold, p, float(np.clip((estimate - threshold) / (1 - threshold), 0, 1))


def coordinates(rows: Rows, center: bool, rank: int) -> np.ndarray:
    """(n, r) coordinates of the (centred) rows on leading right directions; nearly exact where the matrix is wide."""
    if min(rows.n, rows.d) <= 512:
        return gram.top_right(rows, center=center, rank=rank)[0]
    found = randomized(rows, center=center, k=min(rank, rows.n, rows.d))
    return found.left / found.scale


def p_vector_row(first: Rows, second: Rows, center: bool, draws: Draws, names, notes: list[str]) -> Row:
    found = [quiet_p_vector(rows, center, name) for rows, name in zip((first, second), names, strict=True)]
    kind = "centred" if center else "uncentred"
    parts = [coordinates(rows, center, RANK) for rows in (first, second)]
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
    return Row(
        measure=f"P-vector |cos|, {kind}",
        estimate=cosine(u, v),
        halves=halves,
        null=np.array([abs(u @ v[order]) for order in draws.orders()]),
        mean_alone=float("nan") if center else mean_direction(u, v).share,
        angle_deg=float(np.degrees(angle(u, v))),
        bound_deg=float(np.degrees(found[0].bound + found[1].bound)),
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


def moment_rows(first: Rows, second: Rows, draws: Draws, names, notes: list[str]) -> list[Row]:
    """CKA, SVCCA, spans and Procrustes: estimate, half-samples and null from the same directions, all where possible."""
    A, B = (coordinates(rows, True, CKA_RANK) for rows in (first, second))
    norms = moment_norms(first, second)
    kept = [float(np.sum(part**2) / energy) for part, energy in zip((A, B), norms.traces, strict=True)]
    if min(kept) < KEPT:
        norms = Pair.of(A, B).norms
        notes.append(
            f"CKA was measured on {A.shape[1]} and {B.shape[1]} leading directions of {names[0]} and {names[1]}"
        )
    halves = [Pair.of(A[half], B[half]).norms for half in draws.halves()]
    rows = measured(CKA, norms, halves, [pair.norms for pair in permuted_pairs(A, B, draws)])
    if max(A.shape[1], B.shape[1]) > SVD_RANK:
        A, B = A[:, :SVD_RANK], B[:, :SVD_RANK]
        notes.append(f"SVCCA and Procrustes were measured on the {SVD_RANK} leading directions")
    halves = [Pair.of(A[half], B[half]) for half in draws.halves()]
    return rows + measured(BY_SVD, Pair.of(A, B), halves, list(permuted_pairs(A, B, draws)))


def measured(measures: dict, whole, halves: list, null: list) -> list[Row]:
    """A row for each measure, a function of norms or moments."""
    return [
        Row(name, value(whole), np.array([value(x) for x in halves]), np.array([value(x) for x in null]))
        for name, value in measures.items()
    ]


def permuted_pairs(A: np.ndarray, B: np.ndarray, draws: Draws):
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    pair = Pair.of(A, B)
    k, l = np.einsum("ij,ij->i", A, A), np.einsum("ij,ij->i", B, B)  # noqa: E741
    for order in draws.orders():
        yield replace(pair, ab=A.T @ B[order], diagonals=(*pair.diagonals[:2], float(k @ l[order])))


def neighbour_row(first: Rows, second: Rows, draws: Draws, notes: list[str]) -> Row:
    """Mutual k-NN; the neighbours stay those of all samples in half-samples and permutations."""
    if first.n > KNN_SAMPLES:
        chosen = np.sort(np.random.default_rng([draws.seed, 2]).permutation(first.n)[:KNN_SAMPLES])
        first, second = (Rows(rows.matrix[chosen], n=KNN_SAMPLES, d=rows.d) for rows in (first, second))
        draws = replace(draws, n=KNN_SAMPLES)
        notes.append(f"mutual k-NN was measured on {KNN_SAMPLES} samples drawn at random")
    near, close = nearest(first, NEIGHBOURS), nearest(second, NEIGHBOURS)
    shares = common_share(near, close)
    null = np.empty(draws.permutations)
    for i, order in enumerate(draws.orders()):
        place = np.argsort(order)
        null[i] = common_share(near, place[close[order]]).mean()
    return Row(
        f"mutual {NEIGHBOURS}-NN", float(shares.mean()), np.array([shares[h].mean() for h in draws.halves()]), null
    )


def shape_notes(rows: Rows, name: str) -> list[str]:
    notes, low, high = [], None, None
    for _, block in rows.blocks():
        least, most = block.min(axis=0), block.max(axis=0)
        low, high = (least, most) if low is None else (np.minimum(low, least), np.maximum(high, most))
    constant = int((low == high).sum())
    if constant:
        notes.append(f"{constant} of {rows.d} features of {name} are constant")
    if rows.n < rows.d:
        notes.append(
            f"{name} has fewer samples ({rows.n}) than features ({rows.d}): linear CKA, SVCCA and Procrustes are high "
            "whatever the features are; read the debiased row and the calibrated column"
        )
    return notes


def order_notes(rows: list[Row], names) -> list[str]:
    telling = [row.cells()["p"] for row in rows if row.measure.startswith(("linear CKA, debiased", "mutual"))]
    if min(telling) <= ALPHA:
        return []
    return [f"nothing exceeds its permutation null: are the samples of {names[0]} and {names[1]} in the same order?"]
