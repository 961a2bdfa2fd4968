"""`claims.yml`, version 2, read and checked. Not for judging."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from ...checkout import checkout
from ...schema import check, read_yaml
from ..claims.file import Cosine, Dataset, Degrees, Layer, Share, Split, Strict, Tau, Text, check_floors

_FILE = "claims.yml"
Convention = Literal["uncentred", "centred", "standardised", "unit", "unit_centred"]
Names = Annotated[list[str], Meta(min_length=1)]


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
    floors: dict[str, dict[str, float]]

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
    members = [name for names in claims.families.values() for name in names]
    if len(set(members)) < len(members):
        raise ValueError(f"{where}, families: an architecture is in two of them: {', '.join(sorted(members))}")
    check_floors(claims.floors, f"{where}, floors")
    return claims
