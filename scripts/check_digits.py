"""The digits study trained here against the published one.

    python scripts/check_digits.py --published results/digits --fresh build/results/digits

Another processor trains to other numbers, so training is compared as a distribution: the median |cos| of every pair of
cells must lie inside the published range over pairs of seeds (cells whose networks are tied are left out: their P-vector
may be any direction of a span), and no answer may change but from or to `open`. Measuring is compared tightly: a
published network, measured again, must give its published P-vectors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pvlib.experiment.data import load as load_data
from pvlib.measure import cosine
from pvlib.packed import exact
from pvlib.report.answers.file import Claims, load_claims, load_floors
from pvlib.report.answers.judging import Judging
from pvlib.report.tables import Study
from pvlib.study.measuring import Bench, p_vector
from pvlib.study.networks import load_network
from pvlib.vector_names import VectorName

ROUNDING = 1e-3  # the range over seeds is widened by this: cells near |cos| = 1 have ranges of that size
TIGHT = 1e-6  # 1 - |cos|: float32 features of another processor, and vectors kept in half precision
ROUNDED = 1e-4  # the same for vectors that are published in 8 bits
FREE = "open"


def cell_cosines(study: Study, claims: Claims) -> pd.DataFrame:
    """|cos| of trained primary networks, a row a pair of runs: cell_a, cell_b (in alphabetical order), convention, cos."""
    runs = study.runs
    cells = runs[(runs["role"] == "primary") & (runs["status"] == "done")].set_index("run")["cell"]
    pairs = study.pairs
    pairs = pairs[(pairs["layer"] == claims.measurement.layer) & (pairs["split"] == claims.measurement.split)]
    pairs = pairs[(pairs["state_a"] == "trained") & (pairs["state_b"] == "trained")]
    pairs = pairs[pairs["convention"].isin(claims.measurement.conventions)]
    pairs = pairs.assign(cell_a=pairs["run_a"].map(cells), cell_b=pairs["run_b"].map(cells)).dropna()
    swap = pairs["cell_a"] > pairs["cell_b"]
    pairs.loc[swap, ["cell_a", "cell_b"]] = pairs.loc[swap, ["cell_b", "cell_a"]].to_numpy()
    return pairs[["convention", "cell_a", "cell_b", "cos"]]


def tied_cells(study: Study, claims: Claims) -> set[tuple[str, str]]:
    """(convention, cell) where the median stability of the networks says that k = 1 is undefined."""
    finals = study.finals
    at = (
        (finals["state"] == "trained")
        & (finals["layer"] == claims.measurement.layer)
        & (finals["split"] == claims.measurement.split)
    )
    cells = study.runs.set_index("run")["cell"]
    median = finals[at].assign(cell=finals["run"].map(cells)).groupby(["convention", "cell"])["stability"].median()
    return set(median[median < claims.measurement.tie.stability].index)


def medians_outside(published: Study, fresh: Study, claims: Claims) -> Iterator[str]:
    """Pairs of cells whose retrained median left the published range over pairs of seeds."""
    key = ["convention", "cell_a", "cell_b"]
    ranges = cell_cosines(published, claims).groupby(key)["cos"].agg(["min", "max"])
    medians = cell_cosines(fresh, claims).groupby(key)["cos"].median()
    tied = tied_cells(published, claims)
    for place, (lowest, highest) in ranges.iterrows():
        convention, *cells = place
        if any((convention, cell) in tied for cell in cells):
            continue
        name = f"{cells[0]} with {cells[1]}, {convention}"
        if place not in medians:
            yield f"{name}: not measured"
        elif not lowest - ROUNDING <= medians[place] <= highest + ROUNDING:
            yield f"{name}: median |cos| {medians[place]:.4f}, published range {lowest:.4f} to {highest:.4f}"


def answers(study: Study, claims: Claims) -> pd.Series:
    """Question, convention and set of networks -> yes, no or open."""
    judging = Judging(study, claims, load_floors(claims).get(study.name, {}))
    pairs, falls = judging.claim_1, judging.claim_2
    found = {}
    for question in ("agree", "due_to_training"):
        for row in pairs[pairs["variational"]].itertuples():
            found[question, row.convention, row.set] = getattr(row, question)
    for row in falls.itertuples():
        found[f"usually falls, to the {row.target} final", row.convention, row.family] = row.usually
    return pd.Series(found)


def changed_answers(published: Study, fresh: Study, claims: Claims) -> Iterator[str]:
    """Answers that differ, neither of them open."""
    old, new = answers(published, claims), answers(fresh, claims)
    for place in old.index:
        both = (old[place], new.get(place, FREE))
        if both[0] != both[1] and FREE not in both:
            yield f"{', '.join(place)}: published {both[0]!r}, here {both[1]!r}"


def network_differences(published: Study, name: str) -> Iterator[str]:
    """Where a published network, measured again, gives other P-vectors than those published."""
    dataset = name.rpartition("-")[2]
    data = load_data(dataset)
    network = load_network(published.path(f"networks/{name}.safetensors"), data)
    bench = Bench(network.recipe, data)
    stored = published.vectors(network.run)
    compared = 0
    for split in ("train", "test"):
        for layer, features in bench.features(network.model, split).items():
            for convention in ("uncentred", "centred"):
                place = str(VectorName("trained", split, layer, convention))
                if place not in stored:
                    continue
                compared += 1
                away = 1 - cosine(stored[place][0], p_vector(features, convention).vector)
                allowed = TIGHT if exact(place) else ROUNDED
                if not away <= allowed:
                    yield f"network {name}, {place}: 1 - |cos| = {away:.1e} to the published P-vector, {allowed:g} allowed"
    if not compared:
        yield f"network {name}: no published P-vector to compare with"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--fresh", type=Path, required=True)
    arguments = parser.parse_args(argv)
    published, fresh, claims = Study(arguments.published), Study(arguments.fresh), load_claims()
    found = [*medians_outside(published, fresh, claims), *changed_answers(published, fresh, claims)]
    for name in published.networks:
        found += network_differences(published, name)
    if not published.networks:
        found.append(f"{arguments.published} has no network to measure again")
    print(*found, sep="\n", end="\n" if found else "")
    pairs = len(np.unique(cell_cosines(published, claims)[["convention", "cell_a", "cell_b"]].astype(str).sum(axis=1)))
    print(
        f"check_digits: {pairs} pairs of cells, {len(published.networks)} network, {len(found) or 'no'} disagreement(s)"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
