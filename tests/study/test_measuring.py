"""What a run measures agrees with the definition, computed the plain way."""

import dataclasses

import numpy as np
import pytest
import torch

from pvlib.experiment.data import Split, anchor, load
from pvlib.experiment.features import extract
from pvlib.study.config import load_study
from pvlib.study.measuring import Bench, convene, data_p_vectors, flat, p_vector, singular_values
from pvlib.vector_names import CONVENTIONS, DataName, VectorName


@pytest.fixture(scope="module")
def bench(tiny_file):
    return Bench(load_study(tiny_file).runs[0].recipe, load("digits"))


@pytest.fixture(scope="module")
def model(bench):
    return bench.untrained()["untrained"]


def plain(features, convention):
    """The top left singular vector by NumPy's full SVD."""
    matrix = np.asarray(features, dtype=np.float64)
    if convention in ("unit", "unit_centred"):
        matrix = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    if convention not in ("uncentred", "unit"):
        matrix = matrix - matrix.mean(axis=0)
    if convention == "standardised":
        matrix = matrix / matrix.std(axis=0)
    return np.linalg.svd(matrix, full_matrices=False)[0][:, 0]


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_each_convention_is_the_one_its_name_says(bench, model, convention):
    features = bench.features(model, "train")["penultimate"] + 0.1  # no row of zeros
    assert abs(plain(features, convention) @ p_vector(features, convention).vector) == pytest.approx(1, abs=1e-9)


def test_data_p_vectors_are_those_of_the_raw_pixels_of_the_anchor(bench):
    data = load("digits")
    raw = flat(data.test.images[anchor(data).test_ids])
    assert 0 <= raw.min() <= raw.max() <= 1
    found = data_p_vectors(data)[DataName("pixels", "test", "centred")].vector
    assert abs(plain(raw, "centred") @ found) == pytest.approx(1, abs=1e-9)


def test_layers_are_the_ones_the_network_names(bench, model):
    features = bench.features(model, "test")
    assert set(features) == {"earlier", "penultimate_pre", "penultimate", "output"}
    assert np.array_equal(np.maximum(features["penultimate_pre"], 0), features["penultimate"])


def test_snapshot_and_final_rows_agree_on_the_same_network(bench, model):
    vectors, rows = bench.snapshot(model, 7)
    finals, final_rows = bench.finals(model, "untrained")
    for name, vector in vectors.items():
        assert name.startswith("7/")
        final = str(dataclasses.replace(VectorName.parse(name), state="untrained"))
        u, v = vector.double().numpy(), finals[final][0].double().numpy()
        assert abs(u @ v) / np.linalg.norm(v) == pytest.approx(1, abs=1e-6), name
    key = ("split", "layer", "convention")
    cosines = {tuple(row[k] for k in key): row["cos_data"] for row in final_rows}
    for row in rows:
        assert row["cos_data"] == pytest.approx(cosines[tuple(row[k] for k in key)], abs=1e-9)


def test_measuring_leaves_the_network_as_it_was(bench, model):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    bench.snapshot(model, 0)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_feature_that_never_varies_does_not_make_standardised_features_infinite():
    features = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    with_constant = np.column_stack([features, np.full(50, 7.0, dtype=np.float32)])
    u, v = (p_vector(matrix, "standardised").vector for matrix in (features, with_constant))
    assert abs(u @ v) == pytest.approx(1, abs=1e-12)
    assert p_vector(np.ones((10, 3), dtype=np.float32), "standardised") is None


def test_singular_values_are_those_of_the_whole_decomposition(bench, model):
    features = bench.features(model, "train")["penultimate"]
    for center in (False, True):
        matrix = features - features.mean(0) * center
        expected = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)[:32]
        found = singular_values(features, center)
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-6 * expected[0])


def test_networks_are_shown_the_other_data_set_as_they_are_fed_their_own(tiny_file):
    digits = load("digits")
    negative = Split(255 - digits.train.images, digits.train.labels)
    bench = Bench(load_study(tiny_file).runs[0].recipe, digits, "cpu", dataclasses.replace(digits, train=negative))
    network = bench.untrained()["untrained"]
    vectors, rows = bench.elsewhere(network, "untrained")
    assert {row["split"] for row in rows} == {"digits-train"}
    shown = bench.transform(negative.images[anchor(digits).train_ids])
    features = extract(network, shown, dict(network.layers))["penultimate"].numpy()
    u = vectors["untrained/digits-train/penultimate/centred"][0].double().numpy()
    assert abs(u @ plain(features, "centred")) / np.linalg.norm(u) == pytest.approx(1, abs=1e-6)


def test_a_dead_layer_has_no_p_vector_instead_of_an_arbitrary_one():
    assert p_vector(np.zeros((10, 3), dtype=np.float32), "uncentred") is None
    assert p_vector(np.ones((10, 3), dtype=np.float32), "centred") is None
    assert convene(np.zeros((2, 2)), "unit_centred")[0].max() == 0


def test_a_feature_that_is_not_a_number_is_an_error_not_a_missing_row():
    bad = np.ones((10, 3), dtype=np.float32)
    bad[4, 1] = np.nan
    with pytest.raises(ValueError, match="row 4"):
        p_vector(bad, "uncentred")
