"""A small published study with planted agreement, made without training: for tests of reports and figures.

P-vectors are drawn first and every table is computed from them, by the code that publishes real studies where that
is cheap, so columns and relations between tables are the real ones. Only scalars of training are made up.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from pvlib.study import pairs
from pvlib.study.across import across_rows, alongside_rows
from pvlib.study.spans import span_rows

SIZES = {"train": 200, "test": 100}
CLASSES = 10
LAYERS = ("earlier", "penultimate_pre", "penultimate", "output")
CONVENTIONS = ("uncentred", "centred", "unit_centred")
CELLS = {  # architecture: label, objective, score, layers it lacks
    "mlp": ("MLP", "classification", "test_accuracy", ()),
    "lenet": ("LeNet", "classification", "test_accuracy", ()),
    "resnet20": ("ResNet-20", "classification", "test_accuracy", ()),
    "mlp_ae": ("MLP autoencoder", "reconstruction", "test_explained_variance", ("penultimate_pre",)),
    "conv_ae": ("conv. autoencoder", "reconstruction", "test_explained_variance", ("penultimate_pre",)),
    "simclr_lenet": ("SimCLR (LeNet)", "contrastive", "probe_accuracy", ()),
}
FACTORS = {"width": (64, 512), "lr": (3e-4, 3e-3), "train_size": (2000, 10000), "label_noise": (0.0, 0.2)}


def planned_cells(runs: pd.DataFrame) -> dict:
    """As a study publishes it: every cell, with how many runs it plans."""
    first = runs.groupby("cell")[["label", "role", "dataset"]].first()
    return {cell: {**row, "runs": int((runs["cell"] == cell).sum())} for cell, row in first.to_dict("index").items()}


def write_fake_study(
    path,
    *,
    name: str = "quick",
    seed: int = 0,
    datasets=("mnist", "cifar10"),
    architectures=tuple(CELLS),
    seeds: int = 5,
    trained=0.95,
    untrained=0.5,
    constant=0.9,
    constant_untrained=0.95,
    start_deg=75.0,
    stability=0.97,
    score=0.99,
    random_labels: bool = True,
    pool: bool = True,
    link: float = 1.0,
    layers=LAYERS,
    steps=(0, 1, 3, 10, 32, 100, 316, 1000),
) -> Path:
    """Write the study to `path/name` and return that folder.

    Numbers marked * are one number, or a dict architecture -> number.

    Parameters
    ----------
    trained, untrained *
        Cosine of a centred P-vector with the direction that all trained (all untrained) networks share: two cells
        with weights w and w' agree at |cos| = w w', to within the noise of `SIZES`.
    constant, constant_untrained *
        |cos| of the uncentred P-vector with the constant vector.
    start_deg
        Angle between these two shared directions.
    stability, score *
        Of trained networks.
    link
        Slope (degrees per unit of test error, times 100) of the pool's angle to the data P-vector; 0: no relation.
    """
    folder = Path(path) / name
    (folder / "vectors").mkdir(parents=True)
    made = {
        dataset: _Dataset(dataset, name, seed, architectures, seeds, trained, untrained, constant, constant_untrained,
                          start_deg, stability, score, random_labels, link if pool else None, layers, steps)
        for dataset in datasets
    }  # fmt: skip
    per_dataset = [one.tables() for one in made.values()]
    for table in per_dataset[0]:
        frame = pd.concat([tables[table] for tables in per_dataset if len(tables[table])] or [pd.DataFrame()])
        _float32(frame).to_parquet(folder / f"{table}.parquet", index=False)
    for one in made.values():
        for run, vectors in one.vectors.items():
            halves = {place: np.ascontiguousarray(v).astype(np.float16) for place, v in vectors.items()}
            save_file(halves, folder / "vectors" / f"{run}.safetensors", {"run": run, "numerics_version": "1"})
    runs = pd.read_parquet(folder / "runs.parquet")
    provenance = {
        "study": name, "description": "made up", "published_at": "2026-11-25T00:00:00+00:00", "commit": "0" * 40,
        "run_commits": ["0" * 40], "versions": {"python": "3.11", "numpy": np.__version__}, "device": ["cpu"],
        "processor": ["none"], "torch": ["0"], "data": {dataset: "0" * 64 for dataset in datasets},
        "numerics_version": 1, "planned": len(runs), "planned_cells": planned_cells(runs), "runs": len(runs), "failed": 0,
        "wall_s_total": float(runs["wall_s"].sum()), "command": f"make study publish STUDY={name}",
    }  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(provenance))
    write_sums(folder)
    return folder


def write_sums(folder: Path) -> None:
    """(Again) the checksums of all files of a published study, for tests that change one."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


def rewrite(folder: Path, table: str, frame: pd.DataFrame) -> None:
    """Replace one table of a published study, checksums included."""
    frame.to_parquet(folder / f"{table}.parquet", index=False)
    write_sums(folder)


class _Dataset:
    """One data set of the study: its runs, their vectors, and the tables made from these."""

    def __init__(self, dataset, study, seed, architectures, seeds, trained, untrained, constant, constant_untrained,
                 start_deg, stability, score, random_labels, link, layers, steps):  # fmt: skip
        self.dataset, self.layers, self.steps, self.link = dataset, layers, steps, link
        self.rng = np.random.default_rng([seed, *dataset.encode()])
        self.given = {"trained": trained, "untrained": untrained, "constant": constant, "stability": stability,
                      "constant_untrained": constant_untrained, "score": score}  # fmt: skip
        self.labels = {split: np.arange(n) % CLASSES for split, n in SIZES.items()}
        self.shared = {split: self._shared(split, start_deg) for split in SIZES}
        self.runs = [self._run(study, a, f"{dataset}/{a}", "primary", s) for a in architectures for s in range(seeds)]
        if random_labels:
            self.runs += [self._run(study, "mlp", f"{dataset}/mlp-random-labels", "control", s) for s in range(3)]
        self.vectors = {run["run"]: self._run_vectors(run) for run in self.runs}
        self.networks = dict(self.vectors)
        self.vectors[f"data-{dataset}"] = {
            f"{layer}/{split}/{convention}": self._draw(split, convention, "trained", 0.6, 0.95)
            for layer, split, convention in itertools.product(("pixels", "pixels_standardised"), SIZES, CONVENTIONS[:2])
        }

    def of(self, what: str, architecture: str) -> float:
        value = self.given[what]
        return value.get(architecture, 0.95) if isinstance(value, dict) else value

    def _shared(self, split, start_deg) -> dict[str, np.ndarray]:
        """The direction of trained networks, partly class means, and at `start_deg` to it that of untrained ones."""
        means = self.rng.normal(size=CLASSES)[self.labels[split]]
        g = _centred_unit(_centred_unit(means) + 0.5 * self._noise(split))
        other = self._noise(split)
        other = _centred_unit(other - (other @ g) * g)
        angle = math.radians(start_deg)
        return {"trained": g, "untrained": math.cos(angle) * g + math.sin(angle) * other}

    def _noise(self, split) -> np.ndarray:
        return _centred_unit(self.rng.normal(size=SIZES[split]))

    def _draw(self, split, convention, state, weight, constant) -> np.ndarray:
        """(1, n): cosine `weight` with the shared direction; where uncentred, `constant` with the constant vector."""
        g = self.shared[split][state]
        noise = self._noise(split)
        noise = _centred_unit(noise - (noise @ g) * g)
        u = weight * g + math.sqrt(1 - weight**2) * noise
        if convention == "uncentred":
            u = math.sqrt(1 - constant**2) * u + constant / math.sqrt(len(u))
        return u[None]

    def _run(self, study, architecture, cell, role, seed, **recipe) -> dict:
        label, objective, score_name, _ = CELLS[architecture]
        random = cell.endswith("random-labels")
        score = min(1.0, self.of("score", architecture) + 0.002 * self.rng.uniform(-1, 1))
        asked = {"dataset": self.dataset, "architecture": architecture, "objective": objective,
                 "labels": "random" if random else "true", "pixels": "standardised", "width": None,
                 "train_size": 5000 if random else None, "label_noise": 0.0, "lr": 1e-3, "epochs": 5, "batch_size": 256,
                 "optimiser": "adamw", "augment": "none", "precision": "float32",
                 "draw": "shared" if random else "seed", "seed": seed, **recipe}  # fmt: skip
        measured = dict.fromkeys(("test_accuracy", "train_explained_variance", "test_explained_variance",
                                  "probe_accuracy", "train_accuracy"), math.nan)  # fmt: skip
        score_name = "train_accuracy" if random else score_name
        measured |= {"train_accuracy": min(1.0, score + 0.005)} if objective == "classification" else {}
        measured |= {score_name: score, score_name.replace("test_explained", "train_explained"): score}
        measured |= {"test_accuracy": 0.1} if random else {}
        return {
            "run": hashlib.sha256(json.dumps([study, cell, asked]).encode()).hexdigest()[:12],
            "cell": cell, "label": label + (", random labels, one draw" if random else ""), "role": role, **asked,
            "status": "done", "failed_epoch": math.nan, "parameters": 100_000.0, "score_name": score_name,
            "score": score, "train_loss": 0.05, "test_loss": 0.1, **measured, "weight_norm": 20.0 + self.rng.uniform(),
            "cka_data": 0.3 + 0.1 * self.rng.uniform(), "steps": float(self.steps[-1]), "wall_s": 60.0,
            "measure_s": 6.0, "device": "cpu", "processor": "none", "threads": 1.0, "load": 1.0, "commit": "0" * 40,
            "torch": "0",
            "data_sha256": "0" * 64, "numerics_version": 1.0, "finished_at": "2026-11-25T00:00:00+00:00",
            "config_json": json.dumps(asked, sort_keys=True),
        }  # fmt: skip

    def _run_vectors(self, run: dict) -> dict[str, np.ndarray]:
        architecture, found = run["architecture"], {}
        for state, split, layer, convention in self._places(architecture):
            kind = "trained" if state == "trained" else "untrained"
            weight = self.of(kind, architecture)
            weight = 0.3 if run["labels"] == "random" and kind == "trained" else weight
            mean = self.of("constant" if kind == "trained" else "constant_untrained", architecture)
            u = self._draw(split, convention, kind, weight, mean)
            if (state, layer, convention) == ("trained", "penultimate", "centred"):
                more = np.linalg.qr(np.vstack([np.ones_like(u), u, self.rng.normal(size=(9, u.size))]).T)[0].T[2:]
                u = np.vstack([u, more])
            found[f"{state}/{split}/{layer}/{convention}"] = u
        return found

    def _places(self, architecture):
        states = ("trained", "untrained") + (("untrained_raw",) if architecture == "resnet20" else ())
        kept = [layer for layer in self.layers if layer not in CELLS[architecture][3]]
        return itertools.product(states, SIZES, kept, CONVENTIONS)

    def tables(self) -> dict[str, pd.DataFrame]:
        snapshots, trajectory = self._along()
        full = {run: {place.removeprefix("trained/").replace("penultimate/", ""): v for place, v in vectors.items()
                      if place.startswith("trained") and "/penultimate/" in place and "unit" not in place}
                for run, vectors in self.networks.items()}  # fmt: skip
        pool_runs, pool = self._pool() if self.link is not None else ([], pd.DataFrame())
        shift = [{"run": run, "split": split, "convention": convention, "cos_anchor": 0.99}
                 for run in self.networks for split in SIZES for convention in CONVENTIONS[:2]]  # fmt: skip
        history = [{"run": run["run"], "epoch": e, "train_loss": 2.0 / (e + 1), "lr": 1e-3, "seconds": 10.0}
                   for run in self.runs for e in range(1, run["epochs"] + 1)]  # fmt: skip
        return {
            "runs": pd.DataFrame(self.runs + pool_runs), "history": pd.DataFrame(history), "snapshots": snapshots,
            "trajectory": trajectory, "finals": self._finals(), "pairs": pairs.pair_rows(self.networks, {run["run"]: run["cell"] for run in self.runs}),
            "controls": self._controls(), "spans": span_rows(self.networks, 10),
            "alongside": alongside_rows(self.networks), "across": across_rows(self.networks, dict.fromkeys(self.networks, self.dataset)),
            "correlates": self._correlates(),
            "spectra": self._spectra(), "full": pairs.full_rows(full),
            "anchor_shift": pd.DataFrame(shift), "data": self._data(), "pool": pool,
        }  # fmt: skip

    def _spectrum(self, u) -> dict:
        ratio = 1.1 + self.rng.exponential()
        return {"sigma1": 10.0 * ratio, "sigma2": 10.0, "ratio": ratio, "explained": ratio / (ratio + 3),
                "cos_constant": abs(float(u.sum())) / math.sqrt(len(u))}  # fmt: skip

    def _against_data(self, u, split, convention) -> dict:
        place = f"{split}/{'uncentred' if convention == 'uncentred' else 'centred'}"
        data = self.vectors[f"data-{self.dataset}"]
        return {"cos_data": abs(float(u @ data[f"pixels/{place}"][0])),
                "cos_data_standardised": abs(float(u @ data[f"pixels_standardised/{place}"][0]))}  # fmt: skip

    def _finals(self) -> pd.DataFrame:
        rows = []
        for run in self.runs:
            for place, vectors in self.networks[run["run"]].items():
                state, split, layer, convention = place.split("/")
                stable = state == "trained" and split == "train"
                rows.append({
                    "run": run["run"], "state": state, "split": split, "layer": layer, "convention": convention,
                    "n": SIZES[split], "d": 64, **self._spectrum(vectors[0]), "bound_deg": 1e-4, "defined": True,
                    **self._against_data(vectors[0], split, convention),
                    "r_brightness": 0.4 * self.rng.uniform(), "eta2": _eta2(vectors[0], self.labels[split]),
                    "stability": self.of("stability", run["architecture"]) if stable else math.nan,
                })  # fmt: skip
        return pd.DataFrame(rows)

    def _along(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Straight from the untrained to the trained vector, fast at first."""
        snapshots, trajectory = [], []
        for run in self.runs:
            own = self.networks[run["run"]]
            others = [r["run"] for r in self.runs if r["cell"] == run["cell"] and r is not run]
            for place in (p.removeprefix("trained/") for p in own if p.startswith("trained") and "unit" not in p):
                split, layer, convention = place.split("/")
                for step in self.steps:
                    t = math.log1p(step) / math.log1p(self.steps[-1])
                    u = _unit((1 - t) * own[f"untrained/{place}"][0] + t * own[f"trained/{place}"][0])
                    row = {"run": run["run"], "step": step, "epoch": 5 * step / self.steps[-1], "layer": layer,
                           "convention": convention, "split": split}  # fmt: skip
                    against = self._against_data(u, split, convention)
                    spectrum = self._spectrum(u)
                    snapshots.append({
                        **row, **spectrum, **against, "train_loss": 2.3 * (1 - t) + 0.05,
                        "angle_own": _degrees(u @ own[f"trained/{place}"][0]),
                        "angle_data": _degrees(against["cos_data"]),
                    })  # fmt: skip
                    for other in others:
                        goal = self.networks[other][f"trained/{place}"][0]
                        product = spectrum["cos_constant"] * abs(goal.sum()) / math.sqrt(len(goal))
                        trajectory.append({**row, "target_run": other, "angle": _degrees(u @ goal),
                                           "c_product": product})  # fmt: skip
        return pd.DataFrame(snapshots), pd.DataFrame(trajectory)

    def _controls(self) -> pd.DataFrame:
        """The expected values of what is otherwise drawn at random."""
        rows = []
        for convention in CONVENTIONS[:2]:
            for a, b, one, two in pairs.primary_pairs(self.networks, convention):
                u, v = one[0], two[0]
                means = _class_means(u, self.labels["train"]), _class_means(v, self.labels["train"])
                within = abs(float(means[0] @ means[1]))
                rows.append({
                    "run_a": a, "run_b": b, "layer": "penultimate", "convention": convention, "split": "train",
                    "free_permutation": abs(float(u.sum() * v.sum())) / len(u), "within_class": within,
                    "within_class_hi": min(1.0, within + 0.02), "span_rotation": 0.27,
                    "residual_cos": abs(float(_unit(u - means[0]) @ _unit(v - means[1]))),
                })  # fmt: skip
        return pd.DataFrame(rows)

    def _places_of(self, convention: str) -> list[dict]:
        place = {"state": "trained", "layer": "penultimate", "convention": convention}
        return [{"run": run, **place} for run in self.networks]

    def _spectra(self) -> pd.DataFrame:
        rows = [row for convention in CONVENTIONS[:2] for row in self._places_of(convention)]
        return pd.DataFrame(rows).assign(step=-1, sigmas=[np.geomspace(10, 0.1, 32) for _ in rows])

    def _correlates(self) -> pd.DataFrame:
        rows = pd.DataFrame(self._places_of("centred"))
        return rows.assign(split="train", variable="brightness", measure="r", value=0.5)

    def _data(self) -> pd.DataFrame:
        rows = []
        for place, vectors in self.vectors[f"data-{self.dataset}"].items():
            layer, split, convention = place.split("/")
            rows.append({"dataset": self.dataset, "layer": layer, "convention": convention, "split": split,
                         "n": SIZES[split], "d": 784, **self._spectrum(vectors[0]), "bound_deg": 1e-4,
                         "r_brightness": 0.9})  # fmt: skip
        return pd.DataFrame(rows)

    def _pool(self) -> tuple[list[dict], pd.DataFrame]:
        runs, rows = [], []
        for architecture in ("mlp", "lenet"):
            cell = f"{self.dataset}/pool-{architecture}"
            for *levels, seed in itertools.product(*FACTORS.values(), range(2)):
                recipe = dict(zip(FACTORS, levels, strict=True))
                run = self._run("pool", architecture, cell, "pool", seed, **recipe)
                high = [level == max(FACTORS[name]) for name, level in recipe.items()]
                error = 0.1 + 0.04 * float(np.dot(high, [-1, 0.5, -2, 2])) + 0.1 + 0.005 * self.rng.normal()
                train_accuracy = 1 - 0.5 * recipe["label_noise"] + 0.005 * self.rng.normal()
                run |= {"test_accuracy": 1 - error, "train_accuracy": train_accuracy}
                runs.append(run)
                for convention in CONVENTIONS[:2]:
                    angles = 45 + 100 * self.link * error + self.rng.normal(size=2)
                    rows.append({
                        "run": run["run"], "dataset": self.dataset, "architecture": architecture, **recipe,
                        "seed": seed, "convention": convention, "angle_data_deg": angles[0],
                        "angle_data_other_deg": angles[1], "stability": self.of("stability", architecture),
                        "cka_data": self.rng.uniform(0.2, 0.6), "train_loss": 1 - train_accuracy + 0.01,
                        "weight_norm": run["weight_norm"], "train_accuracy": train_accuracy, "test_accuracy": 1 - error,
                        "test_error": error, "generalization_gap": train_accuracy - 1 + error,
                    })  # fmt: skip
                self.vectors[run["run"]] = {f"trained/train/penultimate/{convention}":
                                            self._draw("train", convention, "trained", 0.8, 0.9)
                                            for convention in CONVENTIONS[:2]}  # fmt: skip
        return runs, pd.DataFrame(rows)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


def _centred_unit(v: np.ndarray) -> np.ndarray:
    return _unit(v - v.mean())


def _degrees(cosine: float) -> float:
    return math.degrees(math.acos(min(1.0, abs(float(cosine)))))


def _class_means(u: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (np.bincount(labels, u) / np.bincount(labels))[labels]


def _eta2(u: np.ndarray, labels: np.ndarray) -> float:
    u = u - u.mean()
    return float(np.sum(_class_means(u, labels) ** 2) / np.sum(u**2))


def _float32(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({c: "float32" for c in frame.select_dtypes("float64").columns}) if len(frame) >= 2000 else frame
