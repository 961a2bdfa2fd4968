"""Tables about pairs of networks, made from their P-vectors alone."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from .. import measure
from ..vector_names import ALONG, PRIMARY, SPLITS, STATES, FullName, VectorName

PERMUTATIONS = 200
ROUNDING = 1e-3  # of vectors kept in half precision: less than this of a unit vector is noise


def unit(vector: np.ndarray) -> np.ndarray:
    """Rows of unit length in float64: what was stored in half precision is rescaled, not trusted."""
    rows = np.atleast_2d(vector).astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def groups(vectors: Mapping[str, Mapping[str, np.ndarray]]) -> dict[tuple, list[tuple[str, str, np.ndarray]]]:
    """(split, layer, convention) -> (run, state, (n,) vector) of every run that has that layer."""
    found = defaultdict(list)
    for run in sorted(vectors):
        for text, value in vectors[run].items():
            name = VectorName.parse(text)
            if name.state in STATES:
                found[name.split, name.layer, name.convention].append((run, name.state, unit(value[:1])[0]))
    return found


def pair_rows(vectors: Mapping[str, Mapping[str, np.ndarray]], cells: Mapping[str, str]) -> pd.DataFrame:
    """|cos| of every two networks of one data set, with the parts of the uncentred identity (protocol).

    One row for each unordered pair of different runs: trained-trained and untrained-untrained, where both are calibrated
    or neither is; also trained-untrained, of runs of one cell, and at the primary layer, uncentred and centred, of all. A
    network without BatchNorm has nothing to calibrate and is paired with both kinds. `cells` : run -> its cell.
    """
    frames = []
    for (split, layer, convention), members in groups(vectors).items():
        runs = np.array([m[0] for m in members])
        states = np.array([m[1] for m in members])
        matrix = np.stack([m[2] for m in members])
        i, j = np.triu_indices(len(members), 1)
        everywhere = layer == PRIMARY and convention in ALONG
        of = np.array(["" if everywhere else cells[run] for run in runs])
        keep = comparable(runs, states, i, j, mixed=of[i] == of[j])
        i, j = i[keep], j[keep]
        frames.append(
            pd.DataFrame(
                {
                    "run_a": runs[i],
                    "run_b": runs[j],
                    "state_a": states[i],
                    "state_b": states[j],
                    "layer": layer,
                    "convention": convention,
                    "split": split,
                    **cosines(matrix, i, j),
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def comparable(
    runs: np.ndarray, states: np.ndarray, i: np.ndarray, j: np.ndarray, *, mixed: bool | np.ndarray
) -> np.ndarray:
    """Which of the pairs i, j are of two networks in states that may be compared; where `mixed`, also trained with untrained."""
    has_raw = np.isin(runs, runs[states == "untrained_raw"])
    raw = (states == "untrained_raw") | ((states == "untrained") & ~has_raw)
    wanted = (states[i] == states[j]) | (raw[i] & raw[j])
    wanted |= mixed & ((states[i] == "trained") != (states[j] == "trained"))
    return (runs[i] != runs[j]) & wanted


def cosines(matrix: np.ndarray, i: np.ndarray, j: np.ndarray) -> dict[str, np.ndarray]:
    """|cos| of rows i and j, unit vectors, and the parts of the uncentred identity (protocol)."""
    c = matrix @ np.full(matrix.shape[1], 1 / math.sqrt(matrix.shape[1]))
    matrix = matrix * np.where(c < 0, -1.0, 1.0)[:, None]
    c = np.abs(c)
    cos = np.minimum(np.abs(matrix @ matrix.T), 1.0)[i, j]
    return {"cos": cos, "c_a": c[i], "c_b": c[j], "r": correlations(matrix, c, i, j)}


def correlations(matrix: np.ndarray, c: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Pearson correlation of the entries of rows i and j, whose signs make c, the cosine with the constant vector, >= 0.

    Where a vector has no mean its sign is free, and the positive correlation is meant. NaN where a vector is constant up
    to the rounding of half precision: nothing is left to correlate.
    """
    rest = matrix - matrix.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rest, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.clip((rest @ rest.T)[i, j] / (length[i] * length[j]), -1, 1)
    r = np.where(np.minimum(c[i], c[j]) < ROUNDING, np.abs(r), r)
    return np.where(np.minimum(length[i], length[j]) < ROUNDING, np.nan, r)


def primary_pairs(vectors: Mapping, convention: str, state: str = "trained") -> Iterator[tuple]:
    """(run_a, run_b, (k, n) array, (k, n) array) of networks in that state, primary layer, training anchor."""
    name = str(VectorName.primary(state, convention))
    have = [run for run in sorted(vectors) if name in vectors[run]]
    for a, b in itertools.combinations(have, 2):
        yield a, b, vectors[a][name], vectors[b][name]


def control_rows(vectors: Mapping, labels: np.ndarray) -> pd.DataFrame:
    """What `controls` tells of every two trained networks, at the primary layer."""
    rows = []
    for convention in ALONG:
        for a, b, one, two in primary_pairs(vectors, convention):
            place = {"run_a": a, "run_b": b, "layer": PRIMARY, "convention": convention, "split": "train"}
            rows.append(place | controls(unit(one)[0], unit(two)[0], labels, pair_seed(a, b, convention)))
    return pd.DataFrame(rows)


def controls(u: np.ndarray, v: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, float]:
    """Permutations and rotations that keep some of what two P-vectors share (protocol 7)."""
    parts = measure.mean_direction(u, v)
    within = measure.within_class_permutation(u, v, labels, replicates=PERMUTATIONS, seed=seed)
    rotated = measure.class_span_rotation(u, v, labels, replicates=PERMUTATIONS, seed=seed)
    return {
        "free_permutation": abs(parts.c_u * parts.c_v),
        "within_class": float(np.mean(within)),
        "within_class_hi": float(np.quantile(within, 0.975)),
        "span_rotation": float(np.mean(rotated)),
        "residual_cos": measure.cosine(measure.class_residual(u, labels), measure.class_residual(v, labels)),
    }


def full_rows(full: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """|cos| of P-vectors over the whole splits, for runs whose vectors are in the store."""
    frames = []
    for split, convention in itertools.product(SPLITS, ALONG):
        name = str(FullName(split, convention))
        have = [run for run in sorted(full) if name in full[run]]
        if len(have) < 2:
            continue
        matrix = np.stack([unit(full[run][name])[0] for run in have])
        i, j = np.triu_indices(len(have), 1)
        names = np.array(have)
        frames.append(
            pd.DataFrame(
                {
                    "run_a": names[i],
                    "run_b": names[j],
                    "convention": convention,
                    "split": split,
                    "cos": np.minimum(np.abs((matrix @ matrix.T)[i, j]), 1.0),
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def pair_seed(*names: str) -> int:
    """A seed of its own for each pair, the same on every machine."""
    return int.from_bytes(hashlib.sha256("|".join(names).encode()).digest()[:4], "big")
