"""Is 0.9 high? Every measure of two feature matrices with an interval, a permutation null and a calibrated score."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

from ..extras import need
from . import plots
from .calibration import NEIGHBOURS, SAMPLES, Draws, Row, moment_rows, neighbour_row, p_vector_row
from .layers import LayerComparison, all_layers
from .notes import all_lines, diagnosis, order_notes, width_notes
from .results import Result
from .similarity import paired_moments, same_samples

TELLING = ("linear CKA, debiased", f"mutual {NEIGHBOURS}-NN")  # near 0 where the samples have nothing in common


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """What `compare` finds of two matrices of features.

    Attributes
    ----------
    names : tuple of str
        Of the two.
    n : int
        Number of samples.
    table : DataFrame
        A row for each measure; `to_frame()` gives the same.
    warnings : tuple of str
        Where a number means little.

    Notes
    -----
    Intervals are over samples: they do not hold what another training run would change. Where P-vectors tie, the warnings
    say so, and the row of spans is the one to read.
    """

    names: tuple[str, str]
    n: int
    rows: tuple[Row, ...] = field(repr=False)
    warnings: tuple[str, ...]

    @cached_property
    def table(self):
        """A data frame with a row for each measure.

        Its columns are estimate; lo and hi (95 %, over samples); null (mean over permutations of the samples), null_95 and p; calibrated
        (estimate rescaled so that null_95 is 0 and 1 is 1, nothing below 0); mean_alone (cosine that the mean direction alone
        gives); angle_deg and bound_deg of P-vectors.
        """
        need("pandas")
        import pandas

        return pandas.DataFrame([row.cells() for row in self.rows]).set_index("measure")

    def to_frame(self):
        """The `table`."""
        return self.table

    def plot(self):
        """A Matplotlib figure: every estimate with its interval, beside what permuted samples reach."""
        return plots.intervals([row.cells() for row in self.rows], self._title)

    @classmethod
    def _from(cls, fields: dict) -> "Comparison":
        return cls(**{**fields, "rows": tuple(Row(**row) for row in fields["rows"])})

    @property
    def _title(self) -> str:
        return f"{self.names[0]} and {self.names[1]}, {self.n} samples"

    def _shown(self):
        cells = [row.cells() for row in self.rows]
        rows = [[name, *map(short, numbers)] for name, *numbers in (each.values() for each in cells)]
        return self._title, ["", *list(cells[0])[1:]], rows, self.warnings


def short(x: float) -> str:
    if x != x:
        return ""
    return f"{x:.4f}" if x == 0 or abs(x) >= 1e-4 else f"{x:.1e}"


@overload
def compare(a: Mapping, b: Mapping, **options) -> LayerComparison: ...
@overload
def compare(a: Any, b: Any, **options) -> Comparison: ...
def compare(  # type: ignore[misc]  # the overloads leave the options to it
    a, b, *, names=("a", "b"), measure: str | None = None, replicates: int = 100, permutations: int = 200, seed: int = 0
) -> Comparison | LayerComparison:
    """Compare features over the same samples in the same order, calibrated by permutations of the samples.

    Parameters
    ----------
    a, b : array (n, d), batches of rows, or dict of str to these
        n >= 20. Two matrices are compared in every measure; two dicts of layers in one measure, all layers with all layers.
    names : pair of str
        Of the two, for messages.
    measure : str, optional
        Of dicts: a name from the table of a `Comparison`. By default ``"P-vector |cos|, centred"``.
    replicates, permutations : int
        Half-samples and permutations, 20 or more of each. Dicts have no intervals, so no half-samples.
    seed : int
        Of both.

    Returns
    -------
    Comparison, or LayerComparison for dicts

    Raises
    ------
    ValueError
        Different numbers of samples, or what `p_vector` refuses; with the names.

    Notes
    -----
    Threshold, p and score are defined as by Groeger et al. 2026 (package calibrated-similarity), in float64, with the same
    permutations for every measure, and 0 where the threshold reaches 1. Half-samples: Shao & Tu 1995, chapter 5. Intervals
    are over samples, not over training runs. CKA, SVCCA, spans and Procrustes cost min(n, d)^3 operations for the wider matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from pvlib import compare
    >>> rng = np.random.default_rng(0)
    >>> common = rng.standard_normal((100, 3))
    >>> a, b = (common @ rng.standard_normal((3, d)) for d in (8, 12))
    >>> compare(a, b).table.loc["SVCCA", ["estimate", "calibrated"]].round(2).tolist()
    [1.0, 1.0]
    >>> found = compare({"1": a, "2": a**2}, {"1": b}, measure="SVCCA")
    >>> found.maximum["a"], found.maximum["p"] < 0.01
    ('1', True)
    """
    least = permutations if isinstance(a, Mapping) else min(replicates, permutations)
    if least < 20:
        raise ValueError(f"replicates={replicates}, permutations={permutations}: 20 or more of each are needed")
    if isinstance(a, Mapping) != isinstance(b, Mapping):
        raise TypeError(f"{names[0]} and {names[1]}: two matrices or two dicts of layers are needed, not one of each")
    if isinstance(a, Mapping):
        return all_layers(a, b, names, measure or "P-vector |cos|, centred", Draws(0, 0, permutations, seed))
    if measure is not None:
        raise ValueError("measure is for dicts of layers: two matrices are compared in every measure")
    first, second = same_samples(a, b, names=names, least=SAMPLES)
    draws = Draws(first.n, replicates, permutations, seed)
    notes: list[str] = []
    rows = [p_vector_row(first, second, center, draws, names, notes) for center in (False, True)]
    rows += moment_rows(paired_moments(first, second), draws, notes)
    rows.append(neighbour_row(first, second, draws, notes))
    findings = [diagnosis(part, name) for part, name in zip((first, second), names, strict=True)]
    notes += [*all_lines(findings), *width_notes(first, names[0]), *width_notes(second, names[1])]
    notes += order_notes([row.cells()["p"] for row in rows if row.measure in TELLING], *findings)
    return Comparison(tuple(names), first.n, tuple(rows), tuple(notes))
