"""What a P-vector goes with, as far as the vectors and the images tell: classes, coarser groups, brightness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from .. import measure
from ..experiment.data import ImageData, anchor
from ..experiment.data.partitions import partitions
from ..vector_names import ALONG, VectorName
from .pairs import unit


def correlate_rows(vectors: Mapping[str, Mapping[str, np.ndarray]], data: ImageData) -> pd.DataFrame:
    """Training anchor, trained and untrained, every layer: a row for each variable.

    measure : `r`, the absolute Pearson correlation of the entries with a number of each image, or `eta2`, the share of the
        entries' variance that lies between groups of images; by chance eta2 is (groups - 1) / (n - 1).
    """
    ids = anchor(data).train_ids
    labels = data.train.labels[ids].numpy()
    groups = {"classes": labels} | {name: np.array(of)[labels] for name, of in partitions(data).items()}
    images = data.train.images[ids].float()
    numbers = {"brightness": images.mean(dim=(1, 2, 3)).numpy(), "contrast": images.flatten(1).std(dim=1).numpy()}
    rows = []
    for run, named in vectors.items():
        for name, value in ((VectorName.parse(text), value) for text, value in named.items()):
            if name.split != "train" or name.state not in ("trained", "untrained") or name.convention not in ALONG:
                continue
            u = unit(value[:1])[0]
            found = [(variable, "r", _r(u, x)) for variable, x in numbers.items()]
            found += [(v, "eta2", float(measure.between_class_share(u, x))) for v, x in groups.items()]
            rows += [{"run": run, **asdict(name), "variable": v, "measure": m, "value": x} for v, m, x in found]
    return pd.DataFrame(rows)


def _r(u: np.ndarray, x: np.ndarray) -> float:
    return float(abs(np.corrcoef(u, x)[0, 1])) if u.std() > 0 and x.std() > 0 else math.nan
