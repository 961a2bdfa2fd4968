"""The answers of several studies as one: every data set by the study that version 2 asks, or by the fullest until it is done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from ..tables import Study
from .file import Claims, load_claims, load_floors
from .judging import Judging


class Summary:
    """Published studies under version 2 of the claims, by default those of the project."""

    def __init__(self, studies: Sequence[Study], claims: Claims | None = None):
        self.claims = claims or load_claims()
        floors = load_floors(self.claims)
        self.judgings = [Judging(study, self.claims, floors.get(study.name, {})) for study in studies]

    def of(self, dataset: str) -> Judging | None:
        """The study that answers for a data set: the confirmatory one once it is complete there, else the fullest."""
        having = [one for one in self.judgings if dataset in one.datasets]
        confirmatory = [one for one in having if self.is_confirmatory(one) and one.is_complete(dataset)]
        rest = [one for one in having if not self.is_confirmatory(one)] or having
        return next(iter(confirmatory), None) or max(rest, key=lambda one: len(one.entering(dataset)), default=None)

    def is_confirmatory(self, one: Judging) -> bool:
        return one.study.name == self.claims.confirmatory.claims_1_and_2

    @cached_property
    def datasets(self) -> list[str]:
        """Of the paper, with an answer."""
        return [name for name in self.claims.datasets if self.of(name) is not None]

    def _rows(self, table: str) -> pd.DataFrame:
        parts = []
        for dataset in self.datasets:
            one = self.of(dataset)
            if one is None:
                continue
            rows = getattr(one, table)
            parts.append(rows[rows["dataset"] == dataset].assign(confirmatory=self.is_confirmatory(one)))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """`Judging.claim_1` of every data set."""
        return self._rows("claim_1")

    @cached_property
    def convergence(self) -> pd.DataFrame:
        """`Judging.claim_2` of every data set."""
        return self._rows("claim_2")

    @cached_property
    def link(self) -> pd.DataFrame:
        """`Judging.claim_3` of the study with the pool."""
        found = [one.claim_3 for one in self.judgings if one.study.name == self.claims.confirmatory.claim_3]
        return found[0] if found else pd.DataFrame()

    def pair_means(self) -> pd.DataFrame:
        """A row for each pair of different architectures: dataset, convention, state, relation, pair, mean |cos|."""
        rows = []
        for dataset in self.datasets:
            one = self.of(dataset)
            if one is None:
                continue
            for convention in self.claims.measurement.conventions:
                for state in ("trained", "untrained"):
                    networks = one.networks(one.entering(dataset), state, convention)
                    for relation, pairs in one.relations(networks).items():
                        for pair in pairs:
                            rows.append({
                                "dataset": dataset, "study": one.study.name, "convention": convention, "state": state,
                                "relation": relation, "pair": " and ".join(pair), "mean": networks.mean(pair),
                            })  # fmt: skip
        return pd.DataFrame(rows)
