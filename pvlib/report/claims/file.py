"""`claims.yml`, read and checked: a threshold with a slip in its name must not be passed over. Not for judging."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ...checkout import checkout
from ..words import nearest

# Kinds of estimate, and the thresholds that each needs.
KINDS = {
    "smallest_mean_cosine": ("at_least",),
    "angle_along_training": ("start_at_least_deg", "end_at_most_deg"),
    "granulated_tau": ("excludes",),
}
CORRECTIONS = ("holm",)
_TOP = ("measurement", "claims", "datasets", "demonstration", "floors")
_MEASUREMENT = ("layer", "split", "conventions", "confidence", "minimum_seeds", "tie")
_TIE = ("stability", "share")
_CLAIM = ("id", "name", "statement", "estimate", "kind", "threshold", "control")
_FILE = "claims.yml"


@dataclass(frozen=True)
class Claim:
    """One claim of the paper and how it is judged; `threshold` has the keys that `KINDS` names for its kind."""

    id: int
    name: str
    statement: str
    estimate: str
    kind: str
    threshold: Mapping[str, float]
    control: str
    correction: str | None = None


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


def load_claims(path: str | Path | None = None) -> Claims:
    """Read and check the claims; by default those of the checkout, or `claims.yml` of the current folder.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Not YAML, an unknown or missing key (the nearest right one is named), or a value of the wrong kind.
    """
    path = (checkout() or Path()) / _FILE if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; the claims stand in claims.yml at the root of the repository")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    where = path.name
    _keys(content, _TOP, where)
    measurement, tie = content["measurement"], (content["measurement"] or {}).get("tie")
    _keys(measurement, _MEASUREMENT, f"{where}, measurement")
    _keys(tie, _TIE, f"{where}, measurement, tie")
    return Claims(
        layer=_text(measurement["layer"], f"{where}, layer"),
        split=_choice(measurement["split"], ("train", "test"), f"{where}, split"),
        conventions=_names(measurement["conventions"], f"{where}, conventions"),
        confidence=_within(measurement["confidence"], f"{where}, confidence"),
        minimum_seeds=_seeds(measurement["minimum_seeds"], f"{where}, minimum_seeds"),
        tie_stability=_within(tie["stability"], f"{where}, tie, stability"),
        tie_share=_within(tie["share"], f"{where}, tie, share"),
        claims=_claims(content["claims"], where),
        datasets=_names(content["datasets"], f"{where}, datasets"),
        demonstration=_names(content["demonstration"], f"{where}, demonstration"),
        floors=_floors(content["floors"], f"{where}, floors"),
    )


def _claims(entries, where: str) -> tuple[Claim, ...]:
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{where}: claims must be a list with at least one claim")
    found = [_claim(entry, f"{where}, claim {number}") for number, entry in enumerate(entries, 1)]
    ids = [claim.id for claim in found]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{where}: two claims have the same id: {ids}")
    return tuple(found)


def _claim(entry, where: str) -> Claim:
    _keys(entry, _CLAIM, where, optional=("correction",))
    kind = _choice(entry["kind"], tuple(KINDS), f"{where}, kind")
    _keys(entry["threshold"], KINDS[kind], f"{where}, threshold")
    correction = entry.get("correction")
    if correction is not None:
        _choice(correction, CORRECTIONS, f"{where}, correction")
    if not isinstance(entry["id"], int):
        raise ValueError(f"{where}: id must be a whole number, not {entry['id']!r}")
    return Claim(
        id=entry["id"],
        kind=kind,
        correction=correction,
        threshold={key: _real(value, f"{where}, threshold, {key}") for key, value in entry["threshold"].items()},
        **{key: _text(entry[key], f"{where}, {key}") for key in ("name", "statement", "estimate", "control")},
    )


def _floors(floors, where: str) -> dict[str, dict[str, float]]:
    if not isinstance(floors, dict) or not all(isinstance(cells, dict) for cells in floors.values()):
        raise ValueError(f"{where}: expected study -> cell -> score")
    return {
        study: {cell: _within(score, f"{where}, {study}, {cell}") for cell, score in cells.items()}
        for study, cells in floors.items()
    }


def _keys(content, known, where: str, *, optional=()) -> None:
    if not isinstance(content, dict):
        raise ValueError(f"{where}: expected a mapping, got {type(content).__name__}")
    for key in content:
        if key not in (*known, *optional):
            raise ValueError(f"{where}: unknown key {key!r}; {nearest(key, (*known, *optional))}")
    for key in known:
        if key not in content:
            raise ValueError(f"{where}: the key {key!r} is missing")


def _choice(value, known, where: str) -> str:
    if value not in known:
        raise ValueError(f"{where}: {value!r} is unknown; {nearest(value, known)}")
    return value


def _text(value, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: expected text, got {value!r}")
    return value


def _names(value, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{where}: expected a list of names, got {value!r}")
    return tuple(value)


def _real(value, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{where}: expected a number, got {value!r}")
    return float(value)


def _within(value, where: str) -> float:
    if not 0 < _real(value, where) < 1:
        raise ValueError(f"{where}: expected a number between 0 and 1, got {value!r}")
    return float(value)


def _seeds(value, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 2:
        raise ValueError(f"{where}: expected a whole number of at least 2, got {value!r}")
    return value
