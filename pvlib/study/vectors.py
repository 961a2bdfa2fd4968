"""Which of a run's vectors tables are made of, and which are published (in which form: `pvlib.packed`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..experiment.train import SHARES, share_step
from ..packed import pack, unpack
from ..vector_names import ALONG, PRIMARY, SPLITS, STATES, VectorName
from .measuring import SPAN

__all__ = ["along_training", "at_share", "for_publication", "pack", "slim", "unpack"]


def at_share(share: float) -> str:
    """The state of a network when that share of its training is done, as vectors and tables name it."""
    return f"share_{share:g}"


def along_training(snapshots: Mapping[str, np.ndarray], steps: int) -> dict[str, np.ndarray]:
    """The vectors of the primary layer at the `SHARES` of the training, from all that a run remembers of its training."""
    found = {}
    for share in SHARES:
        for convention in ALONG:
            vector = snapshots.get(str(VectorName.primary(str(share_step(share, steps)), convention)))
            if vector is not None:
                found[str(VectorName.primary(at_share(share), convention))] = vector[None]
    return found


def slim(vectors: Mapping[str, np.ndarray], role: str) -> dict[str, np.ndarray]:
    """What of a run's vectors tables are made of.

    Pool runs: the primary layer's two vectors on the training anchor. All others: on the training anchors every layer, on
    the test anchor the primary one, which is all that a replication needs. Spans, definitions other than uncentred and
    centred, and moments of training are of primary runs; BatchNorm uncalibrated is of the primary layer.
    """
    found = {}
    for text, value in vectors.items():
        name = VectorName.parse(text)
        state, split, primary, basic = name.state, name.split, name.layer == PRIMARY, name.convention in ALONG
        if role == "pool":
            wanted = state == "trained" and split == "train" and primary and basic
        elif state not in STATES:
            wanted = role in ("primary", "control")
        else:
            wanted = (split != "test" or primary) and (basic or role == "primary" or state == "trained")
            wanted = wanted and (state != "untrained_raw" or (primary and basic and split in SPLITS))
        if wanted:
            found[text] = value if role == "primary" else value[:1]
    return found


def for_publication(vectors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What of a run's vectors is published: what chapters, checks and readers' own networks are compared with.

    Both ends of training, uncentred and centred: every layer on the training anchor, the primary one on the test anchor. Of the
    span of centred directions the first `SPAN`, on the training anchor. The other definitions, the moments along training and
    the other data set's anchor are in the tables alone.
    """
    found = {}
    for text, value in vectors.items():
        name = VectorName.parse(text)
        if name.state in STATES and name.split in SPLITS and name.convention in ALONG:
            spanned = name.split == "train" and name.state != "untrained_raw"
            found[text] = value[: SPAN if spanned else 1]
    return found
