"""Every estimate of the ledger, computed a second time from the published vectors: plain NumPy and pandas.

    python scripts/recompute.py results/quick results/pool results/digits      print them
    python scripts/recompute.py --recorded RECORDED.csv --results results      compare with the book's table of pairs

Written from the protocol, without a line of `pvlib`: what both ways agree on is not an accident of one of them. Prints
the estimates as a table; a test compares them with the ledger's.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

TOLERANCE = 1e-3  # of a mean |cos|: vectors are published in half precision
FACTORS = ["width", "lr", "train_size", "label_noise"]


def tensors(path):
    """The arrays of a safetensors file, whose form is: length of the header, JSON header, bytes."""
    raw = Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    kinds = {"F16": "<f2", "F32": "<f4", "U8": "u1"}
    return {
        name: np.frombuffer(raw[8 + size :][slice(*at["data_offsets"])], kinds[at["dtype"]]).reshape(at["shape"])
        for name, at in header.items()
        if name != "__metadata__"
    }


def first_directions(path):
    """ "state/split/layer/convention" -> the first direction as a unit vector in float64."""
    found = {}
    stored = tensors(path)
    for name, rows in stored.items():
        if name.count("/") < 2 or name.endswith(("/more", "#range")):
            continue
        row = rows[0].astype(np.float64)
        if rows.dtype == np.uint8:
            low, high = stored[f"{name}#range"][0].astype(np.float64)
            row = low + row * (high - low) / 255
        found[name] = row / np.linalg.norm(row)
    return found


def cosines(left, right):
    """(runs of left, runs of right) absolute cosines."""
    return np.abs(np.array(left) @ np.array(right).T)


def pair_means(cells, state, convention):
    """For every pair of different cells, the mean |cos| over pairs of seeds."""
    place = f"{state}/train/penultimate/{convention}"
    of_cell = {cell: [v[place] for v in runs if place in v] for cell, runs in cells.items()}
    return [cosines(of_cell[a], of_cell[b]).mean() for a, b in itertools.combinations(of_cell, 2)]


def cell_angles(cells, convention):
    """Per cell, the mean angle in degrees to another seed's final P-vector: before training, and after."""
    place = f"train/penultimate/{convention}"
    both = []
    for states in (("untrained_raw", "untrained"), ("trained",)):
        means = []
        for runs in cells.values():
            state = next(state for state in states if f"{state}/{place}" in runs[0])
            cos = cosines([v[f"{state}/{place}"] for v in runs], [v[f"trained/{place}"] for v in runs])
            means.append(np.degrees(np.arccos(np.minimum(1, cos)))[~np.eye(len(runs), dtype=bool)].mean())
        both.append(means)
    return both


def granulated(pool, x, y):
    """Claim 3: Kendall's tau of networks that differ in one factor alone, averaged over settings, then over factors."""
    taus = []
    for factor in FACTORS:
        held = ["architecture", *(name for name in FACTORS if name != factor)]
        signs = []
        for _, part in pool.groupby(held):
            for (_, one), (_, two) in itertools.combinations(part.groupby(factor), 2):
                dx = np.sign(np.subtract.outer(one[x].to_numpy(), two[x].to_numpy()))
                dy = np.sign(np.subtract.outer(one[y].to_numpy(), two[y].to_numpy()))
                signs.append((dx * dy).mean())
        taus.append(np.mean(signs))
    return np.mean(taus)


def entering(runs, folder, floors, minimum):
    """Data set -> cell -> vectors of the seeds that reached their floor, of primary cells with enough such seeds."""
    primary = runs[(runs["role"] == "primary") & (runs["status"] == "done")]
    primary = primary[primary["score"] >= primary["cell"].map(floors).astype(float)]
    found = {}
    for (dataset, cell), part in primary.groupby(["dataset", "cell"]):
        if len(part) >= minimum:
            vectors = [first_directions(folder / "vectors" / f"{run}.safetensors") for run in part["run"]]
            found.setdefault(dataset, {})[cell] = vectors
    return found


def estimates(folder, floors, minimum=5):
    """A row for each claim, data set and convention that the study of this folder has the networks for."""
    folder, rows = Path(folder), []
    runs = pd.read_parquet(folder / "runs.parquet")
    for dataset, cells in entering(runs, folder, floors, minimum).items():
        for convention in ("uncentred", "centred"):
            starts, last = cell_angles(cells, convention)
            rows.append((2, dataset, convention, min(starts), max(last), np.nan))
            if len(cells) > 1:
                found = (min(pair_means(cells, state, convention)) for state in ("trained", "untrained"))
                rows.append((1, dataset, convention, next(found), np.nan, next(found)))
    pool = runs[(runs["role"] == "pool") & (runs["status"] == "done")]
    for dataset, networks in pool.groupby("dataset"):
        data = first_directions(folder / "vectors" / f"data-{dataset}.safetensors")
        error = networks.assign(test_error=1 - networks["test_accuracy"])
        vectors = {run: first_directions(folder / "vectors" / f"{run}.safetensors") for run in networks["run"]}
        for convention in ("uncentred", "centred"):
            u = data[f"pixels/train/{convention}"]
            cos = [abs(vectors[run][f"trained/train/penultimate/{convention}"] @ u) for run in error["run"]]
            tau = granulated(error.assign(angle=np.arccos(np.minimum(1, cos))), "angle", "test_error")
            rows.append((3, dataset, convention, tau, np.nan, granulated(error, "cka_data", "test_error")))
    return pd.DataFrame(rows, columns=["claim", "dataset", "convention", "estimate", "end", "control"])


def answers(folder, floors, minimum=5):
    """The same networks under version 2: a row for each data set and convention, over all pairs and all architectures."""
    folder, rows = Path(folder), []
    for dataset, cells in entering(pd.read_parquet(folder / "runs.parquet"), folder, floors, minimum).items():
        if len(cells) < 2:
            continue
        for convention in ("uncentred", "centred"):
            trained, untrained = (np.array(pair_means(cells, s, convention)) for s in ("trained", "untrained"))
            starts, last = cell_angles(cells, convention)
            row = {"mean": trained.mean(), "untrained": untrained.mean(), "difference": (trained - untrained).mean()}
            ends = {
                "start_least": min(starts),
                "start_most": max(starts),
                "end_least": min(last),
                "end_most": max(last),
            }
            rows.append({"dataset": dataset, "convention": convention, **row, "smallest": trained.min(), **ends})
    return pd.DataFrame(rows)


def compared(recorded, results):
    """The book's table of all pairs (dataset, study, convention, state, pair, mean) beside the same means from the vectors."""
    recorded, again = pd.read_csv(recorded), []
    for (study, dataset), rows in recorded.groupby(["study", "dataset"]):
        runs = pd.read_parquet(Path(results) / study / "runs.parquet")
        runs = runs[(runs["dataset"] == dataset) & (runs["status"] == "done") & (runs["role"] == "primary")]
        vectors = {
            run: first_directions(Path(results) / study / "vectors" / f"{run}.safetensors") for run in runs["run"]
        }
        members = runs.groupby("architecture")["run"].apply(list)
        for row in rows.itertuples():
            place, ends = f"{row.state}/train/penultimate/{row.convention}", row.pair.split(" and ")
            one, two = ([vectors[run][place] for run in members[end]] for end in ends)
            again.append((row.Index, cosines(one, two).mean()))
    return recorded.assign(again=pd.Series(dict(again)))


def main(arguments):
    if arguments[:1] == ["--recorded"]:
        if not Path(arguments[1]).is_file():  # a book without the data sets of the paper
            print(json.dumps({"numbers": 0}))
            return 0
        found = compared(arguments[1], arguments[3])
        away = (found["mean"] - found["again"]).abs()
        print(json.dumps({"numbers": len(found), "agree": int((away < TOLERANCE).sum()), "largest": float(away.max())}))
        return int((~(away < TOLERANCE)).any())
    import yaml

    floors = yaml.safe_load(Path("claims-1.yml").read_text())["floors"]
    for folder in arguments:
        given = floors.get(Path(folder).name, {})
        for found in (estimates(folder, given), answers(folder, given)):
            print(f"{folder}\n{found.to_string(index=False)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or sys.exit(__doc__)))
