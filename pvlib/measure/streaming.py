"""P-vectors of rows that arrive in batches, on one machine or many.

Holds d x d numbers, whatever the number of rows; exact whatever the split into batches and their order, up to
rounding. A P-vector has one entry for each sample, so a second reading of the rows projects them.
"""

from dataclasses import dataclass, field

import numpy as np

from .bounds import Errors
from .cautions import NoDirection
from .entries import boolean, checked, to_float
from .gram import check_k, check_rows
from .inputs import as_rows
from .moments import Moments, Right, block_rows, first_mean, right_of
from .pvector import from_right
from .result import PVector

SAFE = 1e15  # float32 entries between 1 / SAFE and SAFE have squares and sums inside the range of float32


@dataclass(frozen=True)
class Directions:
    """Top-k right singular vectors of all rows that a stream has seen.

    They live among the features of one network; what networks can be compared by is the P-vector, which a second reading of the
    rows gives.

    Attributes
    ----------
    vectors : ndarray (d, k)
        float64, orthonormal columns.
    singular_values : ndarray (k + 1,)
        Descending, in the units of the features; what is near 0 may be rounding (`PVector.resolution`).
    explained : float
        Share of the squared Frobenius norm in the top k.
    error_bound : float
        Radians, certified, with every rounding at its worst; that of the P-vector is far smaller.
    n : int
        Number of rows.
    centred : bool
        Whether the mean of every feature was subtracted first.

    Examples
    --------
    >>> from pvlib.measure import Stream
    >>> found = Stream().update([[3.0, 4.0], [6.0, 8.0]]).result(center=False)
    >>> found.vectors.round(3).ravel(), found.singular_values.round(3), found.n
    (array([0.6, 0.8]), array([11.18,  0.  ]), 2)
    """

    vectors: np.ndarray = field(repr=False)
    singular_values: np.ndarray = field(repr=False)
    explained: float
    error_bound: float
    n: int
    centred: bool
    right: Right = field(repr=False)

    def p_vector(self, features) -> PVector:
        """The P-vector, by a second reading of the same rows.

        Parameters
        ----------
        features : array (n, d), or batches of rows
            The order of the rows is that of the entries. Batches are read once more, to see that it is always the same.

        Returns
        -------
        PVector

        Raises
        ------
        ValueError
            The rows are not as many as those that were seen, are other ones, or change their order.

        Examples
        --------
        >>> from pvlib.measure import Stream
        >>> rows = [[3.0, 4.0], [6.0, 8.0]]
        >>> Stream().update(rows).result(center=False).p_vector(rows).vector.round(3)
        array([0.447, 0.894])
        """
        rows = as_rows(features)
        if rows.n is not None and rows.n != self.n:
            raise ValueError(f"features have {rows.n} rows, the stream saw {self.n}: the same rows are needed again")
        rows.n, rows.d = self.n, len(self.vectors)
        found = from_right(rows, self.right)
        rows.read_again()
        return found


class Stream:
    """P-vectors of rows that arrive in batches: `update` with each, `merge` the streams of several machines, ask for the `result`.

    Holds d x d numbers, for some 10,000 features at most. Both conventions are kept: whether to centre is asked of the
    result.

    Notes
    -----
    float32 batches are multiplied in float32 and added up in float64 (float64 ones in float64), minus the first batch's mean.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import p_vector
    >>> from pvlib.measure import Stream
    >>> batches = np.split(np.random.default_rng(0).standard_normal((300, 5)) + 1, 3)
    >>> stream = Stream()
    >>> for batch in batches:
    ...     stream = stream.update(batch)
    >>> u = stream.result(center=True).p_vector(batches)
    >>> np.allclose(u.vector, p_vector(np.concatenate(batches), center=True).vector)
    True
    """

    def __init__(self):
        self.batches = 0
        self._moments: Moments | None = None
        self._waiting: list[np.ndarray] = []

    @property
    def n(self) -> int:
        """Rows seen so far."""
        return (self._moments.n if self._moments else 0) + sum(map(len, self._waiting))

    def update(self, batch) -> "Stream":
        """Add the rows of a batch.

        Parameters
        ----------
        batch : array (m, d)
            NumPy or torch, of any precision.

        Returns
        -------
        Stream
            Itself.

        Raises
        ------
        ValueError
            The batch, which is named, is empty, of another width than those before, or not finite.

        Examples
        --------
        >>> from pvlib.measure import Stream
        >>> Stream().update([[1.0, 2.0]]).update([[3.0, 4.0]]).n
        2
        """
        name = f"batch {self.batches + 1}"
        block = to_float(checked(batch, name))
        largest = max(float(block.max()), -float(block.min()))
        if not np.isfinite(largest):
            row, column = np.argwhere(~np.isfinite(block))[0]
            raise ValueError(
                f"{name} holds {block[row, column]} at row {row}, column {column}: finite numbers are needed"
            )
        if block.dtype == np.float32 and (largest > SAFE or 0 < largest < 1 / SAFE):
            block = block.astype(np.float64)
        if self._moments is None:
            self._moments = Moments(first_mean(block))
        if block.shape[1] != len(self._moments.shift):
            raise ValueError(f"{name} has {block.shape[1]} columns, the batches before have {len(self._moments.shift)}")
        self.batches += 1
        size = block_rows(block.shape[1])
        if len(block) >= size:
            for start in range(0, len(block), size):
                self._moments.add(block[start : start + size])
            return self
        self._waiting.append(block.copy())  # the caller may reuse its buffer
        if sum(map(len, self._waiting)) >= size:
            self._flush()
        return self

    def _flush(self) -> None:
        if self._moments is not None and self._waiting:
            self._moments.add(np.concatenate(self._waiting))
            self._waiting.clear()

    def merge(self, other: "Stream") -> "Stream":
        """Add the rows that another stream has seen.

        Parameters
        ----------
        other : Stream
            Of as many columns; it stays as it is.

        Returns
        -------
        Stream
            Itself.

        Examples
        --------
        >>> from pvlib.measure import Stream
        >>> Stream().update([[1.0, 2.0]]).merge(Stream().update([[3.0, 4.0]])).n
        2
        """
        if other._moments is None:
            return self
        other._flush()
        if self._moments is None:
            self._moments = Moments(other._moments.shift.copy())
        if len(self._moments.shift) != len(other._moments.shift):
            raise ValueError(
                f"streams of {len(self._moments.shift)} and {len(other._moments.shift)} columns cannot merge"
            )
        self._flush()
        self._moments.merge(other._moments)
        self.batches += other.batches
        return self

    def result(self, *, center: bool, k: int = 1) -> Directions:
        """Top-k right directions of all rows so far; the stream can go on afterwards.

        Parameters
        ----------
        center : bool
            As in `p_vector`.
        k : int
            Dimension of the span.

        Returns
        -------
        Directions

        Examples
        --------
        >>> from pvlib.measure import Stream
        >>> Stream().update([[3.0, 4.0], [6.0, 8.0]]).result(center=False).explained
        1.0
        """
        center = boolean(center, "center")
        if self._moments is None:
            raise ValueError("the stream has seen no batch: call update first")
        self._flush()
        found = self._moments
        check_rows(found.n)
        check_k(k, found.n, len(found.shift))
        right = right_of(found, center=center, k=k)
        if right.total <= 1e-14 * found.energy or right.total == 0:
            raise NoDirection("all rows seen are equal (or zero): there is no direction in them")
        errors = Errors(0.0, right.weyl, limit=right.values[k] + right.weyl, direct=True)
        return Directions(
            vectors=right.vectors,
            singular_values=np.sqrt(right.values),
            explained=float(right.values[:k].sum() / right.total),
            error_bound=errors.bound(right.values[k - 1])[0],
            n=found.n,
            centred=center,
            right=right,
        )
