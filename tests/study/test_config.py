"""Study files: every mistake is named, with the nearest right word."""

import copy
import dataclasses
import itertools
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pvlib.experiment.recipe import Recipe
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
        (study(seeds=0), r"cells\[0\].seeds: expected a whole number >= 1"),
        (study(seeds=10**9), r"cells\[0\].seeds: expected a whole number <= 100000"),
        (study(seeds="2"), r"cells\[0\].seeds: expected a whole number, got text"),
        (study(seeds=100, grid={"width": list(range(1, 2000))}), "199900 runs"),
        (study(label=3), r"cells\[0\].label: expected text, got a whole number"),
        (study(label="a\nb"), "expected one line of text"),
        (study(recipe={**CELL["recipe"], "seed": 3}), "no seed of its own"),
        (study(grid={"seed": [3]}), "no seed of its own"),
        ({**study(), "defaults": {"seed": 3}}, "no seed of its own"),
        (study(grid={}), r"cells\[0\].grid: .*length >= 1"),
        (study(grid={"lr": []}), "grid, 'lr': .*at least one value"),
        (study(grid={"lr": 0.1}), "grid, 'lr': expected a list"),
        (study(grid={"wdith": [8]}), "'wdith'.*did you mean width"),
        (study(grid={"lr": [1, 1.0]}), "the same run comes twice"),
        ({"study": "s", "cells": [CELL, {**CELL, "name": "b"}]}, "the same run comes twice.*'digits/mlp'"),
        (study(first_seed=-1), r"first_seed: .*>= 0"),
        (study(recipe={**CELL["recipe"], "epoch": 2}), r"epoch\b.*epochs"),
        (study(recipe={**CELL["recipe"], "architecture": "resnet21"}), "resnet2"),
        (study(recipe={**CELL["recipe"], "dataset": "minst"}), "mnist"),
        ({"study": "s"}, "'cells' is missing"),
        ([], "expected a mapping, got a list"),
        ({"study": "s", "cells": []}, "cells: expected a list of length >= 1"),
        ({"study": "s", "cells": [CELL, CELL]}, "came before"),
    ],
)
def test_a_mistake_is_named_with_the_nearest_right_word(content, message):
    with pytest.raises(ValueError, match=re.compile(message, re.S)):
        parse_study(content, where="file.yml")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a b", "x$(y)", "<b>", "'", "-x", "a/b/c", "a/", "a\n"])
def test_a_name_that_is_not_a_plain_word_cannot_become_a_folder(name):
    with pytest.raises(ValueError, match="letters, digits"):
        parse_study(study(name=name), where="file.yml")
    with pytest.raises(ValueError, match="letters, digits"):
        parse_study({**study(), "study": name}, where="file.yml")


def test_seeds_start_where_the_study_or_the_cell_says():
    content = {"study": "s", "first_seed": 100, "seed_rounds": [1, 1], "cells": [CELL, {**CELL, "name": "b"}]}
    content["cells"][1] = {**CELL, "name": "b", "first_seed": 7}
    runs = parse_study(content, where="file.yml").runs
    assert [(run.cell, run.recipe.seed) for run in runs] == [
        ("digits/mlp", 100),
        ("b", 7),
        ("digits/mlp", 101),
        ("b", 8),
    ]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2),
    max_leaves=4,
)
PLACES = (
    [("study",), ("description",), ("defaults",), ("seed_rounds",), ("first_seed",), ("cells",), ("cells", 0)]
    + [("cells", 0, key) for key in ("name", "label", "role", "seeds", "recipe", "grid", "first_seed")]
    + [("cells", 0, "recipe", field.name) for field in dataclasses.fields(Recipe)]
    + [("cells", 0, "grid", "lr"), ("defaults", "lr")]
)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
@given(junk=JUNK)
@settings(max_examples=40, deadline=None)
def test_a_wrong_type_anywhere_is_one_line_that_names_file_and_field(place, junk):
    content = copy.deepcopy({**study(grid={"lr": [0.1]}), "defaults": {}})
    *above, last = place
    inner = content
    for step in above:
        inner = inner[step]
    inner[last] = junk
    try:
        parse_study(content, where="file.yml")
    except ValueError as error:
        (line,) = str(error).splitlines()
        assert line.startswith("file.yml")
        assert str(place[-1]) in line or (isinstance(junk, dict | list) and "cells" in line)


def test_unknown_study_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean quick"):
        load_study("quik")


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    (tmp_path / "bad.yml").write_text("study: [")
    with pytest.raises(ValueError, match=r"bad\.yml is not valid YAML"):
        load_study(tmp_path / "bad.yml")


def test_a_file_is_read_as_yaml_means_it_or_refused_in_one_line_that_names_it(tmp_path):
    letters = "abcdefghi"
    bomb = "\n".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in itertools.pairwise(letters))
    for content, message in (
        ("study: s\nstudy: t\n", "line 2: the key 'study' comes twice"),
        ("cells:\n - {name: a, name: b}\n", "line 2: the key 'name' comes twice"),
        (f"a: &a [x, x, x]\n{bomb}\n", "once its aliases are followed"),
        ("a: &a [*a]\n", "inside its own anchor"),
        ("- " * 5000 + "x", "nested too deeply"),
        ("x" * 300_000, "300000 bytes"),
        ("!!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        ("a: 2001-99-99\n", "month must be"),
        ('a: "\\ud800"\n', "surrogates"),
        (b"\xff\xfe\x00", "unacceptable character"),
        (b"caf\xe9: 1", "unacceptable character|utf-8"),
    ):
        path = tmp_path / "bad.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ValueError, match=message) as refused:
            load_study(path)
        assert "bad.yml" in str(refused.value) and "\n" not in str(refused.value)


def test_merged_keys_may_be_overridden(tmp_path):
    (tmp_path / "mine.yml").write_text(
        "study: s\ncells:\n"
        "- {name: a, label: a, role: primary, seeds: 1, recipe: &one {dataset: digits, architecture: mlp,"
        " objective: classification, epochs: 1, batch_size: 64, optimiser: sgd, lr: 0.1, weight_decay: 0.0}}\n"
        "- {name: b, label: b, role: primary, seeds: 1, recipe: {<<: *one, lr: 0.2}}\n"
    )
    assert [run.recipe.lr for run in load_study(tmp_path / "mine.yml").runs] == [0.1, 0.2]


def test_a_study_can_be_a_file(tmp_path):
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(study()))
    assert len(load_study(tmp_path / "mine.yml").runs) == 2
