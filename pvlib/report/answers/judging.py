"""One study judged by version 2 of the claims: which networks enter, and the answers of every claim as tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd

from ..ranks import Granulated
from ..statistics import Interval, holm
from ..tables import Study
from . import convergence, link, pool
from .agreement import Agreement, Level, Networks, Pair, agreement, in_words, mean_over_pairs, relations
from .file import Claims

WITHIN = ("classifier-classifier", "autoencoder-autoencoder")


class Judging:
    """A study under `claims`; `floors` maps a cell to the score that its runs must reach."""

    def __init__(self, study: Study, claims: Claims, floors: Mapping[str, float]):
        self.study, self.claims, self.floors = study, claims, dict(floors)
        self.level = Level(claims.measurement.confidence, claims.measurement.minimum_seeds)
        runs = study.runs
        runs = runs[(runs["status"] == "done") & (runs["role"] != "pool")]
        floor = runs["cell"].map(self.floors).astype(float)
        self.reached = runs[runs["score"].astype(float) >= floor]

    def entering(self, dataset: str, roles=("primary",)) -> pd.DataFrame:
        """Runs at or above their floor, of cells with enough of them."""
        runs = self.reached[(self.reached["dataset"] == dataset) & self.reached["role"].isin(roles)]
        seeds = runs.groupby("cell")["run"].transform("nunique")
        return runs[seeds >= self.claims.measurement.minimum_seeds]

    @cached_property
    def datasets(self) -> list[str]:
        """Those of which at least two architectures enter, in the claims' order."""
        wanted = [*self.claims.datasets, *self.claims.demonstration]
        return [name for name in wanted if self.entering(name)["architecture"].nunique() > 1]

    def networks(
        self,
        runs: pd.DataFrame,
        state: str,
        convention: str,
        *,
        layer: str | None = None,
        split: str | None = None,
        by="architecture",
    ) -> Networks:
        """Cosines between these runs, all in `state`, grouped by a column of the runs table."""
        layer, split = layer or self.claims.measurement.layer, split or self.claims.measurement.split
        pairs = self.study.pairs
        at = (pairs["layer"] == layer) & (pairs["convention"] == convention) & (pairs["split"] == split)
        pairs = pairs[at & (pairs["state_a"] == state) & (pairs["state_b"] == state)]
        position = {run: number for number, run in enumerate(runs["run"])}
        pairs = pairs[pairs["run_a"].isin(position) & pairs["run_b"].isin(position)]
        i, j = (pairs[end].map(position).to_numpy(dtype=int) for end in ("run_a", "run_b"))
        cos = np.full((len(runs), len(runs)), np.nan)
        cos[i, j] = cos[j, i] = pairs["cos"].to_numpy(dtype=float)
        # A network without this layer, or without variance there, has no cosine with any other: it is left out.
        known = np.isfinite(cos).any(axis=1)
        names = runs[by].to_numpy()
        members = {name: np.flatnonzero((names == name) & known) for name in dict.fromkeys(names)}
        return Networks(cos, {name: seeds for name, seeds in members.items() if len(seeds)})

    def mixed(self, runs: pd.DataFrame, convention: str, *, layer: str, split: str) -> pd.DataFrame:
        """Untrained networks with other seeds of their own architecture, trained: run_a, run_b, architecture, angle."""
        pairs = self.study.pairs
        at = (pairs["layer"] == layer) & (pairs["convention"] == convention) & (pairs["split"] == split)
        states = pairs[["state_a", "state_b"]].isin(["trained", "untrained"]).all(axis=1)
        pairs = pairs[at & states & (pairs["state_a"] != pairs["state_b"])]
        named = runs.set_index("run")["architecture"]
        one, two = pairs["run_a"].map(named), pairs["run_b"].map(named)
        pairs, one = pairs[one.notna() & (one == two)], one[one.notna() & (one == two)]
        angle = np.degrees(np.arccos(np.minimum(pairs["cos"].astype(float), 1.0)))
        return pairs[["run_a", "run_b"]].assign(architecture=one, angle=angle)

    def families(self, variational: bool) -> dict[str, list[str]]:
        """Family -> architectures; variational autoencoders count as autoencoders, or are left out."""
        families: dict[str, list[str]] = {name: list(members) for name, members in self.claims.families.items()}
        vae = families.pop("variational autoencoder", [])
        if variational:
            families["autoencoder"] = families["autoencoder"] + vae
        return families

    def is_complete(self, dataset: str) -> bool:
        """Whether every primary cell that the study plans for a data set has its seeds, floors reached or not."""
        plan = self.study.provenance["planned_cells"]
        wanted = [name for name, cell in plan.items() if (cell["dataset"], cell["role"]) == (dataset, "primary")]
        runs = self.study.runs
        seeds = runs[runs["status"] == "done"].groupby("cell")["run"].nunique()
        return all(seeds.get(name, 0) >= self.claims.measurement.minimum_seeds for name in wanted)

    def relations(self, networks: Networks) -> dict[str, list[Pair]]:
        """Family-family -> pairs of different architectures, variational autoencoders included; each pair once."""
        sets = [name for name in self.claims.agreement.sets if name != "all"]
        sets += [name for name in ("contrastive-contrastive",) if name not in sets]
        return relations(sets, self.families(variational=True), networks.members)

    def agreements(
        self,
        dataset: str,
        convention: str,
        *,
        variational: bool = True,
        layer: str | None = None,
        split: str | None = None,
    ) -> dict[str, Agreement]:
        """Set of pairs -> the two answers of claim 1."""
        claim = self.claims.agreement
        runs = self.entering(dataset)
        trained, untrained = (
            self.networks(runs, state, convention, layer=layer, split=split) for state in ("trained", "untrained")
        )
        present = set(trained.members) & set(untrained.members)
        found = {}
        for name, pairs in relations(claim.sets, self.families(variational), present).items():
            one = agreement(
                trained, untrained, pairs, at_least=claim.threshold.at_least, margin=claim.margin, level=self.level,
            )  # fmt: skip
            if one is not None:
                found[name] = one
        return found

    def pairs(self, dataset: str, convention: str) -> pd.DataFrame:
        """Every two different architectures, trained and untrained, beside what their seeds allow (protocol 3).

        Returns
        -------
        DataFrame
            pair (the two architectures), relation (of their families); mean, untrained and difference, each with _lo and _hi;
            ceiling, the root of the product of the two self-agreements (mean |cos| between the seeds of one architecture):
            noise over seeds leaves no more.
        """
        runs = self.entering(dataset)
        trained, untrained = (self.networks(runs, state, convention) for state in ("trained", "untrained"))
        own = {name: trained.mean((name, name)) for name, seeds in trained.members.items() if len(seeds) > 1}
        rows = [
            {"pair": pair, "relation": relation, **numbers("mean", self.mean(trained, [pair]).clipped(0.0, 1.0)),
             **numbers("untrained", self.mean(untrained, [pair]).clipped(0.0, 1.0)),
             **numbers("difference", mean_over_pairs([(trained, 1.0), (untrained, -1.0)], [pair], self.level)),
             "ceiling": math.sqrt(own.get(pair[0], math.nan) * own.get(pair[1], math.nan))}
            for relation, pairs in self.relations(trained).items()
            for pair in pairs
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def self_agreement(self, dataset: str, convention: str) -> dict[str, Interval]:
        """Architecture -> mean |cos| between its seeds (protocol 3)."""
        networks = self.networks(self.entering(dataset), "trained", convention)
        return {
            name: self.mean(networks, [(name, name)]).clipped(0.0, 1.0)
            for name, seeds in networks.members.items()
            if len(seeds) > 1
        }

    @cached_property
    def claim_1(self) -> pd.DataFrame:
        """A row for each data set, convention, and set of pairs, with variational autoencoders and without."""
        rows = []
        for dataset in self.datasets:
            for convention in self.claims.measurement.conventions:
                for variational in (True, False):
                    answers = self.agreements(dataset, convention, variational=variational)
                    words = in_words(answers, "all", WITHIN) if "all" in answers else ""
                    rows += [
                        {"study": self.study.name, "dataset": dataset, "convention": convention,
                         "variational": variational, "set": name, "pairs": len(one.pairs),
                         **numbers("mean", one.mean), **numbers("untrained", one.untrained),
                         **numbers("difference", one.difference), **numbers("smallest", one.smallest),
                         "lowest_end": one.lowest_end, "where": " and ".join(one.where), "agree": one.agree,
                         "due_to_training": one.due_to_training, "words": words if name == "all" else ""}
                        for name, one in answers.items()
                    ]  # fmt: skip
        return pd.DataFrame(rows)

    def falls(self, dataset: str, convention: str, target: str = "seed") -> list[convergence.Fall]:
        """Claim 2 for every architecture; `target` is "seed" (another seed's final state) or "own"."""
        claim, measurement = self.claims.convergence, self.claims.measurement
        runs = self.entering(dataset)
        table = self.study.trajectory if target == "seed" else self.study.snapshots
        at = (table["layer"] == measurement.layer) & (table["split"] == measurement.split)
        rows = table[at & (table["convention"] == convention) & table["run"].isin(runs["run"])]
        if target == "seed":
            rows = rows[rows["target_run"].isin(runs["run"])]
        measure = convergence.fall_to_another_seed if target == "seed" else convergence.fall_to_the_own_state
        architecture = rows["run"].map(runs.set_index("run")["architecture"])
        return [
            measure(
                name, part, start_at_least=claim.threshold.start_at_least_deg,
                end_at_most=claim.threshold.end_at_most_deg, confidence=measurement.confidence,
                minimum=measurement.minimum_seeds,
            )
            for name, part in rows.groupby(architecture)
        ]  # fmt: skip

    @cached_property
    def claim_2(self) -> pd.DataFrame:
        """A row for each data set, convention, target and family (and all): in how many architectures it falls so."""
        claim, rows = self.claims.convergence, []
        families = self.families(variational=True)
        for dataset in self.datasets:
            for convention in self.claims.measurement.conventions:
                for target in ("seed", "own"):
                    falls = self.falls(dataset, convention, target)
                    for name, members in ({"all": list(chain(*families.values()))} | families).items():
                        chosen = [fall for fall in falls if fall.architecture in members]
                        if not chosen:
                            continue
                        found = convergence.usually(chosen, claim.threshold.usually_more_than)
                        starts, ends = ([getattr(f, end).estimate for f in chosen] for end in ("start", "end"))
                        rows.append({
                            "study": self.study.name, "dataset": dataset, "convention": convention, "target": target,
                            "family": name, "yes": found.yes, "no": found.no, "n": found.n, "usually": found.answer,
                            "start_least": min(starts), "start_most": max(starts), "end_least": min(ends),
                            "end_most": max(ends),
                        })  # fmt: skip
        return pd.DataFrame(rows)

    @cached_property
    def claim_3(self) -> pd.DataFrame:
        """A row for each data set and convention that the study has a pool for."""
        claim, confidence = self.claims.link, self.claims.measurement.confidence
        groups = dict(list(self.study.pool.groupby(["dataset", "convention"], sort=False)))
        wanted = [(d, c) for d in self.claims.datasets for c in self.claims.measurement.conventions]
        found: dict[tuple[str, str], dict[str, Granulated]] = {}
        for place in wanted:
            if place in groups:
                rows = groups[place]
                found[place] = {
                    name: pool.tau(rows, name, "test_error", confidence) for name in ("angle_data_deg", *claim.rivals)
                }
                found[place]["partial"] = pool.tau(
                    rows, "angle_data_deg", "test_error", confidence, given=claim.partial
                )
        corrected = holm([found[p]["angle_data_deg"].p if p in found else math.nan for p in wanted])
        table = []
        for place, p in zip(wanted, corrected, strict=True):
            if place not in found:
                continue
            taus = found[place]
            rivals = {str(name): taus[name].interval for name in claim.rivals}
            one = link.judge(
                taus["angle_data_deg"].interval, taus["partial"].interval, float(p),
                rivals, degrees_of_freedom=taus["angle_data_deg"].degrees_of_freedom,
                tests=len(wanted), confidence=confidence, power=claim.power,
            )  # fmt: skip
            table.append({
                "study": self.study.name, "dataset": place[0], "convention": place[1], **numbers("tau", one.tau),
                **numbers("partial", one.partial), "p_corrected": one.p_corrected, "answer": one.answer,
                "bound": one.bound, "detectable": one.detectable, "better_rivals": ", ".join(one.better_rivals),
                **{name: rival.estimate for name, rival in rivals.items()},
            })  # fmt: skip
        return pd.DataFrame(table)

    def mean(self, networks: Networks, pairs: Iterable[Pair]) -> Interval:
        """Mean |cos| over pairs of architectures, with its interval."""
        return mean_over_pairs([(networks, 1.0)], pairs, self.level)


def numbers(name: str, found: Interval) -> dict[str, float]:
    """The columns `name`, `name_lo` and `name_hi` of an interval."""
    return {name: found.estimate, f"{name}_lo": found.lo, f"{name}_hi": found.hi}
