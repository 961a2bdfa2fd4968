"""The comparison of a retrained study with the published one: what it lets pass and what it does not."""

import pandas as pd
import pytest

from pvlib.report.claims import load_claims
from pvlib.report.tables import Study
from scripts.check_digits import changed_verdicts, medians_outside
from tests.report.fake_study import rewrite, write_fake_study

ARCHITECTURES = ("mlp", "lenet")


def study(folder, **options):
    options = {"stability": 0.97, **options}
    made = write_fake_study(folder, name="digits", datasets=("digits",), architectures=ARCHITECTURES, pool=False,
                            random_labels=False, **options)  # fmt: skip
    return made


@pytest.fixture(scope="module")
def claims():
    return load_claims()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return study(tmp_path_factory.mktemp("published"))


def test_the_same_study_agrees(published, claims):
    assert list(medians_outside(Study(published), Study(published), claims)) == []
    assert list(changed_verdicts(Study(published), Study(published), claims)) == []


def test_a_median_outside_the_range_over_seeds_is_named(published, claims, tmp_path):
    fresh = study(tmp_path, trained=0.6)
    found = list(medians_outside(Study(published), Study(fresh), claims))
    assert any("digits/lenet with digits/mlp, centred" in line and "median" in line for line in found), found


def test_a_tied_cell_is_not_compared(tmp_path, claims):
    """Near ties jump on another processor: k = 1 says nothing there."""
    old = study(tmp_path / "old", stability={"mlp": 0.5, "lenet": 0.97})
    new = study(tmp_path / "new", trained=0.6)
    found = list(medians_outside(Study(old), Study(new), claims))
    assert not any("digits/mlp" in line for line in found)
    assert any("digits/lenet" in line for line in found)


def test_a_cell_that_was_not_trained_again_is_named(published, claims, tmp_path):
    fresh = study(tmp_path)
    runs = pd.read_parquet(fresh / "runs.parquet")
    runs.loc[runs["cell"] == "digits/lenet", "status"] = "failed"
    rewrite(fresh, "runs", runs)
    assert any("not measured" in line for line in medians_outside(Study(published), Study(fresh), claims))


def test_only_inconclusive_verdicts_may_change(published, claims, monkeypatch):
    def verdicts(*words):
        rows = [
            {"claim": n, "dataset": "digits", "convention": "centred", "verdict": w} for n, w in enumerate(words, 1)
        ]
        return pd.DataFrame(rows)

    tables = iter([verdicts("holds", "inconclusive", "fails"), verdicts("fails", "holds", "inconclusive")])
    monkeypatch.setattr("scripts.check_digits.ledger", lambda studies, claims: next(tables))
    found = list(changed_verdicts(Study(published), Study(published), claims))
    assert len(found) == 1
    assert "claim 1" in found[0]
