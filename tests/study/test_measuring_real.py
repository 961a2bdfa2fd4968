"""Networks published from another processor, measured again on this one. Needs PVLIB_DATA."""

import os

import numpy as np
import pytest

from pvlib.experiment.data import load
from pvlib.report.tables import Study, results_folder
from pvlib.study.config import load_study
from pvlib.study.measuring import Bench
from pvlib.vector_names import ALONG, VectorName

NOT_CHECKED = "PVLIB_DATA is not set: that a GPU and a CPU measure alike was NOT checked"


@pytest.mark.parametrize("cell", ["cifar10/mlp", "cifar10/lenet", "cifar10/resnet20", "cifar10/conv_vae"])
def test_an_untrained_network_measured_on_a_gpu_has_the_same_p_vectors_on_a_cpu(cell):
    if not os.environ.get("PVLIB_DATA"):
        pytest.skip(NOT_CHECKED)
    data, published = load("cifar10"), Study(results_folder() / "trained")
    run = next(run for run in load_study("trained").runs if run.cell == cell)
    row = published.runs[published.runs["run"].isin(run.keys(data.checksum).values())].iloc[0]
    assert "NVIDIA" in row["device"]
    bench = Bench(run.recipe, data)
    found, _ = bench.finals(bench.untrained()["untrained"], "untrained")
    stored = published.vectors(row["run"])
    for convention in ALONG:
        name = str(VectorName.primary("untrained", convention))
        u, v = found[name][0].double().numpy(), stored[name][0].astype(float)
        # bfloat16 moves a P-vector by up to 1e-4; half precision, in which it is published, by 1e-7
        limit = 1e-4 if row["computed_precision"] == "bfloat16" else 1e-6
        assert 1 - abs(u @ v) / np.linalg.norm(u) / np.linalg.norm(v) < limit
