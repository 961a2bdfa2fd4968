"""What `pvlib measure` and `pvlib compare` print and write."""

from __future__ import annotations

import itertools
import json
import math
import platform
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import __version__, measure
from ..atomic import write_atomic
from ..checksums import sha256
from ..measure.results import as_file
from ..one_line import one_line
from .matrices import split_source
from .store_files import plain

SHOWN = 5
MOST = 10_000  # half-samples or permutations: p-values finer than this mean nothing, and each is kept until the end


def measured(name: str, matrix: np.ndarray) -> dict[str, measure.PVector]:
    """The P-vector of one matrix under each convention.

    Raises
    ------
    ValueError
        Nothing can be measured; the matrix is named.
    """
    found = {}
    for convention, center in (("uncentred", False), ("centred", True)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", measure.TieWarning)  # it is in the table
                found[convention] = measure.p_vector(matrix, center=center, k=1)
        except ValueError as error:
            raise type(error)(f"{name}: {error}") from error
        except MemoryError as error:
            raise MemoryError(f"{name}: not enough memory to measure it ({error})") from error
    return found


def records(name: str, found: dict[str, measure.PVector]) -> list[dict]:
    """Spectrum, gap and bound, one record for each convention."""
    return [
        {
            "file": name,
            "samples": one.n,
            "features": one.d,
            "convention": convention,
            "singular_values": [float(s) for s in one.singular_values[:SHOWN]],
            "ratio": float(one.ratio),
            "resolved": bool(one.resolved),
            "gap": float(one.gap),
            "explained": float(one.explained),
            "cos_constant": abs(float(one.vector.sum())) / math.sqrt(one.n),
            "bound_deg": math.degrees(one.error_bound),
            "certified": bool(one.certified),
            "defined": bool(one.defined),
            "method": one.method,
        }
        for convention, one in found.items()
    ]


def table(rows: Sequence[dict], notes: Sequence[str] = ()) -> str:
    """The records of one matrix as text."""
    lines = [
        f"{rows[0]['file']}: {rows[0]['samples']} samples x {rows[0]['features']} features",
        "",
        f"{'':10} {'sigma1':>11} {'sigma2':>11} {'ratio':>8} {'explained':>9} {'cos 1':>7} {'bound (deg)':>11}  method",
    ]
    for row in rows:
        one, two = row["singular_values"][0], row["singular_values"][1] if len(row["singular_values"]) > 1 else 0.0
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
            *(f"! {note}" for note in notes),
        ]
    )


def write_vectors(out: Path, source: str, found: dict[str, measure.PVector]) -> None:
    """Both P-vectors in a safetensors file that `PVector.load` reads; where they come from is its metadata."""
    note = {
        "pvlib": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "sha256": sha256(split_source(source)[0]),
        "measured": as_json(records(one_line(source), found)),
    }
    write_atomic(out, as_file(found, note))


def as_json(value: object) -> str:
    """JSON, in which what is not finite is null: NaN and Infinity are no JSON."""
    return json.dumps(plain(value), indent=1, allow_nan=False)


COLUMNS = """\
lo, hi: 95 % over samples; null: mean over permuted samples, null_95 and p from the same; calibrated: null_95 is 0, 1 is 1;
mean_alone: |cos| that the mean direction alone gives; angle_deg, bound_deg: angle of the P-vectors and bound of its error"""


def compared(
    files: Sequence[tuple[str, np.ndarray]], *, replicates: int, permutations: int
) -> list[measure.Comparison]:
    """Every pair of (name, matrix) in every measure.

    Raises
    ------
    ValueError
        Different numbers of samples, or too few (both files are named); more draws than can be kept.
    """
    for option, number in (("replicates", replicates), ("permutations", permutations)):
        if number > MOST:
            raise ValueError(f"--{option} {number}: {MOST:,} at most; more would change no digit that means anything")
    (first, matrix), *others = files
    for name, other in others:  # before any pair is measured
        if len(other) != len(matrix):
            raise ValueError(
                f"different numbers of samples: {first} has {len(matrix)}, {name} has {len(other)}; "
                "rows must be the same samples in the same order"
            )
    found = []
    for (one, a), (two, b) in itertools.combinations(files, 2):
        try:
            found.append(measure.compare(a, b, names=(one, two), replicates=replicates, permutations=permutations))
        except ValueError as error:
            named = one in str(error) or two in str(error)
            raise ValueError(str(error) if named else f"{one} and {two}: {error}") from error
    return found


def record(found: measure.Comparison) -> dict:
    """A comparison as `as_json` takes it."""
    return {
        "a": found.names[0],
        "b": found.names[1],
        "samples": found.n,
        "rows": [row.cells() for row in found.rows],
        "warnings": list(found.warnings),
    }
