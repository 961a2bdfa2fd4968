"""Study files: every mistake is named, with the nearest right word."""

import re

import pytest
import yaml

from pvlib.study.config import load_study, parse_study, study_names

CELL = {
    "name": "digits/mlp",
    "label": "MLP",
    "role": "primary",
    "seeds": 2,
    "recipe": {
        "dataset": "digits",
        "architecture": "mlp",
        "objective": "classification",
        "epochs": 2,
        "batch_size": 64,
        "optimiser": "adamw",
        "lr": 1e-3,
        "weight_decay": 0.0,
        "augment": "none",
    },
}


def study(**changes):
    return {"study": "s", "cells": [{**CELL, **changes}]}


def test_every_study_of_the_project_is_valid():
    assert {"digits", "quick", "pool"} <= set(study_names())
    for name in study_names():
        assert load_study(name).runs, name


def test_the_pool_is_the_balanced_factorial_of_192_runs():
    runs = load_study("pool").runs
    assert len(runs) == 192
    assert len({run.key("x") for run in runs}) == 192
    for field in ("width", "lr", "train_size", "label_noise"):
        for architecture in ("mlp", "lenet"):
            values = [getattr(r.recipe, field) for r in runs if r.recipe.architecture == architecture]
            counts = {value: values.count(value) for value in values}
            assert set(counts.values()) == {48}, (field, counts)


def test_no_two_runs_of_a_study_share_a_key():
    for name in study_names():
        keys = [run.key("x") for run in load_study(name).runs]
        assert len(keys) == len(set(keys)), name


def test_first_seeds_of_every_cell_come_before_the_later_ones():
    seeds = [run.recipe.seed for run in load_study("quick").runs]
    last_early = max(i for i, s in enumerate(seeds) if s < 3)
    first_late = min(i for i, s in enumerate(seeds) if s >= 3)
    assert last_early < first_late


def test_the_key_changes_with_recipe_data_and_seed():
    one, two = parse_study(study(), where="x").runs
    assert len({one.key("a"), one.key("b"), two.key("a")}) == 3
    assert one.key("a") == parse_study(study(label="other"), where="x").runs[0].key("a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**study(), "seed_round": [3]}, "unknown key 'seed_round'; did you mean seed_rounds"),
        (study(sedes=3), "unknown key 'sedes'; did you mean seeds"),
        (study(role="primry"), "did you mean primary"),
        (study(seeds=0), "seeds must be a whole number"),
        (study(recipe={**CELL["recipe"], "epoch": 2}), r"epoch\b.*epochs"),
        (study(recipe={**CELL["recipe"], "architecture": "resnet21"}), "resnet2"),
        (study(recipe={**CELL["recipe"], "dataset": "minst"}), "mnist"),
        ({"study": "s"}, "'cells' is missing"),
        ([], "expected a mapping"),
        ({"study": "s", "cells": [CELL, CELL]}, "came before"),
    ],
)
def test_a_mistake_is_named_with_the_nearest_right_word(content, message):
    with pytest.raises(ValueError, match=re.compile(message, re.S)):
        parse_study(content, where="file.yml")


def test_unknown_study_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean quick"):
        load_study("quik")


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    (tmp_path / "bad.yml").write_text("study: [")
    with pytest.raises(ValueError, match=r"bad\.yml is not valid YAML"):
        load_study(tmp_path / "bad.yml")


def test_a_study_can_be_a_file(tmp_path):
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(study()))
    assert len(load_study(tmp_path / "mine.yml").runs) == 2
