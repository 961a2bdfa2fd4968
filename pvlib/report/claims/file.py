"""`claims.yml`, read and checked: a misspelt name or a threshold that nothing can reach must not go unnoticed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ...checkout import checkout
from ...nearest import nearest
from ...schema import check, read_yaml

_FILE = "claims-1.yml"
STUDIES = Path(str(resources.files("pvlib") / "studies"))  # whose cells have the floors
Dataset = Literal["mnist", "cifar10", "cifar100", "digits"]
Layer = Literal["earlier", "penultimate_pre", "penultimate", "output"]
Convention = Literal["uncentred", "centred", "unit_centred"]
Split = Literal["train", "test"]
Text = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Cosine = Annotated[float, Meta(ge=0, le=1)]
Degrees = Annotated[float, Meta(ge=0, le=90)]
Tau = Annotated[float, Meta(ge=-1, le=1)]


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of which every key is known."""


class SmallestMeanCosine(Strict, frozen=True):
    at_least: Cosine


class AngleAlongTraining(Strict, frozen=True):
    start_at_least_deg: Degrees
    end_at_most_deg: Degrees


class GranulatedTau(Strict, frozen=True):
    excludes: Tau


# Kinds of estimate, and the thresholds that each needs: a new kind is a class and a line here.
KINDS: dict[str, type[Struct]] = {
    "smallest_mean_cosine": SmallestMeanCosine,
    "angle_along_training": AngleAlongTraining,
    "granulated_tau": GranulatedTau,
}


class Claim(Strict, frozen=True):
    """One claim of the paper and how it is judged; `threshold` has the keys that `KINDS` names for its kind."""

    id: int
    name: Text
    statement: Text
    estimate: Text
    kind: Literal[tuple(KINDS)]  # type: ignore[valid-type]
    threshold: dict[str, float]
    control: Text
    correction: Literal["holm"] | None = None


class Tie(Strict, frozen=True):
    stability: Share
    share: Share


class Measurement(Strict, frozen=True):
    layer: Layer
    split: Split
    conventions: Annotated[list[Convention], Meta(min_length=1)]
    confidence: Share
    minimum_seeds: Annotated[int, Meta(ge=2)]
    tie: Tie


class ClaimsFile(Strict, frozen=True):
    """`claims.yml` as it stands in the file."""

    measurement: Measurement
    claims: Annotated[list[Claim], Meta(min_length=1)]
    datasets: list[Dataset]
    demonstration: list[Dataset]
    floors: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Claims:
    """All of `claims.yml`.

    Attributes
    ----------
    layer, split, conventions
        Where a verdict is read.
    confidence, minimum_seeds
        Of the two-sided intervals; of a cell that may enter a verdict.
    tie_stability, tie_share
        A P-vector is undefined below this stability; a verdict where more than this share of networks is.
    claims
        The claims, in order.
    datasets, demonstration
        Of the paper; and those that are shown apart.
    floors
        study -> cell -> score that a run must reach.
    """

    layer: str
    split: str
    conventions: tuple[str, ...]
    confidence: float
    minimum_seeds: int
    tie_stability: float
    tie_share: float
    claims: tuple[Claim, ...]
    datasets: tuple[str, ...]
    demonstration: tuple[str, ...]
    floors: Mapping[str, Mapping[str, float]]

    def floor(self, study: str, cell: str) -> float:
        """The score that a run of this cell must reach; NaN where none was declared."""
        return float(self.floors.get(study, {}).get(cell, math.nan))


def load_claims(given: str | Path | None = None) -> Claims:
    """Read and check the claims; by default those of the checkout, or `claims.yml` of the current folder.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Not YAML, an unknown or missing key (the nearest right one is named), a value of the wrong kind or out of range,
        or a floor for a cell that no study of the package has.
    """
    path = (checkout() or Path()) / _FILE if given is None else Path(given)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; the claims stand in {_FILE} at the root of the repository")
    where = path.name
    file = check(read_yaml(path), ClaimsFile, where)
    for number, claim in enumerate(file.claims):
        check(claim.threshold, KINDS[claim.kind], f"{where}, claims[{number}].threshold")
    for what, values in (
        ("claims", [claim.id for claim in file.claims]),
        ("measurement.conventions", file.measurement.conventions),
        ("datasets and demonstration", [*file.datasets, *file.demonstration]),
    ):
        if len(set(values)) < len(values):
            raise ValueError(f"{where}, {what}: one comes twice: {', '.join(map(str, values))}")
    check_floors(file.floors, f"{where}, floors")
    return Claims(
        layer=file.measurement.layer,
        split=file.measurement.split,
        conventions=tuple(file.measurement.conventions),
        confidence=file.measurement.confidence,
        minimum_seeds=file.measurement.minimum_seeds,
        tie_stability=file.measurement.tie.stability,
        tie_share=file.measurement.tie.share,
        claims=tuple(file.claims),
        datasets=tuple(file.datasets),
        demonstration=tuple(file.demonstration),
        floors=file.floors,
    )


def check_floors(floors: Mapping[str, Mapping[str, object]], where: str) -> None:
    """Scores between 0 and 1, of cells that exist: a floor under a misspelt cell would hold for none."""
    for study, cells in floors.items():
        for cell, score in cells.items():
            if isinstance(score, bool) or not isinstance(score, int | float) or not 0 < score < 1:
                raise ValueError(f"{where}, {study!r}, {cell!r}: expected a number between 0 and 1, got {score!r}")
        path = STUDIES / f"{study}.yml"
        if not path.is_file():
            raise ValueError(
                f"{where}: unknown study {study!r}; {nearest(study, (f.stem for f in STUDIES.glob('*.yml')))}"
            )
        known = _cells(path)
        for cell in cells:
            if cell not in known:
                raise ValueError(f"{where}, {study!r}: unknown cell {cell!r}; {nearest(cell, known)}")


class _Named(Struct):
    name: str


class _Cells(Struct):
    cells: list[_Named]


def _cells(study: Path) -> list[str]:
    return [cell.name for cell in check(read_yaml(study), _Cells, str(study)).cells]
