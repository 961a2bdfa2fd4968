"""What a measurement gives: the P-vector with its singular values, and how well it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..extras import need
from . import plots
from .results import Result

SHOWN = 5


@dataclass(frozen=True, eq=False)
class PVector(Result):
    """The top k left singular vectors of n x d features, and how well they are known.

    Attributes
    ----------
    vectors : ndarray (n, k)
        float64, orthonormal columns; the first is the P-vector. Its sign makes the sum of its entries positive; where
        the sum is 0 (centred features), it makes the largest entry positive: `sign` says which.
    singular_values : ndarray
        The first k + 1 of the features (the last is 0.0 where there is none), descending, in the units of the features. One below
        `resolution` may be only rounding, or 0 in its place. Of the methods "krylov" and "randomized" the (k+1)-th is an estimate
        from below.
    resolution : float
        The smallest singular value that can be told from 0, in the units of the features.
    explained : float
        Share of the squared Frobenius norm (of the centred matrix, where centred) in the top k.
    residual : float
        Largest singular value of F'U - VS, in the units of the features.
    error_bound : float
        The true top-k span is within this angle of the computed one, in radians.
    certified : bool
        Whether the residual was computed in float64, and the gap bounded below with all rounding counted in. Otherwise
        `error_bound` is an estimate.
    defined : bool
        False where the k-th and the (k+1)-th singular value tie within rounding: then the span is one of many.
    centred : bool
        Whether the mean of every feature was subtracted first.
    method : str
        The engine that computed it.
    passes : int
        Reads of the matrix.
    sign : str
        "sum" or "largest entry".
    d : int
        Number of features.

    Notes
    -----
    Entries belong to the samples in their order: two P-vectors can be compared only over the same samples in the same order.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import p_vector
    >>> features = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    >>> found = p_vector(features, center=False)
    >>> found.vector.round(3), found.singular_values.round(3)
    (array([0.333, 0.667, 0.667]), array([15.,  0.]))
    >>> found == p_vector(features, center=False)
    True
    """

    vectors: np.ndarray = field(repr=False)
    singular_values: np.ndarray = field(repr=False)
    resolution: float
    explained: float
    residual: float
    error_bound: float
    certified: bool
    defined: bool
    centred: bool
    method: str
    passes: int
    sign: str
    d: int

    @property
    def vector(self) -> np.ndarray:
        """(n,) the first left singular vector."""
        return self.vectors[:, 0]

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.vectors.shape[0]

    @property
    def k(self) -> int:
        """Dimension of the span."""
        return self.vectors.shape[1]

    @property
    def convention(self) -> str:
        """ "centred" or "uncentred"."""
        return "centred" if self.centred else "uncentred"

    @property
    def gap(self) -> float:
        """The k-th minus the (k+1)-th singular value, in the units of the features."""
        return float(self.singular_values[self.k - 1] - self.singular_values[self.k])

    @property
    def resolved(self) -> bool:
        """Whether the second singular value can be told from 0, or is 0 because there is only one direction (one feature,
        two centred samples).
        """
        return self._single or bool(self.singular_values[1] > self.resolution)

    @property
    def ratio(self) -> float:
        """The first over the second singular value; where the second is not `resolved`, the first over `resolution`, which
        is a lower bound; inf where there is only one direction.
        """
        if self._single:
            return float("inf")
        return float(self.singular_values[0] / max(self.singular_values[1], self.resolution))

    @property
    def _single(self) -> bool:
        return min(self.n - self.centred, self.d) == 1

    def to_frame(self):
        """The entries as a data frame: a row for each sample, columns u1 to uk."""
        need("pandas")
        import pandas

        names = [f"u{number}" for number in range(1, self.k + 1)]
        return pandas.DataFrame(self.vectors, columns=names).rename_axis("sample")

    def plot(self):
        """A Matplotlib figure: singular values with what can be told from 0, and the entries of the P-vector."""
        return plots.spectrum(
            self.singular_values, self.resolution, self.vector, f"{self.convention}, {self.n} x {self.d}"
        )

    def _shown(self):
        ratio = f"{self.ratio:.4f}" if self.resolved else f"above {self.ratio:.1e}"
        kind = "certified" if self.certified else "estimated"
        rows = [
            ("singular values", ", ".join(f"{value:.5g}" for value in self.singular_values[:SHOWN])),
            ("first over second", ratio),
            ("explained", f"{self.explained:.4f}"),
            ("cosine with the constant vector", f"{abs(self.vector.sum()) / math.sqrt(self.n):.4f}"),
            ("error bound", f"{math.degrees(self.error_bound):.1e}° ({kind})"),
            ("method", f"{self.method}, {self.passes} passes"),
        ]
        notes = () if self.defined else (f"undefined: singular values {self.k} and {self.k + 1} tie; compare spans",)
        return f"P-vector, {self.convention}: {self.n} samples x {self.d} features, k = {self.k}", (), rows, notes
