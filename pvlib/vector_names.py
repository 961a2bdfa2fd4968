"""The names of P-vectors in files: of which network, over which images, at which layer, by which definition.

Nothing else puts such names together or takes them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

PRIMARY = "penultimate"  # the layer that the answers are about
SPLITS = ("train", "test")
ALONG = ("uncentred", "centred")  # the definitions that are measured along training, too
CONVENTIONS = (*ALONG, "standardised", "unit", "unit_centred")
STATES = ("trained", "untrained", "untrained_raw")  # at both ends of training


@dataclass(frozen=True)
class _Name:
    def __str__(self) -> str:
        return "/".join(vars(self).values())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The name that `str` made `text` of.

        Raises
        ------
        ValueError
            It is no such name.
        """
        kinds, parts = [field.name for field in fields(cls)], text.split("/")
        if len(parts) == len(kinds) and all(parts):
            named = dict(zip(kinds, parts, strict=True))
            if named["split"].rpartition("-")[2] in SPLITS and named["convention"] in CONVENTIONS:
                return cls(**named)
        raise ValueError(f"{text!r} does not name a P-vector: {'/'.join(kinds)} is needed")


@dataclass(frozen=True)
class VectorName(_Name):
    """Of a network's P-vector over an anchor.

    Attributes
    ----------
    state : one of `STATES`, `share_0.01` and the like along training; in a run's snapshots the number of the step.
    split : "train" or "test"; "cifar10-train" and the like: the anchor of another data set than the network's own.
    layer : the network's name of it.
    convention : one of `CONVENTIONS`.

    Examples
    --------
    >>> str(VectorName("trained", "train", "output", "centred"))
    'trained/train/output/centred'
    >>> VectorName.parse("trained/train/output/centred").layer
    'output'
    """

    state: str
    split: str
    layer: str
    convention: str

    @classmethod
    def primary(cls, state: str, convention: str) -> Self:
        """Of the primary layer, over the training anchor."""
        return cls(state, "train", PRIMARY, convention)


@dataclass(frozen=True)
class DataName(_Name):
    """Of the P-vector of the images themselves; layer "pixels" or "pixels_standardised"."""

    layer: str
    split: str
    convention: str


@dataclass(frozen=True)
class FullName(_Name):
    """Of a P-vector over all images of a split, primary layer, trained network."""

    split: str
    convention: str
