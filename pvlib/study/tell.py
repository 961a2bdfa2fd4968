"""What `pvlib measure` and `pvlib compare` print. Not for computing it (measure)."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import measure

SHOWN = 5


def measured(path: Path, matrix: np.ndarray, *, as_json: bool) -> str:
    """Spectrum, gap and bound of one matrix under both conventions, as a table or JSON."""
    results = []
    for center in (False, True):
        found = measure.p_vector(matrix, center=center, k=1)
        results.append(
            {
                "file": str(path),
                "samples": found.n,
                "features": found.d,
                "convention": "centred" if center else "uncentred",
                "sigmas": [float(s) for s in found.sigmas[:SHOWN]],
                "ratio": float(found.ratio),
                "resolved": found.resolved,
                "gap": float(found.gap),
                "explained": float(found.explained),
                "cos_constant": abs(float(found.vector.sum())) / math.sqrt(found.n),
                "bound_deg": math.degrees(found.bound),
                "certified": bool(found.certified),
                "defined": bool(found.defined),
                "method": found.method,
            }
        )
    if as_json:
        return json.dumps(results, indent=1)
    lines = [
        f"{path}: {results[0]['samples']} samples x {results[0]['features']} features",
        "",
        f"{'':10} {'sigma1':>11} {'sigma2':>11} {'ratio':>8} {'explained':>9} {'cos 1':>7} {'bound (deg)':>11}  method",
    ]
    for row in results:
        one, two = row["sigmas"][0], row["sigmas"][1] if len(row["sigmas"]) > 1 else 0.0
        note = "" if row["defined"] else "  TIE: undefined, compare spans"
        ratio = f"{row['ratio']:.4f}" if row["resolved"] else f">{row['ratio']:.1e}"  # of what can be told from 0
        kind = "certified" if row["certified"] else "estimated"
        lines.append(
            f"{row['convention']:10} {one:11.5g} {two:11.5g} {ratio:>8} {row['explained']:9.4f} "
            f"{row['cos_constant']:7.4f} {row['bound_deg']:11.1e}  {row['method']}, {kind}{note}"
        )
    return "\n".join(
        [
            *lines,
            "",
            "explained: share of the squared norm (centred: of the variance); cos 1: cosine with the constant vector",
        ]
    )


COLUMNS = """\
lo, hi: 95 % over samples; null: mean over permuted samples, null_95 and p from the same; calibrated: null_95 is 0, 1 is 1;
mean_alone: |cos| that the mean direction alone gives; angle_deg, bound_deg: angle of the P-vectors and bound of its error"""


def compared(files: Sequence[tuple[str, np.ndarray]], *, as_json: bool, replicates: int, permutations: int) -> str:
    """Every pair of (name, matrix) in every measure, as tables or JSON.

    Raises
    ------
    ValueError
        Different numbers of samples, or too few; both files are named.
    """
    (first, matrix), *others = files
    for name, other in others:  # before any pair is measured
        if len(other) != len(matrix):
            raise ValueError(
                f"different numbers of samples: {first} has {len(matrix)}, {name} has {len(other)}; "
                "rows must be the same samples in the same order"
            )
    found = [
        measure.compare(a, b, names=(one, two), replicates=replicates, permutations=permutations)
        for (one, a), (two, b) in itertools.combinations(files, 2)
    ]
    if as_json:
        return json.dumps([record(pair) for pair in found], indent=1)
    return "\n\n".join([*map(str, found), COLUMNS])


def record(found: measure.Comparison) -> dict:
    """A comparison as JSON can hold it: NaN, which it cannot, is null."""
    rows = found.table.reset_index().to_dict("records")
    return {
        "a": found.names[0],
        "b": found.names[1],
        "samples": found.n,
        "rows": [{key: None if value != value else value for key, value in row.items()} for row in rows],
        "warnings": list(found.warnings),
    }
