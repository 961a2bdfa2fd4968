"""The comparison of a retrained study with the published one: what it lets pass and what it does not."""

import pandas as pd
import pytest

from pvlib.report.answers.file import load_claims
from pvlib.report.tables import Study
from scripts.check_digits import answers, changed_answers, medians_outside
from tests.report.copies import copy_of, rewrite

MLP, LENET = "digits/mlp", "digits/lenet"


@pytest.fixture(scope="module")
def claims():
    return load_claims()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return copy_of("digits", tmp_path_factory.mktemp("published"))


@pytest.fixture
def fresh(tmp_path):
    return copy_of("digits", tmp_path)


def halve_cosines(folder, cell):
    """Networks of this cell, trained, agree half as well with all others."""
    runs, pairs = (pd.read_parquet(folder / f"{name}.parquet") for name in ("runs", "pairs"))
    of_cell = runs.loc[runs["cell"] == cell, "run"]
    hit = (pairs["run_a"].isin(of_cell) | pairs["run_b"].isin(of_cell)) & (pairs["state_a"] == "trained")
    pairs.loc[hit, "cos"] *= 0.5
    rewrite(folder, "pairs", pairs)


def test_the_same_study_agrees(published, claims):
    assert list(medians_outside(Study(published), Study(published), claims)) == []
    assert list(changed_answers(Study(published), Study(published), claims)) == []


def test_a_median_outside_the_range_over_seeds_is_named(published, claims, fresh):
    halve_cosines(fresh, MLP)
    found = list(medians_outside(Study(published), Study(fresh), claims))
    assert any("digits/lenet with digits/mlp, centred" in line and "median" in line for line in found), found


def test_a_tied_cell_is_not_compared(published, claims, fresh, tmp_path):
    """Near ties jump on another processor: k = 1 says nothing there."""
    old = copy_of("digits", tmp_path / "old")
    runs, finals = (pd.read_parquet(old / f"{name}.parquet") for name in ("runs", "finals"))
    finals.loc[finals["run"].isin(runs.loc[runs["cell"] == MLP, "run"]) & finals["stability"].notna(), "stability"] = (
        0.5
    )
    rewrite(old, "finals", finals)
    halve_cosines(fresh, MLP)
    assert not any(MLP in line for line in medians_outside(Study(old), Study(fresh), claims))


def test_a_cell_that_was_not_trained_again_is_named(published, claims, fresh):
    runs = pd.read_parquet(fresh / "runs.parquet")
    runs.loc[runs["cell"] == LENET, "status"] = "failed"
    rewrite(fresh, "runs", runs)
    assert any("not measured" in line for line in medians_outside(Study(published), Study(fresh), claims))


def test_only_open_answers_may_change(published, claims, fresh):
    old = answers(Study(published), claims)
    assert old["agree", "uncentred", "all"] == "yes"
    halve_cosines(fresh, MLP)
    found = list(changed_answers(Study(published), Study(fresh), claims))
    assert any(line.startswith("agree, uncentred, all: published 'yes', here 'no'") for line in found), found
    new = answers(Study(fresh), claims)
    opened = {place for place in old.index if "open" in (old[place], new[place])}
    assert opened and not any(line.startswith(", ".join(place)) for line in found for place in opened)
