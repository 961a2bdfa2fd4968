"""How far a computed P-vector may be from the exact one: the one place where error bounds are derived.

Notation: F holds the (centred, scaled) rows, sigma_1 >= sigma_2 >= ... are its singular values, V (d, k) the computed right
vectors, U = F V made orthonormal the left ones, L the diagonal of the k computed values of sigma^2.

1. *Davis & Kahan (1970)*. With R = F'F V - V L, the span of V is within the angle t of the exact one, where
   sin t <= |R| / (min L - sigma_{k+1}^2). `tilt` computes t; a gap that does not exceed the error leaves it open: pi / 2.
2. *What is really known of R and of the gap.* |R| is known up to `rounding`, a bound of the error of the product F'F V it was
   made from; min L is an eigenvalue up to the same amount; and sigma_{k+1}^2 is at most `limit`. By *Weyl's* inequality no
   eigenvalue of the computed F'F is further from the exact one than the norm of their difference (`product_rounding`), which
   gives the limit of "gram" and "dual". "krylov" never sees the rest of the spectrum: its limit is the squared norm that
   the top k leave over, |F|^2 - sum L, where this is enough; otherwise its estimate of sigma_{k+1}^2 plus the residual of that
   (an eigenvalue is no further away), and the bound is an estimate (`certified` is False).
3. *Wedin (1972)*. F shrinks whatever is not along V by sigma_{k+1} / sigma_k at least, so the left vectors are that much
   nearer than the right ones (up to 45 degrees, where the tangent of step 1 is no more than twice its sine).
4. *The product F V itself* is rounded, which turns the left vectors by `own`.

The constants. A sum of m products in precision eps is off by m eps times the sum of their sizes at most (Higham, *Accuracy
and Stability of Numerical Algorithms*, section 3.1); Cauchy and Schwarz turn these sizes into |F|^2, the `energy`. Blocks of m
rows are multiplied in the precision of their entries and added up in float64: (m + 4) eps + eps64, where 4 covers the
subtraction of the shift on both sides. `EIGEN` covers LAPACK's eigenvalues (backward stable; 4 d eps64 is more than is ever
seen), `SPARE` the scaling, the centring, and the sums over blocks. In float32 such bounds are thousands of times larger than what is
seen, because rounding errors cancel: bounds of float32 products take eps32 itself, relative to sigma_1^2 for F'F V and twice that,
relative to |F|, for F V. These are what is seen, not theorems, and `certified` is False.
"""

from dataclasses import dataclass

import numpy as np

EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)
EIGEN, SPARE = 4, 16
ENOUGH = np.pi / 4  # radians: a span that is known no better than this is not defined


def product_rounding(rows: int, eps: float) -> float:
    """Of a Gram matrix from blocks of so many rows, relative to the energy."""
    return (rows + 4) * eps + EPS64


def image_rounding(d: int, rows: int) -> float:
    """Of F'F V in float64 from blocks of so many rows, relative to the energy."""
    return (d + rows + SPARE) * EPS64


def eigen_rounding(d: int) -> float:
    """Of the eigenvalues of a (d, d) matrix, relative to the largest."""
    return EIGEN * d * EPS64


def dual_rounding(n: int, d: int, columns: int) -> float:
    """Of the eigenvalues of an (n, n) matrix F F' from blocks of so many of d columns, relative to the energy."""
    return (columns + d / columns + SPARE) * EPS64 + eigen_rounding(n)


def left_rounding(raw: float, value: float, d: int, eps: float) -> float:
    """`own`: of F V where F is centred afterwards and had the squared norm `raw` before."""
    seen = 2 * EPS32 if eps == EPS32 else d * EPS64
    return seen * float(np.sqrt(raw / value)) if value > 0 else float(np.pi / 2)


def norm(matrix: np.ndarray) -> float:
    """The largest singular value; squares do not leave the range of floats."""
    if matrix.shape[1] > 1:
        return float(np.linalg.norm(matrix, 2))
    largest = float(np.abs(matrix).max(initial=0.0))
    return largest * float(np.linalg.norm(matrix / largest)) if 0 < largest < np.inf else largest


def tilt(error: float, gap: float) -> float:
    """Davis-Kahan: an angle of arcsin(error / gap) at most; a right angle where the gap does not exceed the error."""
    return float(np.arcsin(error / gap)) if gap > error else float(np.pi / 2)


@dataclass
class Errors:
    """What an engine knows of the errors of its result; all but `own` in squared units of the scaled rows."""

    residual: float  # |F'F V - V L| as computed
    rounding: float  # of the product it was computed from
    limit: float  # the exact sigma_{k+1}^2 is this at most
    own: float = 0.0  # radians: rounding of the left vectors themselves
    faintest: float = 0.0  # the smallest sigma^2 that can be told from 0
    certified: bool = True  # `rounding` and `limit` are bounds; otherwise estimates
    direct: bool = False  # U was computed itself, not as F V: step 3 does not apply

    def bound(self, value: float) -> tuple[float, bool]:
        """Radians between the computed and the exact span, and whether the span is defined; `value` is min L."""
        turned = tilt(self.residual + self.rounding, value - self.limit - self.rounding)
        if turned >= ENOUGH:
            return float(min(np.pi / 2, turned + self.own)), False
        shrink = 1.0 if self.direct else float(np.sqrt(min(1.0, max(self.limit, 0.0) / value)))
        return float(min(np.pi / 2, turned * shrink + self.own)), True
