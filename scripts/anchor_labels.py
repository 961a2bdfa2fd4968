"""Write `results/anchor-labels.json`: the class of every sample of the training anchors, for pages built without the data sets.

    python scripts/anchor_labels.py

MNIST and CIFAR are not shipped with the book, but their classes are needed to read a P-vector: 2,000 small numbers for each.
Needs the data sets (PVLIB_DATA, or a download). Digits come with scikit-learn and need no table.
"""

from __future__ import annotations

import json
from pathlib import Path

from pvlib.atomic import write_atomic
from pvlib.experiment.data import anchor, load
from pvlib.experiment.data.partitions import partitions

TO = Path(__file__).resolve().parents[1] / "results" / "anchor-labels.json"
DATASETS = ("mnist", "cifar10", "cifar100")
COARSER = "animals or things"  # 100 classes cannot be told apart by colour, these two groups can


def labels(dataset: str) -> dict:
    """Names of the classes, and the class of every sample in the order of the anchor, with the checksum of the data."""
    data = load(dataset)
    groups = partitions(data).get(COARSER)
    return {
        "data_sha256": data.checksum,
        "classes": list(data.class_names),
        **({"groups": [COARSER.split(" or ")[group] for group in groups]} if groups else {}),
        "labels": data.train.labels[anchor(data).train_ids].tolist(),
    }


def main() -> None:
    tables = (f"{json.dumps(name)}: {json.dumps(labels(name))}" for name in DATASETS)
    write_atomic(TO, ("{\n" + ",\n".join(tables) + "\n}\n").encode())


if __name__ == "__main__":
    main()
