"""`claims.yml` (version 2), and the floors of it and of version 1: a misspelt name or a threshold out of reach is refused."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ...checkout import checkout
from ...nearest import nearest
from ...schema import check, read_yaml

_FILE, _FIRST = "claims.yml", "claims-1.yml"
_STUDIES = Path(str(resources.files("pvlib") / "studies"))  # whose cells have the floors
Dataset = Literal["mnist", "cifar10", "cifar100", "digits"]
Layer = Literal["earlier", "penultimate_pre", "penultimate", "output"]
Split = Literal["train", "test"]
Text = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Cosine = Annotated[float, Meta(ge=0, le=1)]
Degrees = Annotated[float, Meta(ge=0, le=90)]
Tau = Annotated[float, Meta(ge=-1, le=1)]
Floors = dict[str, dict[str, float]]  # study -> cell -> the score that a run must reach
Convention = Literal["uncentred", "centred", "standardised", "unit", "unit_centred"]
Names = Annotated[list[str], Meta(min_length=1)]


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of which every key is known."""


class AtLeast(Strict, frozen=True):
    at_least: Cosine


class Fall(Strict, frozen=True):
    start_at_least_deg: Degrees
    end_at_most_deg: Degrees
    usually_more_than: Share


class Excludes(Strict, frozen=True):
    excludes: Tau


class _Claim(Strict, frozen=True, tag_field="kind"):
    id: int
    name: Text
    statement: Text


class Agreement(_Claim, frozen=True, tag="agreement"):
    """Claim 1: `margin` is how much of a difference from untrained networks counts as none."""

    sets: Names
    threshold: AtLeast
    margin: Share
    beside: Text
    controls: Names


class Convergence(_Claim, frozen=True, tag="usual_convergence"):
    """Claim 2."""

    threshold: Fall
    paper_start_deg: Annotated[list[Degrees], Meta(min_length=2, max_length=2)]
    targets: Names
    primary_target: Text
    baseline: Text


class Link(_Claim, frozen=True, tag="granulated_tau"):
    """Claim 3."""

    threshold: Excludes
    correction: Literal["holm"]
    partial: Literal["train_accuracy"]
    power: Share
    rivals: list[Literal["weight_norm", "train_loss", "cka_data"]]


class Tie(Strict, frozen=True):
    stability: Share
    self_agreement: Share


class Measurement(Strict, frozen=True):
    layer: Layer
    split: Split
    conventions: Annotated[list[Convention], Meta(min_length=1)]
    confidence: Share
    minimum_seeds: Annotated[int, Meta(ge=2)]
    tie: Tie


class Confirmatory(Strict, frozen=True):
    claims_1_and_2: Text
    claim_3: Text


class Intervention(Strict, frozen=True):
    twins: dict[str, Names]
    equal_accuracy: Share
    least_fall: Share


class Multiverse(Strict, frozen=True):
    layers: list[Layer]
    conventions: list[Convention]
    splits: list[Split]


class Claims(Strict, frozen=True):
    """All of `claims.yml`."""

    version: Literal[2]
    confirmatory: Confirmatory
    measurement: Measurement
    families: dict[Literal["classifier", "autoencoder", "variational autoencoder", "contrastive"], Names]
    claims: list[Agreement | Convergence | Link]
    intervention: Intervention
    datasets: list[Dataset]
    demonstration: list[Dataset]
    multiverse: Multiverse
    floors: dict[str, dict[str, Any]]

    @property
    def variational(self) -> frozenset[str]:
        """Architectures of the variational autoencoders, which are trained to have no mean."""
        return frozenset(self.families["variational autoencoder"])

    @property
    def agreement(self) -> Agreement:
        return next(claim for claim in self.claims if isinstance(claim, Agreement))

    @property
    def convergence(self) -> Convergence:
        return next(claim for claim in self.claims if isinstance(claim, Convergence))

    @property
    def link(self) -> Link:
        return next(claim for claim in self.claims if isinstance(claim, Link))


def load_claims(given: str | Path | None = None) -> Claims:
    """Read and check the claims; by default those of the checkout, or `claims.yml` of the current folder.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Not YAML; an unknown or missing key, or a value of the wrong kind or out of range; a floor for a cell that
        no study has; an architecture that is in two families.
    """
    path = (checkout() or Path()) / _FILE if given is None else Path(given)
    where = path.name
    claims = check(read_yaml(path), Claims, where)
    kinds = [type(claim) for claim in claims.claims]
    if {Agreement, Convergence, Link} != set(kinds) or len(kinds) > 3:
        raise ValueError(
            f"{where}, claims: one claim of each kind is needed: agreement, usual_convergence, granulated_tau"
        )
    for what, names in (
        ("measurement.conventions", claims.measurement.conventions),
        ("datasets and demonstration", [*claims.datasets, *claims.demonstration]),
    ):
        if len(set(names)) < len(names):
            raise ValueError(f"{where}, {what}: one comes twice: {', '.join(names)}")
    members = [name for names in claims.families.values() for name in names]
    if len(set(members)) < len(members):
        raise ValueError(f"{where}, families: an architecture is in two of them: {', '.join(sorted(members))}")
    _check_floors(claims.floors, f"{where}, floors")
    return claims


class _First(Struct):
    floors: dict[str, dict[str, Any]]


def load_floors(claims: Claims) -> Floors:
    """What runs must reach, of every study: the floors of `claims`, and of version 1 for the studies that it judged."""
    path = (checkout() or Path()) / _FIRST
    first = check(read_yaml(path), _First, _FIRST).floors
    _check_floors(first, f"{_FIRST}, floors")
    return {**first, **claims.floors}


def _check_floors(floors: Mapping[str, Mapping[str, object]], where: str) -> None:
    """Scores between 0 and 1, of cells that exist: a floor under a misspelt cell would hold for none."""
    for study, cells in floors.items():
        path = _STUDIES / f"{study}.yml"
        if not path.is_file():
            known = (file.stem for file in _STUDIES.glob("*.yml"))
            raise ValueError(f"{where}: unknown study {study!r}; {nearest(study, known)}")
        names = [cell.name for cell in check(read_yaml(path), _Cells, str(path)).cells]
        for cell, score in cells.items():
            if isinstance(score, bool) or not isinstance(score, int | float) or not 0 < score < 1:
                raise ValueError(f"{where}, {study!r}, {cell!r}: expected a number between 0 and 1, got {score!r}")
            if cell not in names:
                raise ValueError(f"{where}, {study!r}: unknown cell {cell!r}; {nearest(cell, names)}")


class _Named(Struct):
    name: str


class _Cells(Struct):
    cells: list[_Named]
