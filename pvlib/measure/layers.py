"""All layers of one network with all layers of another: a matrix of one measure, and how high its maximum is by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..extras import need
from . import plots
from .calibration import (
    BY_SVD,
    CKA,
    CKA_RANK,
    SAMPLES,
    SVD_RANK,
    Draws,
    calibrate,
    drawn_rows,
    quiet_p_vector,
)  # fmt: skip
from .notes import all_lines, diagnosis, order_notes
from .results import Result
from .similarity import paired_moments, same_samples

LAYERWISE = ("P-vector |cos|, centred", "P-vector |cos|, uncentred", *CKA, *BY_SVD)


@dataclass(frozen=True, eq=False)
class LayerComparison(Result):
    """What `compare` finds of two dicts of features: one measure between all layers of the one and of the other.

    Attributes
    ----------
    measure : str
        As in the table of a `Comparison`.
    n : int
        Number of samples.
    layers : tuple of two tuples of str
        Rows and columns.
    estimates : ndarray
        The measure of every pair.
    null : ndarray (permutations, rows, columns)
        The same after permuting the samples of the second network, all layers alike.
    warnings : tuple of str
        Where a number means little.

    Notes
    -----
    The largest of many values is high by chance. `maximum` calibrates it by the maxima of the same permutations (Groeger et
    al. 2026, algorithm 2), while `calibrated` has every pair by its own null.
    """

    measure: str
    n: int
    layers: tuple[tuple[str, ...], tuple[str, ...]]
    estimates: np.ndarray = field(repr=False)
    null: np.ndarray = field(repr=False)
    warnings: tuple[str, ...]

    @property
    def best(self) -> tuple[int, int]:
        """Row and column of the largest estimate."""
        row, column = np.unravel_index(self.estimates.argmax(), self.estimates.shape)
        return int(row), int(column)

    @property
    def maximum(self) -> dict:
        """The largest estimate with its layers, and null, null_95, p and calibrated score from the maxima of permutations."""
        row, column = self.best
        null, estimate = self.null.max(axis=(1, 2)), float(self.estimates.max())
        threshold, p, score = calibrate(estimate, null)
        return {
            "a": self.layers[0][row],
            "b": self.layers[1][column],
            "estimate": estimate,
            "null": float(null.mean()),
            "null_95": threshold,
            "p": p,
            "calibrated": score,
        }

    @property
    def calibrated(self) -> np.ndarray:
        """Calibrated score of every pair, by the null of this pair alone."""
        flat = self.null.reshape(len(self.null), -1)
        scores = [calibrate(float(e), flat[:, i])[2] for i, e in enumerate(self.estimates.flat)]
        return np.reshape(scores, self.estimates.shape)

    def to_frame(self):
        """The estimates as a data frame: a row for each layer of the first, a column for each layer of the second."""
        need("pandas")
        import pandas

        return pandas.DataFrame(self.estimates, index=list(self.layers[0]), columns=list(self.layers[1]))

    def plot(self):
        """A Matplotlib figure of the matrix, the largest estimate framed."""
        return plots.matrix(self.estimates, *self.layers, self.best, self._title)

    @property
    def _title(self) -> str:
        most = self.maximum
        return (
            f"{self.measure}: at most {most['estimate']:.3f} ({most['a']}, {most['b']}), calibrated "
            f"{most['calibrated']:.3f}, p = {most['p']:.2g}"
        )

    def _shown(self):
        rows = [[n, *(f"{v:.4f}" for v in row)] for n, row in zip(self.layers[0], self.estimates, strict=True)]
        return f"{self._title}, {self.n} samples", ["", *self.layers[1]], rows, self.warnings


def all_layers(a: Mapping, b: Mapping, names, measure: str, draws: Draws) -> LayerComparison:
    """One measure of all pairs of layers, and the same under the same permutations."""
    if measure not in LAYERWISE:
        raise ValueError(f"measure={measure!r} is none of {', '.join(map(repr, LAYERWISE))}")
    for network, name in zip((a, b), names, strict=True):
        if not network:
            raise ValueError(f"{name} has no layers: a dict of features, one entry for each layer, is needed")
    layers = tuple(map(str, a)), tuple(map(str, b))
    full = [f"{name}[{layer!r}]" for name, each in zip(names, layers, strict=True) for layer in each]
    rows = same_samples(*a.values(), *b.values(), names=full, least=SAMPLES)
    findings = [diagnosis(one, name) for one, name in zip(rows, full, strict=True)]
    notes, draws, shape = all_lines(findings), replace(draws, n=rows[0].n), (len(a), len(b))
    estimates, null = np.empty(shape), np.empty((draws.permutations, *shape))
    if measure.startswith("P-vector"):
        found = [quiet_p_vector(one, measure.endswith(", centred"), name) for one, name in zip(rows, full, strict=True)]
        for vector, name in zip(found, full, strict=True):
            if not vector.defined:
                notes.append(f"the P-vector of {name} is undefined: singular values 1 and 2 tie; compare spans")
        U, V = np.split(np.stack([vector.vector for vector in found], axis=1), [len(a)], axis=1)
        estimates[:] = np.minimum(np.abs(U.T @ V), 1)
        null[:] = [np.abs(U.T @ V[order]) for order in draws.orders()]
    else:
        family, rank = (CKA, CKA_RANK) if measure in CKA else (BY_SVD, SVD_RANK)
        for i, j in np.ndindex(shape):
            pair = paired_moments(rows[i], rows[len(a) + j])
            (row,) = drawn_rows({measure: family[measure]}, measure, rank, pair, draws, notes)
            estimates[i, j], null[:, i, j] = row.estimate, row.null
    result = LayerComparison(measure, draws.n, layers, estimates, null, tuple(dict.fromkeys(notes)))
    if order := order_notes([result.maximum["p"]], findings[0], findings[len(a)]):
        return replace(result, warnings=(*result.warnings, *order))
    return result
