"""Studies as YAML: cells, their recipes, seeds and roles, and the runs these come to. Not for training them.

A cell is one row of the experiment (data set, architecture, objective, variant); a run is a cell with a seed. A pool's
cell may hold a `grid`, a balanced factorial over recipe fields (protocol 12).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from ..experiment.data import NAMES
from ..experiment.recipe import Recipe
from ..experiment.words import nearest

# Raised when training or measuring changes results; a golden run in the tests fails when it should have been.
NUMERICS_VERSION = 1
ROLES = ("primary", "exploratory", "control", "pool")
STUDIES = Path(str(resources.files("pvlib") / "studies"))
_STUDY_KEYS = ("study", "description", "defaults", "seed_rounds", "cells")
_CELL_KEYS = ("name", "label", "role", "seeds", "recipe", "grid")


@dataclass(frozen=True)
class Run:
    """One training: a cell's recipe with a seed (and, in a pool, one point of the grid)."""

    cell: str
    label: str
    role: str
    recipe: Recipe

    def key(self, data_checksum: str) -> str:
        """Twelve hex digits from recipe, data and numerics version: the same key is the same result."""
        identity = {"recipe": self.recipe.to_dict(), "data": data_checksum, "numerics": NUMERICS_VERSION}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Study:
    """A named list of runs, in the order in which they are trained."""

    name: str
    description: str
    runs: tuple[Run, ...]

    @property
    def datasets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run.recipe.dataset for run in self.runs))


def study_names() -> list[str]:
    """Studies that come with the project."""
    return sorted(path.stem for path in STUDIES.glob("*.yml"))


def load_study(name: str | Path) -> Study:
    """A study by name, or from the path of a YAML file.

    Raises
    ------
    ValueError
        Unknown study, unknown key or bad value; the message names it, and the nearest right one.
    """
    path = Path(name)
    if path.suffix not in (".yml", ".yaml"):
        path = STUDIES / f"{name}.yml"
        if not path.exists():
            raise ValueError(f"unknown study {str(name)!r}; {nearest(name, study_names())}")
    if not path.exists():
        raise ValueError(f"there is no study file {path}")
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    return parse_study(content, where=str(path))


def parse_study(content: dict, *, where: str) -> Study:
    """Validate the parsed YAML of a study; `where` names it in messages."""
    _check_keys(content, _STUDY_KEYS, required=("study", "cells"), where=where)
    rounds = content.get("seed_rounds", [])
    order = []
    seen = set()
    for position, cell in enumerate(content["cells"]):
        place = f"{where}, cell {position + 1}" + (f" ({cell['name']})" if _named(cell) else "")
        _check_keys(cell, _CELL_KEYS, required=("name", "label", "role", "seeds", "recipe"), where=place)
        if cell["role"] not in ROLES:
            raise ValueError(f"{place}: role {cell['role']!r}; {nearest(cell['role'], ROLES)}")
        if cell["name"] in seen:
            raise ValueError(f"{place}: a cell of this name came before")
        seen.add(cell["name"])
        for run in _cell_runs(cell, content.get("defaults") or {}, place):
            order.append((_round(run.recipe.seed, rounds), position, run))
    order.sort(key=lambda item: item[:2])  # stable: grid and seeds keep their order inside a cell
    return Study(content["study"], content.get("description", ""), tuple(run for *_, run in order))


def _cell_runs(cell: dict, defaults: dict, place: str):
    if not isinstance(cell["seeds"], int) or cell["seeds"] < 1:
        raise ValueError(f"{place}: seeds must be a whole number of at least 1, not {cell['seeds']!r}")
    grid = cell.get("grid") or {}
    for point in itertools.product(*grid.values()):
        for seed in range(cell["seeds"]):
            fields = {**defaults, **cell["recipe"], **dict(zip(grid, point, strict=True)), "seed": seed}
            if fields.get("dataset") not in NAMES:
                raise ValueError(
                    f"{place}: unknown data set {fields.get('dataset')!r}; {nearest(fields.get('dataset'), NAMES)}"
                )
            try:
                recipe = Recipe.from_dict(fields)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{place}: {error}") from error
            yield Run(cell["name"], cell["label"], cell["role"], recipe)


def _round(seed: int, rounds: list[int]) -> int:
    """Which round of seeds this one belongs to: every cell gets its first seeds before any gets more."""
    for number, end in enumerate(itertools.accumulate(rounds)):
        if seed < end:
            return number
    return len(rounds)


def _named(cell) -> bool:
    return isinstance(cell, dict) and "name" in cell


def _check_keys(content, known, *, required, where: str) -> None:
    if not isinstance(content, dict):
        raise ValueError(f"{where}: expected a mapping, got {type(content).__name__}")
    for key in content:
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}; {nearest(key, known)}")
    for key in required:
        if key not in content:
            raise ValueError(f"{where}: the key {key!r} is missing")
