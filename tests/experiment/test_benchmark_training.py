"""The benchmark of training runs, and its results have the fields that the tables read. No rate is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAYS = ["ordinary", "ours_f32", "ours_default", "prepared"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts the cores that it may use as Linux does")
def test_the_benchmark_of_training_runs_and_says_what_tables_need(tmp_path):
    output = tmp_path / "out.json"
    cases = ["mlp", "simclr_lenet", "mnist_input"]
    command = [sys.executable, str(ROOT / "benchmarks/training.py"), "--small", "--rounds", "2", "--cases", *cases]
    done = subprocess.run([*command, "--output", str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())
    assert [row["case"] for row in found["summary"]] == cases
    assert found["failed"] == []
    for row in found["summary"]:
        ways = WAYS if row["case"] != "mnist_input" else WAYS[:2]
        turns = [(turn["round"], turn["way"]) for turn in found["results"] if turn["case"] == row["case"]]
        assert turns == [(number, way) for number in range(2) for way in ways]  # in turn, not one way after another
        assert all(row[way] > 0 for way in ways)
        for name in ("ratio_f32", "ratio_default"):
            assert 0 < row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert row["target"] > 1
        assert (row["share_of_prepared"] is None) == (row["case"] == "mnist_input")
    for facts in found["cases"]:
        assert facts["made_up_images"] and facts["threads"] == facts["workers"] >= 1
    assert found["machine"]["versions"]["torchvision"]
