"""Studies as YAML: cells, their recipes, seeds and roles, and the runs these come to.

A cell is one row of the experiment (data set, architecture, objective, variant); a run is a cell with a seed. A pool's
cell may hold a `grid`, a balanced factorial over recipe fields (protocol 12).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ..experiment.data import NAMES
from ..experiment.recipe import Recipe
from ..nearest import nearest
from ..schema import check, read_yaml

# Raised when training or measuring changes results; a golden run in the tests fails when it should have been.
NUMERICS_VERSION = 1
ROLES = ("primary", "exploratory", "control", "pool")
STUDIES = Path(str(resources.files("pvlib") / "studies"))
MOST_RUNS = 100_000
# Names become folders, job names and table entries: plain words everywhere.
_WORD = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
_Count = Annotated[int, Meta(ge=1, le=MOST_RUNS)]
_Seed = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Cell(Struct, frozen=True, forbid_unknown_fields=True):
    """A cell as it stands in the file; its seeds are `first_seed`, `first_seed` + 1, ..."""

    name: str
    label: str
    role: Literal[ROLES]  # type: ignore[valid-type]
    seeds: _Count
    recipe: dict[str, object]
    grid: Annotated[dict[str, Any], Meta(min_length=1)] = {}
    first_seed: _Seed | None = None

    def __post_init__(self):
        if not re.fullmatch(f"{_WORD}(/{_WORD})?", self.name):
            raise ValueError(f"name {self.name!r}: {_PLAIN}, with at most one '/' between two words")
        if self.label.splitlines() != [self.label] or not self.label.strip():
            raise ValueError(f"label {self.label!r}: expected one line of text")
        for field, values in self.grid.items():
            if not isinstance(values, list) or not values:
                raise ValueError(f"grid, {field!r}: expected a list with at least one value, got {values!r}")
        if "seed" in self.recipe or "seed" in self.grid:
            raise ValueError(_SEEDS)


class StudyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A study as it stands in the file. `seed_rounds: [3, 2]` gives every cell three seeds before any gets five."""

    study: str
    cells: Annotated[list[Cell], Meta(min_length=1)]
    description: str = ""
    defaults: dict[str, object] = {}
    seed_rounds: list[_Count] = []
    first_seed: _Seed = 0

    def __post_init__(self):
        if not re.fullmatch(_WORD, self.study):
            raise ValueError(f"study {self.study!r}: {_PLAIN}")
        if "seed" in self.defaults:
            raise ValueError(_SEEDS)


_PLAIN = "a name is made of letters, digits and . _ + -, and starts with a letter or a digit"
_SEEDS = "a recipe has no seed of its own: `seeds` says how many there are, `first_seed` where they start"


@dataclass(frozen=True)
class Run:
    """One training: a cell's recipe with a seed (and, in a pool, one point of the grid)."""

    cell: str
    label: str
    role: str
    recipe: Recipe

    def key(self, data_checksum: str) -> str:
        """Twelve hex digits from recipe, data and numerics version: the same key is the same result."""
        return self.keys(data_checksum)[self.recipe.precision]

    def keys(self, data_checksum: str) -> dict[str, str]:
        """Precision that a device computes in -> key; the first is the one that the recipe asks for.

        A device without bfloat16 computes in float32: that is this run too, but not the same result.
        """
        identity = {"recipe": self.recipe.to_dict(), "data": data_checksum, "numerics": NUMERICS_VERSION}
        asked = self.recipe.precision
        found = {asked: _digest(identity)}
        if asked != "float32":
            found["float32"] = _digest({**identity, "computed": "float32"})
        return found


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
    return parse_study(read_yaml(path), where=str(path))


def parse_study(content: object, *, where: str) -> Study:
    """Validate the parsed YAML of a study; `where` names it in messages."""
    file = check(content, StudyFile, where)
    count = sum(cell.seeds * math.prod(map(len, cell.grid.values())) for cell in file.cells)
    if count > MOST_RUNS:
        raise ValueError(f"{where}: {count} runs; a study has {MOST_RUNS} at most")
    order, names = [], set()
    recipes: dict[Recipe, str] = {}
    for position, cell in enumerate(file.cells):
        place = f"{where}, cells[{position}] ({cell.name})"
        if cell.name in names:
            raise ValueError(f"{place}: a cell of this name came before")
        names.add(cell.name)
        first = file.first_seed if cell.first_seed is None else cell.first_seed
        for run in _cell_runs(cell, file.defaults, first, place):
            if run.recipe in recipes:
                raise ValueError(
                    f"{place}: the same run comes twice (recipe and seed {run.recipe.seed} as in "
                    f"{recipes[run.recipe]!r}): is a value twice in the grid, or a cell in the file under two names?"
                )
            recipes[run.recipe] = cell.name
            order.append((_round(run.recipe.seed - first, file.seed_rounds), position, run))
    order.sort(key=lambda item: item[:2])  # stable: grid and seeds keep their order inside a cell
    return Study(file.study, file.description, tuple(run for *_, run in order))


def _cell_runs(cell: Cell, defaults: dict, first_seed: int, place: str) -> Iterator[Run]:
    for point in itertools.product(*cell.grid.values()):
        for seed in range(first_seed, first_seed + cell.seeds):
            fields = {**defaults, **cell.recipe, **dict(zip(cell.grid, point, strict=True)), "seed": seed}
            try:
                recipe = Recipe.from_dict(fields)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from error
            if recipe.dataset not in NAMES:
                raise ValueError(f"{place}: dataset {recipe.dataset!r} is unknown; {nearest(recipe.dataset, NAMES)}")
            yield Run(cell.name, cell.label, cell.role, recipe)


def _digest(identity: dict) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _round(position: int, rounds: list[int]) -> int:
    """Which round of seeds a cell's seed number `position` belongs to: all cells' first seeds come before any more."""
    for number, end in enumerate(itertools.accumulate(rounds)):
        if position < end:
            return number
    return len(rounds)
