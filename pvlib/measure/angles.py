"""Angles between P-vectors and between spans, accurate at both ends. Vectors are columns over the same samples.

A P-vector is a line, so signs are aligned and every angle lies in [0, pi/2]. The angle is Kahan's 2 atan2(|u
- v|, |u + v|): arccos of a cosine loses everything below 2e-8 rad in float64 and below 5e-4 rad in float32.
"""

import itertools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..extras import need
from .cautions import ConventionWarning, PrecisionWarning
from .entries import real, to_float

PROMISED = 4.5e-6  # radians: 1 - cos = 1e-11, the accuracy that every method reaches; smaller bounds never warn


@dataclass(frozen=True)
class MeanDirection:
    """How much of a cosine the constant vector alone gives: `cos = c_u c_v + s_u s_v r` with s = sqrt(1 - c^2).

    Attributes
    ----------
    cos : float
        The cosine.
    c_u, c_v : float
        Cosines with the constant vector, 0 for centred P-vectors.
    r : float
        Pearson correlation of the entries.
    """

    cos: float
    c_u: float
    c_v: float
    r: float

    @property
    def share(self) -> float:
        """What the mean direction alone gives: the mean of the cosine over permutations of the samples, c_u
        c_v.
        """
        return self.c_u * self.c_v


def angle(u, v) -> float:
    """Angle between two P-vectors in radians, in [0, pi/2].

    Parameters
    ----------
    u, v : PVector or array (n,)
        PVectors with k = 1, or arrays of any non-zero length, over the same samples in the same order.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Different numbers of samples, a zero vector, or numbers that are not finite.

    Warns
    -----
    ConventionWarning
        One PVector is centred and the other is not.
    PrecisionWarning
        The error bounds of two PVectors together reach the angle, unless they are below 4.5e-6 rad.

    Notes
    -----
    W. Kahan, "How futile are mindless assessments of roundoff", 2006, section 12. Spans have `principal_angles`.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import angle
    >>> round(np.degrees(angle([1, 0], [-1, 1])), 1)
    np.float64(45.0)
    """
    a, b = paired(u, v)
    found = kahan(a, b)
    bound = getattr(u, "error_bound", 0.0) + getattr(v, "error_bound", 0.0)
    if bound >= found and bound > PROMISED:
        warnings.warn(
            f"the angle {found:.3g} rad is within the error bound {bound:.3g} rad of its P-vectors: "
            "it cannot be told from 0",
            PrecisionWarning,
            stacklevel=2,
        )
    return found


def cosine(u, v) -> float:
    """Absolute cosine of the angle between two P-vectors.

    Parameters
    ----------
    u, v : PVector or array (n,)
        As for `angle`, which keeps digits where this is close to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> from pvlib import cosine
    >>> round(cosine([3, 4], [-4, -3]), 2)
    0.96
    """
    a, b = paired(u, v)
    return min(1.0, abs(float(a @ b)))


def kahan(a: np.ndarray, b: np.ndarray) -> float:
    """Angle between the lines of two unit vectors, radians."""
    b = -b if a @ b < 0 else b
    return float(2.0 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def principal_angles(U, V=None):
    """Principal angles between spans, radians, ascending.

    Parameters
    ----------
    U, V : PVector or array (n, k)
        Columns span each; they are orthonormalised here.
    U : dict of str to PVector or array
        In place of both: every pair of these spans.

    Returns
    -------
    ndarray, or DataFrame for a dict
        As many angles as the smaller span has dimensions; for a dict a row for each pair, NaN where a pair has fewer angles.

    Notes
    -----
    Which vector of a span is the first is ignored. Small angles come from sines, large ones from cosines (Knyazev &
    Argentati, SIAM J. Sci. Comput. 23 (2002) 2008).

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import principal_angles
    >>> principal_angles(np.eye(3)[:, :2], np.eye(3)[:, 1:]).round(3)
    array([0.   , 1.571])
    """
    if V is not None:
        return between_spans(*paired_spans(U, V))
    if not isinstance(U, Mapping) or len(U) < 2:
        raise ValueError("two spans are needed: principal_angles(U, V), or a dict of two or more")
    need("pandas")
    import pandas

    pairs = list(itertools.combinations(U, 2))
    found = [between_spans(*paired_spans(U[a], U[b], (repr(a), repr(b)))) for a, b in pairs]
    table = np.array(list(itertools.zip_longest(*found, fillvalue=np.nan))).T
    columns = [f"angle {place + 1}" for place in range(table.shape[1])]
    return pandas.DataFrame(table, index=pandas.MultiIndex.from_tuples(pairs, names=["a", "b"]), columns=columns)


def between_spans(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Ascending, of orthonormal columns. scipy.linalg.subspace_angles loses digits where small and large angles meet."""
    A, B = (A, B) if A.shape[1] >= B.shape[1] else (B, A)
    inside = A.T @ B
    cosines = np.linalg.svd(inside, compute_uv=False)
    sines = np.linalg.svd(B - A @ inside, compute_uv=False)[::-1]
    return np.arctan2(sines, cosines)


def pairwise_cosines(vectors):
    """Absolute cosines between all P-vectors.

    Parameters
    ----------
    vectors : dict or sequence of PVector or array (n,); or array (n, m)
        m vectors over the same n samples; of an array or a data frame the columns.

    Returns
    -------
    ndarray (m, m), or DataFrame with the names of a dict or of columns
        Ones on the diagonal. Near 1, `pairwise_angles` keeps digits that these lose.

    Examples
    --------
    >>> from pvlib import pairwise_cosines
    >>> pairwise_cosines({"mlp": [1, 0, 0], "cnn": [1, -1, 0]}).round(3)
           mlp    cnn
    mlp  1.000  0.707
    cnn  0.707  1.000
    """
    V, names = unit_columns(vectors)
    C = np.minimum(np.abs(V.T @ V), 1.0)
    np.fill_diagonal(C, 1.0)
    return named(C, names)


def pairwise_angles(vectors):
    """Angles in radians between all P-vectors, accurate for nearly equal ones too (Kahan).

    Parameters
    ----------
    vectors : dict or sequence of PVector or array (n,); or array (n, m)
        m vectors over the same n samples; of an array or a data frame the columns.

    Returns
    -------
    ndarray (m, m), or DataFrame with the names of a dict or of columns
        Zeros on the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import pairwise_angles
    >>> np.degrees(pairwise_angles([[1, 0], [1, 1], [-1, 0]])).round(1)
    array([[ 0., 45.,  0.],
           [45.,  0., 45.],
           [ 0., 45.,  0.]])
    """
    V, names = unit_columns(vectors)
    rows = V.T
    out = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows[:-1]):
        rest = rows[i + 1 :]
        rest = rest * np.where(rest @ row < 0, -1.0, 1.0)[:, None]
        out[i, i + 1 :] = 2 * np.arctan2(np.linalg.norm(rest - row, axis=1), np.linalg.norm(rest + row, axis=1))
    return named(out + out.T, names)


def mean_direction(u, v) -> MeanDirection:
    """Split a cosine into what the constant vector gives and what is left: cos = c_u c_v + s_u s_v r.

    Parameters
    ----------
    u, v : PVector or array (n,)

    Returns
    -------
    MeanDirection
        Signs are aligned so that c_u, c_v >= 0; where a vector has no mean (centred features), so that cos >= 0. r is 0.0
        where one of the vectors is constant.

    Examples
    --------
    >>> from pvlib import mean_direction
    >>> found = mean_direction([1, 2, 3], [3, 2, 1])
    >>> round(found.cos, 3), round(found.share, 3), round(found.r, 3)
    (0.714, 0.857, -1.0)
    """
    a, b = paired(u, v)
    c_a, c_b = a.sum() / np.sqrt(a.size), b.sum() / np.sqrt(b.size)
    meaningless = 1e-8
    a, c_a = (-a, -c_a) if c_a < 0 else (a, c_a)
    b, c_b = (-b, -c_b) if c_b < 0 else (b, c_b)
    if min(c_a, c_b) < meaningless and a @ b < 0:
        b, c_b = -b, -c_b
    rest_a, rest_b = a - a.mean(), b - b.mean()
    lengths = np.linalg.norm(rest_a) * np.linalg.norm(rest_b)
    r = float(rest_a @ rest_b / lengths) if lengths > 1e-14 else 0.0
    return MeanDirection(cos=float(a @ b), c_u=max(float(c_a), 0.0), c_v=max(float(c_b), 0.0), r=r)


def unit_rows(F):
    """Rows scaled to unit length, in float64 (float32 input: float32); rows of zeros stay zero.

    Parameters
    ----------
    F : array (n, d)
        It is copied whole.

    Returns
    -------
    ndarray (n, d)

    Examples
    --------
    >>> from pvlib.measure import unit_rows
    >>> unit_rows([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    F = to_float(real(F, "F"))
    scale = np.abs(F).max(axis=1, keepdims=True)
    scale[scale == 0] = 1.0
    F = F / scale
    length = np.linalg.norm(F, axis=1, keepdims=True)
    length[length == 0] = 1.0
    return F / length


def unit_columns(vectors) -> tuple[np.ndarray, list | None]:
    """(n, m) unit vectors, and their names where the caller gave any."""
    if hasattr(vectors, "vectors"):
        return vectors.vectors, None
    names, given = None, vectors
    if isinstance(vectors, Mapping):
        names, given = list(vectors), list(vectors.values())
    elif not isinstance(vectors, list | tuple):
        names, given = list(getattr(vectors, "columns", ())) or None, to_float(real(vectors, "vectors")).T
        if given.ndim != 2:
            raise ValueError(f"vectors have shape {given.shape}: (samples, vectors), one in each column, is needed")
    if not len(given):
        raise ValueError("no vectors are given")
    units = [unit(one, f"vector {name!r}") for name, one in zip(names or range(len(given)), given, strict=True)]
    for one, other in zip(units, given, strict=True):
        same_samples(units[0], one)
        warn_mixed(given[0], other)
    return np.stack(units, axis=1), names


def named(matrix: np.ndarray, names: list | None):
    if names is None:
        return matrix
    need("pandas")
    import pandas

    return pandas.DataFrame(matrix, index=names, columns=names)


def unit(u, name: str) -> np.ndarray:
    """A PVector's vector, or a one-dimensional array scaled to unit length, as float64."""
    if hasattr(u, "vectors"):
        if u.vectors.shape[1] != 1:
            raise ValueError(
                f"{name} holds a span of k={u.vectors.shape[1]}: use principal_angles, or .vector for the first alone"
            )
        return u.vector
    a = np.asarray(to_float(real(u, name)), dtype=np.float64)
    if a.ndim != 1:
        raise ValueError(f"{name} has shape {a.shape}: a PVector or a one-dimensional array is needed")
    largest = np.abs(a).max(initial=0.0)
    if not np.isfinite(largest):
        raise ValueError(
            f"{name} holds {a[~np.isfinite(a)][0]} at entry {int(np.argmin(np.isfinite(a)))}: finite numbers are needed"
        )
    if largest == 0:
        raise ValueError(f"{name} is zero: a zero vector has no direction")
    a = a / largest
    return a / np.linalg.norm(a)


def paired(u, v) -> tuple[np.ndarray, np.ndarray]:
    a, b = unit(u, "u"), unit(v, "v")
    same_samples(a, b)
    warn_mixed(u, v)
    return a, b


def paired_spans(U, V, names: tuple[str, str] = ("U", "V")) -> tuple[np.ndarray, np.ndarray]:
    A, B = orthonormal(U, names[0]), orthonormal(V, names[1])
    same_samples(A, B)
    warn_mixed(U, V)
    return A, B


def warn_mixed(u, v, stacklevel: int = 4) -> None:
    """Warn the caller of `angle` and its like, `stacklevel` frames up."""
    conventions = {getattr(u, "centred", None), getattr(v, "centred", None)}
    if conventions == {True, False}:
        warnings.warn(
            "one P-vector is centred and the other is not: their angle says how the two conventions differ, not how two "
            "networks do; measure both with the same center=",
            ConventionWarning,
            stacklevel=stacklevel,
        )


def same_samples(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape[0] != b.shape[0]:
        raise ValueError(
            f"u is over {a.shape[0]} samples and v over {b.shape[0]}: the same samples in the same order are needed"
        )


def orthonormal(U, name: str) -> np.ndarray:
    """(n, k) orthonormal columns of the same span."""
    if hasattr(U, "vectors"):
        return U.vectors
    U = np.asarray(to_float(real(U, name)), dtype=np.float64)
    U = U[:, None] if U.ndim == 1 else U
    if U.ndim != 2:
        raise ValueError(f"{name} has shape {U.shape}: (samples, k) is needed")
    if np.linalg.matrix_rank(U) < U.shape[1]:
        raise ValueError(f"the {U.shape[1]} columns of {name} are linearly dependent: they span fewer dimensions")
    return np.linalg.qr(U)[0]
