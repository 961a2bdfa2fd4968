"""Tables about networks that differ in what they were trained on, or are compared before they are done."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..experiment.train import SHARES
from ..vector_names import ALONG, VectorName
from .measuring import OTHER
from .pairs import unit
from .vectors import at_share


def across_rows(vectors: Mapping[str, Mapping[str, np.ndarray]], datasets: Mapping[str, str]) -> pd.DataFrame:
    """|cos| of every network with every network that was trained on the other data set, in equal state, on the same images.

    `datasets` : run -> the data set that it was trained on. `run_a` was trained on the data set of the anchor, `run_b` was not.
    """
    frames = []
    for anchor, other in OTHER.items():
        for state in ("trained", "untrained"):
            home = _members(vectors, datasets, anchor, state, "train")
            guests = _members(vectors, datasets, other, state, f"{anchor}-train")
            for layer, convention in sorted(set(home) & set(guests)):
                (runs_a, left), (runs_b, right) = home[layer, convention], guests[layer, convention]
                i, j = (index.ravel() for index in np.indices((len(runs_a), len(runs_b))))
                frame = pd.DataFrame({"run_a": runs_a[i], "run_b": runs_b[j], "cos": np.abs((left @ right.T)[i, j])})
                root = math.sqrt(left.shape[1])
                frame["c_a"], frame["c_b"] = (np.abs(x.sum(1)[k]) / root for x, k in ((left, i), (right, j)))
                frames.append(frame.assign(state=state, anchor=anchor, layer=layer, convention=convention))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _members(vectors, datasets, dataset: str, state: str, split: str) -> dict[tuple, tuple[np.ndarray, np.ndarray]]:
    """(layer, convention) -> (runs, (m, n) unit vectors) of the networks trained on `dataset`."""
    found: dict[tuple, list] = {}
    for run in sorted(vectors):
        if datasets[run] == dataset:
            for name, value in ((VectorName.parse(text), value) for text, value in vectors[run].items()):
                if (name.state, name.split) == (state, split) and name.convention in ALONG:
                    found.setdefault((name.layer, name.convention), []).append((run, unit(value[:1])[0]))
    return {place: (np.array([r for r, _ in m]), np.stack([u for _, u in m])) for place, m in found.items()}


def alongside_rows(vectors: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """|cos| of every two networks of one data set at the same share of their training, 0 and 1 included.

    At the primary layer on the training anchor; `c_product` is what the mean direction alone gives. Before training a
    network is as initialised (BatchNorm uncalibrated), as the first step finds it.
    """
    frames = []
    for share in (0.0, *SHARES, 1.0):
        for convention in ALONG:
            members = []
            for run in sorted(vectors):
                states = {0.0: ("untrained_raw", "untrained"), 1.0: ("trained",)}.get(share, (at_share(share),))
                names = [str(VectorName.primary(state, convention)) for state in states]
                if (name := next((name for name in names if name in vectors[run]), None)) is not None:
                    members.append((run, unit(vectors[run][name][:1])[0]))
            if len(members) < 2:
                continue
            runs, matrix = np.array([m[0] for m in members]), np.stack([m[1] for m in members])
            i, j = np.triu_indices(len(members), 1)
            c = np.abs(matrix.sum(1)) / math.sqrt(matrix.shape[1])
            cos = np.minimum(np.abs(matrix @ matrix.T), 1.0)[i, j]
            frame = pd.DataFrame({"run_a": runs[i], "run_b": runs[j], "cos": cos, "c_product": c[i] * c[j]})
            frames.append(frame.assign(share=share, convention=convention))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
