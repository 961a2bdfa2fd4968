"""A rehearsal has every cell of its study, in small, and names that nobody takes for the study itself."""

from pathlib import Path

import pytest
import yaml

from pvlib.study.config import load_study, parse_study
from scripts import shrink_study

ROOT = Path(__file__).resolve().parents[2]
SIZES = ["--epochs", "1", "--train-size", "256", "--seeds", "1"]


def shrunk(name, capsys):
    assert shrink_study.main([str(ROOT / f"pvlib/studies/{name}.yml"), *SIZES]) == 0
    return parse_study(yaml.safe_load(capsys.readouterr().out), where=name)


@pytest.mark.parametrize("name", ["paper", "paper-core"])
def test_every_cell_is_rehearsed_as_it_is_but_for_its_size(name, capsys):
    study, small = load_study(name), shrunk(name, capsys)
    assert small.name == f"{name}-rehearsal"
    whole = {run.cell: run for run in study.runs if run.recipe.seed == 0}
    assert [run.cell for run in small.runs if run.role != "pool"] == [
        c for c, run in whole.items() if run.role != "pool"
    ]
    for run in small.runs:
        assert (run.recipe.epochs, run.recipe.train_size, run.recipe.seed) == (1, 256, 0)
        changed = {"epochs", "train_size", "lr", "width", "label_noise"}  # the last three: of a grid
        kept = [
            {k: v for k, v in r.to_dict().items() if k not in changed} for r in (run.recipe, whole[run.cell].recipe)
        ]
        assert kept[0] == kept[1]


def test_a_grid_keeps_its_other_fields(capsys):
    runs = shrunk("pool", capsys).runs
    assert {run.recipe.label_noise for run in runs} == {0.0, 0.2}
    assert {run.recipe.train_size for run in runs} == {256}
    assert len({run.recipe for run in runs}) == len(runs)
