"""Answers and the frozen ledger against a second computation that shares no line with them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pvlib.report.answers.file import load_claims, load_floors
from pvlib.report.answers.judging import Judging
from pvlib.report.tables import load
from scripts.recompute import answers, estimates

RESULTS = Path(__file__).resolve().parents[2] / "results"
# Vectors kept in half precision, and a rank correlation in which one near tie can turn over.
TOLERANCE = {1: 1e-3, 2: 0.05, 3: 0.01}
FLOORS = load_floors(load_claims())


@pytest.fixture(scope="module")
def both():
    """The rows of version 1's frozen ledger, and the same numbers again from what its studies have published."""
    rows = pd.read_csv(RESULTS / "version-1.csv").set_index(["study", "claim", "dataset", "convention"]).sort_index()
    again = {
        (study, row["claim"], row["dataset"], row["convention"]): row
        for study in ("quick", "pool", "digits")
        for _, row in estimates(RESULTS / study, FLOORS.get(study, {})).iterrows()
    }
    return rows, again


def test_every_estimate_of_the_ledger_comes_out_again_from_the_published_vectors(both):
    rows, again = both
    assert len(rows) >= 18
    for place, row in rows.iterrows():
        claim = place[1]
        for name in ("estimate", "end"):
            if np.isfinite(row[name]):
                assert again[place][name] == pytest.approx(row[name], abs=TOLERANCE[claim]), (place, name)


def test_the_controls_of_the_ledger_come_out_again(both):
    rows, again = both
    for place, row in rows.iterrows():
        if place[1] in (1, 3):
            assert again[place]["control"] == pytest.approx(row["control"], abs=TOLERANCE[place[1]]), place


@pytest.mark.parametrize("study", ["trained", "quick", "digits"])
def test_every_estimate_of_version_2_comes_out_again(study):
    floors = FLOORS[study]
    judging = Judging(load(study), load_claims(), floors)
    agreement = judging.claim_1.query("set == 'all' and variational").set_index(["dataset", "convention"])
    falls = judging.claim_2.query("family == 'all' and target == 'seed'").set_index(["dataset", "convention"])
    again = answers(RESULTS / study, floors).set_index(["dataset", "convention"])
    assert len(again) == len(agreement) == len(falls) > 0
    for name in ("mean", "untrained", "difference", "smallest"):
        np.testing.assert_allclose(again[name], agreement[name].reindex(again.index), atol=TOLERANCE[1])
    for name in ("start_least", "start_most", "end_least", "end_most"):
        np.testing.assert_allclose(again[name], falls[name].reindex(again.index), atol=TOLERANCE[2])


def test_a_changed_vector_is_noticed(tmp_path, both):
    """The comparison can fail: one network of one cell replaced by another's vectors."""
    import shutil

    folder = tmp_path / "quick"
    shutil.copytree(RESULTS / "quick", folder, ignore=shutil.ignore_patterns("networks"))
    rows, _ = both
    runs = load("quick").runs
    primary = runs[(runs["role"] == "primary") & (runs["status"] == "done")]
    mlp, ae = (primary[primary["cell"] == f"mnist/{name}"]["run"].iloc[0] for name in ("mlp", "mlp_ae"))
    shutil.copy(folder / "vectors" / f"{ae}.safetensors", folder / "vectors" / f"{mlp}.safetensors")
    found = estimates(folder, FLOORS["quick"]).set_index(["claim", "dataset", "convention"])
    expected = rows.loc["quick", "estimate"].sort_index()
    assert abs(found.loc[(2, "mnist", "centred"), "end"] - rows.loc[("quick", 2, "mnist", "centred"), "end"]) > 1
    assert found.loc[(1, "cifar10", "centred"), "estimate"] == pytest.approx(
        expected[1, "cifar10", "centred"], abs=1e-3
    )
