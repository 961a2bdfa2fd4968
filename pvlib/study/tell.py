"""What `pvlib measure` and `pvlib compare` print. Not for computing it (measure)."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
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
        kind = "certified" if row["certified"] else "estimated"
        lines.append(
            f"{row['convention']:10} {one:11.5g} {two:11.5g} {row['ratio']:8.4f} {row['explained']:9.4f} "
            f"{row['cos_constant']:7.4f} {row['bound_deg']:11.1e}  {row['method']}, {kind}{note}"
        )
    return "\n".join(
        [
            *lines,
            "",
            "explained: share of the squared norm (centred: of the variance); cos 1: cosine with the constant vector",
        ]
    )


def compared(matrices: Mapping[str, np.ndarray], *, as_json: bool) -> str:
    """Angles between all pairs under both conventions, as a table or JSON.

    Raises
    ------
    ValueError
        Different numbers of samples; both files are named.
    """
    first, *others = matrices
    for name in others:
        if len(matrices[name]) != len(matrices[first]):
            raise ValueError(
                f"different numbers of samples: {first} has {len(matrices[first])}, {name} has "
                f"{len(matrices[name])}; rows must be the same samples in the same order"
            )
    rows = []
    for center in (False, True):
        found = {name: measure.p_vector(matrix, center=center, k=1) for name, matrix in matrices.items()}
        rows += [_pair(a, b, found[a], found[b], center) for a, b in itertools.combinations(matrices, 2)]
    if as_json:
        return json.dumps(rows, indent=1)
    lines = [f"{'':10} {'angle (deg)':>11} {'+- bound':>9} {'|cos|':>7} {'mean alone':>10} {'r':>7}  pair"]
    for row in rows:
        alone = f"{row['mean_direction_cos']:10.4f}" if row["mean_direction_cos"] is not None else f"{'-':>10}"
        lines.append(
            f"{row['convention']:10} {row['angle_deg']:11.4f} {row['bound_deg']:9.1e} {row['cos']:7.4f} {alone} "
            f"{row['r']:7.4f}  {row['a']} - {row['b']}" + ("" if row["defined"] else "  TIE: undefined")
        )
    return "\n".join(
        [
            *lines,
            "",
            "mean alone: the |cos| that the mean direction alone gives (mean over permuted samples); "
            "r: correlation of the entries, what is shared beyond it",
        ]
    )


def _pair(a: str, b: str, one, two, center: bool) -> dict:
    parts = measure.mean_direction(one.vector, two.vector)
    cosine = measure.cosine(one.vector, two.vector)
    alone = None if center else abs(parts.c_u * parts.c_v)
    return {
        "a": a,
        "b": b,
        "convention": "centred" if center else "uncentred",
        "angle_deg": math.degrees(measure.angle(one.vector, two.vector)),
        "bound_deg": math.degrees(one.bound + two.bound),
        "cos": cosine,
        "mean_direction_cos": alone,
        "mean_direction_share": None if alone is None or cosine == 0 else alone / cosine,
        "r": abs(float(parts.r)),
        "defined": bool(one.defined and two.defined),
    }
