"""Each universe finds what was planted in constructed features, and nothing else."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pvlib.report.answers import multiverse
from pvlib.report.answers.file import load_claims
from pvlib.report.answers.judging import Judging
from pvlib.report.figures import definitions
from pvlib.study import pairs
from pvlib.study.measuring import p_vector
from pvlib.vector_names import CONVENTIONS, VectorName

SAMPLES, FEATURES, SEEDS = 200, 12, 5
ARCHITECTURES = ("mlp", "lenet", "resnet20", "mlp_ae", "conv_ae")


def features(planted: str, rng, common: np.ndarray) -> np.ndarray:
    """Noise of unit variance, with a large mean, or with one direction over the samples that all networks share."""
    noise = rng.normal(size=(SAMPLES, FEATURES))
    if planted == "mean":
        return noise + 6 * np.abs(rng.normal(size=FEATURES))
    if planted == "direction":
        return noise + 6 * np.outer(common, rng.normal(size=FEATURES))
    return noise


def universes(trained: str, untrained: str, *more: str, **options) -> pd.DataFrame:
    """`more`: architectures in whose features nothing is planted."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=SAMPLES)
    common -= common.mean()
    vectors, runs = {}, []
    for architecture in (*ARCHITECTURES, *more):
        for seed in range(SEEDS):
            run = f"{architecture}-{seed}"
            runs.append({"run": run, "architecture": architecture, "cell": architecture, "dataset": "mnist", "role": "primary",
                         "status": "done", "score": 1.0})  # fmt: skip
            vectors[run] = {
                str(VectorName.primary(state, convention)): p_vector(matrix, convention).vectors.T
                for state, planted in (("trained", trained), ("untrained", untrained))
                for matrix in [features("nothing" if architecture in more else planted, rng, common)]
                for convention in CONVENTIONS
            }
    study = SimpleNamespace(name="planted", runs=pd.DataFrame(runs), pairs=pairs.pair_rows(
        vectors, {row["run"]: row["cell"] for row in runs}))  # fmt: skip
    return multiverse.universes(Judging(study, load_claims(), dict.fromkeys((*ARCHITECTURES, *more), 0.5)), **options)


def where(table: pd.DataFrame, statement: str, family: str = "all") -> set[str]:
    part = table[table["family"] == family]
    return set(part["convention"][part[statement].eq(True)])


def test_a_planted_mean_makes_networks_agree_where_it_is_not_subtracted_and_nowhere_else():
    table = universes("mean", "nothing")
    assert where(table, "agree") == {"uncentred", "unit"}
    assert where(table, "agree_beyond_controls") == {"uncentred", "unit"}


def test_a_mean_that_is_there_before_training_is_no_merit_of_training():
    table = universes("mean", "mean")
    assert where(table, "agree") == {"uncentred", "unit"}
    assert where(table, "agree_beyond_controls") == set()
    assert where(table, "more_than_untrained") == set()
    assert where(table, "falls") == set()


def test_variational_autoencoders_without_a_mean_can_be_left_out():
    assert where(universes("mean", "mean", "mlp_vae"), "agree") == set()
    assert where(universes("mean", "mean", "mlp_vae", variational=False), "agree") == {"uncentred", "unit"}


@pytest.mark.parametrize("family", ["all", "classifier", "autoencoder"])
def test_a_planted_direction_is_found_under_every_definition_and_the_angle_falls_to_it(family):
    table = universes("direction", "nothing")
    for statement in ("agree", "more_than_untrained", "falls", "agree_beyond_controls"):
        assert where(table, statement, family) == set(CONVENTIONS), statement


def test_nothing_planted_is_nothing_found():
    table = universes("nothing", "nothing")
    assert len(table) == 3 * len(CONVENTIONS)
    for statement in multiverse.STATEMENTS:
        for family in multiverse.FAMILIES:
            assert where(table, statement, family) == set(), (statement, family)


def test_counts_and_the_curve_say_what_the_table_says():
    table = universes("mean", "mean")
    counts = multiverse.counts(table).set_index("statement")
    row = counts.loc[multiverse.STATEMENTS["agree"]]
    assert (row["holds"], row["of"], row["beyond_controls"]) == (int(table["agree"].sum()), len(table), 0)
    plate = definitions.curve(table, "agree")
    assert f"{row['holds']} of {row['of']}" in plate.caption
    assert plate.table["smallest"].is_monotonic_increasing
