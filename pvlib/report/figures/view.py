"""One data set of one study, as figures ask for it: runs with their cells, pairs with both ends named."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...vector_names import VectorName
from . import style

if TYPE_CHECKING:
    from ..answers.judging import Judging
    from ..tables import Study

TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "digits": "Digits"}
ORDER = tuple(TITLES)
LAYERS = {
    "earlier": "earlier",
    "penultimate_pre": "penultimate, before ReLU",
    "penultimate": "penultimate",
    "output": "output",
}
CONVENTIONS = {"uncentred": "uncentred", "centred": "centred", "unit_centred": "unit rows, centred"}
_FAMILIES = {"classification": "classifier", "reconstruction": "autoencoder", "contrastive": "contrastive"}


def title(dataset: str) -> str:
    """The name of a data set as readers know it."""
    return TITLES.get(dataset, dataset)


@dataclass(frozen=True)
class View:
    """What one panel or tab of a figure shows."""

    judging: Judging
    dataset: str

    @property
    def study(self) -> Study:
        return self.judging.study

    @property
    def name(self) -> str:
        """For file names and ids: `quick-mnist`."""
        return f"{self.study.name}-{self.dataset}"

    @property
    def title(self) -> str:
        return title(self.dataset)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Finished runs of this data set, pool left out, in the order of the study's cells; indexed by run."""
        runs = self.study.runs
        runs = runs[(runs["dataset"] == self.dataset) & (runs["status"] == "done") & (runs["role"] != "pool")]
        rank = {cell: number for number, cell in enumerate(sorted(runs["cell"].unique(), key=self._rank))}
        return runs.assign(rank=runs["cell"].map(rank)).sort_values(["rank", "seed"]).set_index("run")

    def _rank(self, cell: str) -> tuple:
        runs = self.study.runs
        row = runs[runs["cell"] == cell].iloc[0]
        roles, objectives = ("primary", "exploratory", "control"), ("classification", "reconstruction", "contrastive")
        architectures = (
            "mlp", "lenet", "resnet20", "resnet56", "vgg16_bn", "resnet18", "mlp_ae", "conv_ae", "mlp_dae", "conv_dae", "mlp_vae", "conv_vae",
        )  # fmt: skip
        known = architectures.index(row["architecture"]) if row["architecture"] in architectures else len(architectures)
        return roles.index(row["role"]), objectives.index(row["objective"]), known, cell

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a cell: label, role, objective, architecture, seeds; indexed by cell, in display order."""
        columns = ["label", "role", "objective", "architecture", "labels", "pixels", "score_name"]
        grouped = self.runs.groupby("cell", sort=False)
        return grouped[columns].first().assign(seeds=grouped.size())

    def label(self, cell: str) -> str:
        return self.cells.loc[cell, "label"]

    @cached_property
    def looks(self) -> dict[str, tuple[str, str]]:
        """Label of a primary cell -> colour of its architecture, and the kind of line of its objective."""
        cells = self.cells[self.cells["role"] == "primary"]
        columns = zip(cells["label"], cells["architecture"], cells["objective"], strict=True)
        return {
            label: (style.colour(name), style.DASHES.get(name, style.LINES[objective]))
            for label, name, objective in columns
        }

    @cached_property
    def architectures(self) -> dict[str, str]:
        """Architecture of a primary cell -> its label, in display order."""
        cells = self.cells[self.cells["role"] == "primary"]
        return dict(zip(cells["architecture"], cells["label"], strict=True))

    @cached_property
    def variational(self) -> set[str]:
        """Labels of the primary variational autoencoders."""
        return {label for name, label in self.architectures.items() if name in self.judging.claims.variational}

    def architecture_of(self, label: str) -> str:
        """The architecture of a primary cell's label."""
        return next(name for name, words in self.architectures.items() if words == label)

    def pair_label(self, pair: tuple[str, str]) -> str:
        """Two architectures as figures name them, in display order."""
        names = sorted(pair, key=list(self.architectures).index)
        return " – ".join(self.architectures[name] for name in names)

    def example(self, architecture: str, convention: str) -> dict[str, np.ndarray]:
        """The P-vector of the first trained network of an architecture, under its name; empty where there is none."""
        chosen = self.runs[(self.runs["architecture"] == architecture) & (self.runs["role"] == "primary")]
        for run, row in chosen.head(1).iterrows():
            found = self.study.vectors(run).get(str(VectorName.primary("trained", convention)))
            if found is not None:
                return {f"{row['label']}, {CONVENTIONS[convention]}": found[0]}
        return {}

    def of_runs(self, table: pd.DataFrame, **where) -> pd.DataFrame:
        """Rows of a per-run table that belong here, with cell, label, role and seed; `where` filters columns."""
        named = self.runs[["cell", "label", "role", "objective", "architecture", "seed", "rank"]]
        return _filter(table.merge(named, left_on="run", right_index=True), where)

    def of_pairs(self, table: pd.DataFrame, *, roles: tuple[str, ...] = ("primary",), **where) -> pd.DataFrame:
        """Rows of a per-pair table whose two ends belong here, both ends named, the earlier cell first."""
        rows = _filter(table, where)
        chosen = self.runs[self.runs["role"].isin(roles)]
        rows = rows[rows["run_a"].isin(chosen.index) & rows["run_b"].isin(chosen.index)]
        for end in "ab":
            named = chosen[["cell", "label", "objective", "seed", "rank"]].add_suffix(f"_{end}")
            rows = rows.merge(named, left_on=f"run_{end}", right_index=True)
        rows = _ordered(rows)
        ends = zip(rows["objective_a"], rows["objective_b"], strict=True)
        return rows.assign(relation=pd.Series([relation_of(a, b) for a, b in ends], index=rows.index, dtype=object))

    def of_two_architectures(self, table: pd.DataFrame, **where) -> pd.DataFrame:
        """The same, without pairs of seeds of one cell; columns `pair` (both labels) and `relation` (in words)."""
        rows = self.of_pairs(table, **where)
        rows = rows[rows["cell_a"] != rows["cell_b"]]
        return rows.assign(pair=rows["label_a"] + " – " + rows["label_b"]).sort_values(
            ["rank_a", "rank_b"], kind="stable"
        )


def relation_of(objective_a: str, objective_b: str) -> str:
    """Of the families that two objectives belong to, in words."""
    ends = {_FAMILIES[objective_a], _FAMILIES[objective_b]}
    return next(words for name, (words, *_) in style.RELATIONS.items() if set(name.split("-")) == ends)


def _filter(table: pd.DataFrame, where: dict) -> pd.DataFrame:
    for column, value in where.items():
        table = table[table[column].isin(value) if isinstance(value, (list, tuple)) else table[column] == value]
    return table


def _ordered(pairs: pd.DataFrame) -> pd.DataFrame:
    """Swap the ends where needed, so that a pair of cells is one pair whichever of its runs came first."""
    swap = (pairs["rank_a"] > pairs["rank_b"]).to_numpy()
    both = {name[:-2] for name in pairs.columns if name.endswith("_a") and f"{name[:-2]}_b" in pairs.columns}
    swapped = pairs.rename(columns={f"{n}_{x}": f"{n}_{y}" for n in both for x, y in ("ab", "ba")})
    return pd.concat([pairs[~swap], swapped[swap][pairs.columns]], ignore_index=True)
