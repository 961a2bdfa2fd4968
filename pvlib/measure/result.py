"""What a measurement gives: the P-vector with its singular values, and how well it is known."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class PVector:
    """The top-k left singular vectors of n x d features, and how they were reached. Not for comparing over other samples:
    entries belong to these rows in this order.

    vectors : (n, k) float64, orthonormal columns, the first is the P-vector. Its sign makes the sum of its
        entries positive; where the sum is 0 (centred features), it makes the largest entry positive: `sign`
        says which.
    sigmas : singular values, descending, k + 1 or more (0.0 where there is no (k+1)-th), in the units of the
        features. A value below `resolution` may be only rounding, or 0 in its place. Of the methods "krylov" and
        "randomized" the (k+1)-th is an estimate from below, by "krylov" within an eighth (ask "gram" for all digits).
    resolution : the smallest singular value that can be told from 0, in the units of the features.
    explained : share of the squared Frobenius norm (of the centred matrix, where centred) in the top k.
    residual : largest singular value of F'U - V S, in the units of the features.
    bound : radians; the true top-k span is within this angle of the computed one. `certified`: residual
        computed in float64, and the gap bounded below with all rounding counted in; otherwise it is an
        estimate.
    defined : False where sigma_k and sigma_(k+1) tie within rounding: then the span is one of many.
    passes : reads of the matrix.
    """

    vectors: np.ndarray = field(repr=False)
    sigmas: np.ndarray = field(repr=False)
    resolution: float
    explained: float
    residual: float
    bound: float
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
        return self.vectors.shape[0]

    @property
    def k(self) -> int:
        return self.vectors.shape[1]

    @property
    def gap(self) -> float:
        """sigma_k - sigma_(k+1), in the units of the features."""
        return float(self.sigmas[self.k - 1] - self.sigmas[self.k])

    @property
    def resolved(self) -> bool:
        """Whether sigma_2 can be told from 0, or is 0 because there is only one direction (one feature, two centred
        samples).
        """
        return self._single or bool(self.sigmas[1] > self.resolution)

    @property
    def ratio(self) -> float:
        """sigma_1 / sigma_2. Where sigma_2 is not `resolved`, the lower bound sigma_1 / resolution; inf where there is
        only one direction.
        """
        return float("inf") if self._single else float(self.sigmas[0] / max(self.sigmas[1], self.resolution))

    @property
    def _single(self) -> bool:
        return min(self.n - self.centred, self.d) == 1
