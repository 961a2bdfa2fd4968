"""Tables about the spans of several first directions, where one direction alone may be any of them (protocol 6)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from .. import measure
from ..vector_names import VectorName
from .pairs import unit

SPANS = (2, 9)


def span_rows(vectors: Mapping, num_classes: int) -> pd.DataFrame:
    """Spans of the first k centred directions of two networks, in equal state, each beside random spans.

    overlap : tr(P_a P_b) / k.
    angle_to_span : of each P-vector to the other network's span, the mean of the two, in degrees.
    best_common : |cos| of the two directions, one in each span, that are nearest to one another.

    The nulls are exact means over random spans, and for `best_common` the limit of large n (Wachter 1980).
    """
    rows = []
    for state in ("trained", "untrained"):
        name = str(VectorName.primary(state, "centred"))
        bases = {run: _bases(value[name]) for run, value in vectors.items() if name in value}
        for a, b in itertools.combinations(sorted(bases), 2):
            for k in sorted({*SPANS, num_classes - 1}):
                left, right = bases[a], bases[b]
                if min(left.shape[1], right.shape[1]) < k:
                    continue
                left, right = left[:, :k], right[:, :k]
                share = k / (len(left) - 1)  # centred directions leave out the constant one
                angles = [measure.angle_to_span(left[:, 0], right), measure.angle_to_span(right[:, 0], left)]
                rows.append(
                    {
                        "run_a": a,
                        "run_b": b,
                        "state": state,
                        "split": "train",
                        "convention": "centred",
                        "k": k,
                        "overlap": float(measure.span_overlap(left, right)),
                        "overlap_null": share,
                        "angle_to_span": math.degrees(sum(angles) / 2),
                        "angle_to_span_null": math.degrees(math.acos(math.sqrt(share))),
                        "best_common": min(1.0, float(np.linalg.norm(left.T @ right, 2))),
                        "best_common_null": 2 * math.sqrt(share * (1 - share)),
                    }
                )
    return pd.DataFrame(rows)


def _bases(value: np.ndarray) -> np.ndarray:
    """(n, k) orthonormal: what was rounded for publication is made orthogonal again, the first direction kept."""
    return np.linalg.qr(unit(value).T)[0]
