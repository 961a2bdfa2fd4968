"""All layers of one network with all layers of another: a matrix of one measure, and how high its maximum is by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..doctor import Findings
from ..extras import need
from . import plots
from .results import Result, as_html


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

    def __str__(self) -> str:
        width = max(map(len, self.layers[0]))
        columns = [max(6, len(name)) for name in self.layers[1]]
        lines = [" " * width + "".join(f"  {n:>{w}}" for n, w in zip(self.layers[1], columns, strict=True))]
        for name, row in zip(self.layers[0], self.estimates, strict=True):
            lines.append(f"{name:{width}}" + "".join(f"  {v:{w}.4f}" for v, w in zip(row, columns, strict=True)))
        return "\n".join([f"{self._title}, {self.n} samples", *lines, *(f"! {note}" for note in self.warnings)])

    def _repr_html_(self) -> str:
        rows = [[n, *(f"{v:.4f}" for v in row)] for n, row in zip(self.layers[0], self.estimates, strict=True)]
        return as_html(f"{self._title}, {self.n} samples", ["", *self.layers[1]], rows, self.warnings)


def calibrate(estimate: float, null: np.ndarray, alpha: float = 0.05) -> tuple[float, float, float]:
    """Threshold (95 % order statistic of the null and the estimate), p-value, and the rescaled score in [0, 1]."""
    everything = np.sort(np.append(null, estimate))
    threshold = float(everything[int(np.ceil((1 - alpha) * len(everything))) - 1])
    p = float((1 + (null >= estimate).sum()) / len(everything))
    if threshold >= 1:
        return threshold, p, 0.0
    return threshold, p, float(np.clip((estimate - threshold) / (1 - threshold), 0, 1))


def checked_layers(a: Mapping, b: Mapping, names: tuple[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of both networks' layers.

    Raises
    ------
    ValueError
        A network without layers.
    """
    for layers, name in zip((a, b), names, strict=True):
        if not layers:
            raise ValueError(f"{name} has no layers: a dict of features, one entry for each layer, is needed")
    return tuple(map(str, a)), tuple(map(str, b))


def all_lines(findings: list[Findings]) -> list[str]:
    return [line for one in findings for line in one.lines]
