"""`claims.yml`, version 2, read and checked. Not for judging."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ...schema import check, read_yaml
from ..claims.file import Cosine, Dataset, Degrees, Layer, Share, Split, Tau, Text, check_floors

_DEFAULT = Path(__file__).resolve().parents[3] / "claims.yml"
Convention = Literal["uncentred", "centred", "standardised", "unit", "unit_centred"]
Names = Annotated[list[str], Meta(min_length=1)]


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of which every key is known."""


class Agreement(_Strict):
    at_least: Cosine


class UsualConvergence(_Strict):
    start_at_least_deg: Degrees
    end_at_most_deg: Degrees
    usually_more_than: Share


class GranulatedTau(_Strict):
    excludes: Tau


# Kinds of claim: the thresholds, and the other keys, that each needs.
KINDS = {
    "agreement": (Agreement, {"sets", "margin", "beside", "controls"}),
    "usual_convergence": (UsualConvergence, {"paper_start_deg", "targets", "primary_target", "baseline"}),
    "granulated_tau": (GranulatedTau, {"correction", "partial", "power", "rivals"}),
}


class Claim(_Strict):
    """One claim of the paper and how it is judged; which keys it has beside the first five follows from its kind."""

    id: int
    name: Text
    statement: Text
    kind: Literal[tuple(KINDS)]
    threshold: dict[str, float]
    sets: Names | None = None
    margin: Annotated[float, Meta(ge=0, le=1)] | None = None
    beside: Text | None = None
    controls: Names | None = None
    paper_start_deg: Annotated[list[Degrees], Meta(min_length=2, max_length=2)] | None = None
    targets: Names | None = None
    primary_target: Text | None = None
    baseline: Text | None = None
    correction: Literal["holm"] | None = None
    partial: Literal["train_accuracy"] | None = None
    power: Share | None = None
    rivals: list[Literal["weight_norm", "train_loss", "cka_data"]] | None = None


class Tie(_Strict):
    stability: Share
    self_agreement: Share


class Measurement(_Strict):
    layer: Layer
    split: Split
    conventions: Annotated[list[Convention], Meta(min_length=1)]
    confidence: Share
    minimum_seeds: Annotated[int, Meta(ge=2)]
    tie: Tie


class Confirmatory(_Strict):
    claims_1_and_2: Text
    claim_3: Text


class Intervention(_Strict):
    twins: dict[str, Names]
    equal_accuracy: Share
    least_fall: Share


class Multiverse(_Strict):
    layers: list[Layer]
    conventions: list[Convention]
    splits: list[Split]


class Claims(_Strict):
    """All of `claims.yml`."""

    version: Literal[2]
    confirmatory: Confirmatory
    measurement: Measurement
    families: dict[Literal["classifier", "autoencoder", "variational autoencoder", "contrastive"], Names]
    claims: Annotated[list[Claim], Meta(min_length=1)]
    intervention: Intervention
    datasets: list[Dataset]
    demonstration: list[Dataset]
    multiverse: Multiverse
    floors: dict[str, dict[str, object]]

    @property
    def confidence(self) -> float:
        return self.measurement.confidence

    def claim(self, kind: str) -> Claim:
        """The claim of that kind."""
        return next(claim for claim in self.claims if claim.kind == kind)


def load_claims(path: str | Path = _DEFAULT) -> Claims:
    """Read and check the claims.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Not YAML; an unknown, missing or misplaced key, or a value of the wrong kind or out of range; a floor for a cell that
        no study has; an architecture that is in two families.
    """
    path = Path(path)
    where = path.name
    claims = check(read_yaml(path), Claims, where)
    kinds = [claim.kind for claim in claims.claims]
    if sorted(kinds) != sorted(KINDS):
        raise ValueError(f"{where}, claims: one of each kind is needed ({', '.join(KINDS)}), got {', '.join(kinds)}")
    for number, claim in enumerate(claims.claims):
        threshold, keys = KINDS[claim.kind]
        place = f"{where}, claims[{number}]"
        check(claim.threshold, threshold, f"{place}.threshold")
        others = set().union(*(names for _, names in KINDS.values()))
        for name in sorted(others):
            if (getattr(claim, name) is None) == (name in keys):
                raise ValueError(f"{place}: the key {name!r} {'is missing' if name in keys else 'has no meaning here'}")
    members = [name for names in claims.families.values() for name in names]
    if len(set(members)) < len(members):
        raise ValueError(f"{where}, families: an architecture is in two of them: {', '.join(sorted(members))}")
    check_floors(claims.floors, path.parent / "studies", f"{where}, floors")
    return claims
