"""All layers with all layers: the numbers of single comparisons, and a maximum that is calibrated as a maximum."""

import numpy as np
import pytest

from pvlib.measure import compare, cosine, p_vector
from pvlib.measure import similarity as single

from .test_similarity import two_views

VALUES = {
    "P-vector |cos|, centred": lambda a, b: cosine(p_vector(a, center=True), p_vector(b, center=True)),
    "P-vector |cos|, uncentred": lambda a, b: cosine(p_vector(a, center=False), p_vector(b, center=False)),
    "linear CKA": single.linear_cka,
    "linear CKA, debiased": lambda a, b: single.linear_cka(a, b, debiased=True),
    "SVCCA": single.svcca,
    "top-10 span": single.top_span,
    "Procrustes": single.procrustes,
}


def networks():
    a, b = two_views(n=120, d=(12, 16))
    rng = np.random.default_rng(1)
    return {"early": a, "late": np.tanh(a)}, {"one": b, "two": np.abs(b), "noise": rng.standard_normal((120, 9))}


@pytest.mark.parametrize("measure", list(VALUES))
def test_every_entry_is_the_measure_of_that_pair(measure):
    a, b = networks()
    found = compare(a, b, measure=measure, permutations=20)
    frame = found.to_frame()
    for row, x in a.items():
        for column, y in b.items():
            assert frame.loc[row, column] == pytest.approx(VALUES[measure](x, y), abs=1e-9)
    best = frame.stack().idxmax()
    assert (found.maximum["a"], found.maximum["b"]) == best


@pytest.mark.parametrize("measure", ["linear CKA", "P-vector |cos|, centred"])
def test_the_maximum_is_calibrated_as_calibrated_similarity_does(measure):
    peer = pytest.importorskip("calibrated_similarity")
    import torch

    a, b = networks()
    found = compare(a, b, measure=measure, permutations=60, seed=3)
    rng = np.random.default_rng([3, 1])
    score, p, threshold = peer.calibrate_layers(
        [torch.from_numpy(x) for x in a.values()],
        [torch.from_numpy(x) for x in b.values()],
        lambda x, y: VALUES[measure](x.numpy(), y.numpy()),
        K=60,
        perm_fn=lambda n, device: torch.from_numpy(rng.permutation(n)),
    )
    most = found.maximum
    assert most["calibrated"] == pytest.approx(float(score), abs=1e-5)
    assert most["p"] == pytest.approx(float(p), abs=1e-6)
    assert most["null_95"] == pytest.approx(float(threshold), abs=1e-5)


def test_the_best_of_many_unrelated_layers_is_not_significant_though_single_pairs_are():
    """Of 100 pairs some are beyond their own 95 %; the maximum knows it is one."""
    rng = np.random.default_rng(0)
    a, b = ({str(i): rng.standard_normal((80, 4)) for i in range(10)} for _ in "ab")
    found = compare(a, b, permutations=100)
    assert (found.calibrated > 0).any()
    assert found.maximum["p"] > 0.05 and found.maximum["calibrated"] == 0
    assert any("same order" in note for note in found.warnings)


def test_what_cannot_be_compared_names_network_and_layer():
    a, b = networks()
    with pytest.raises(ValueError, match=r"mlp\['early'\] has 120 samples and cnn\['bad'\] has 50"):
        compare(a, {"bad": np.ones((50, 3))}, names=("mlp", "cnn"))
    with pytest.raises(ValueError, match=r"cnn\['bad'\]: features hold nan at row 0, column 0"):
        compare(a, {"bad": np.full((120, 2), np.nan)}, names=("mlp", "cnn"))
    with pytest.raises(TypeError, match="not one of each"):
        compare(a, b["one"])
    with pytest.raises(ValueError, match="cnn has no layers"):
        compare(a, {}, names=("mlp", "cnn"))
    with pytest.raises(ValueError, match="measure='CKA' is none of"):
        compare(a, b, measure="CKA")
    with pytest.raises(ValueError, match="every measure"):
        compare(a["early"], b["one"], measure="SVCCA")
    with pytest.raises(ValueError, match="20 or more"):
        compare(a, b, permutations=5)


def test_dead_layers_and_the_same_samples_in_another_order_are_said():
    a, _ = networks()
    dead = np.column_stack([a["early"], np.zeros(120)])
    order = np.random.default_rng(0).permutation(120)
    notes = compare({"x": dead}, {"y": dead[order]}, permutations=20).warnings
    assert any("1 of 13 features of a['x'] are constant, 1 of them always 0" in note for note in notes)
    assert any("the same rows in another order" in note for note in notes)
