"""Controls: each does to a vector exactly what its name says, and nothing else."""

import numpy as np
import pytest

from pvlib.measure import inference
from pvlib.measure.angles import cosine, mean_direction
from pvlib.measure.pvector import p_vector

from .making import relu_features, with_sigmas

LABELS = np.repeat(np.arange(5), 60)


def class_vectors(seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(5)[LABELS] + noise * rng.standard_normal(300) for _ in range(2)]


@pytest.mark.parametrize("center", [False, True])
def test_stability_equals_a_plain_bootstrap(center):
    F = relu_features(200, 10, dtype=np.float64)
    found = inference.stability(F, center=center, replicates=20, seed=3)
    X = F - F.mean(axis=0) if center else F
    original = p_vector(F, center=center).vector
    rng = np.random.default_rng(3)
    plain = []
    for _ in range(20):
        rows = np.repeat(np.arange(200), rng.multinomial(200, np.full(200, 1 / 200)))
        drawn = F[rows] - F[rows].mean(axis=0) if center else F[rows]
        right = np.linalg.svd(drawn, full_matrices=False)[2][0]
        plain.append(cosine(X @ right, original))
    np.testing.assert_allclose(found.cosines, plain, atol=1e-10)
    assert found.median_cos == pytest.approx(np.median(plain))
    assert found.sigma_ratio == pytest.approx(p_vector(F, center=center).ratio)


@pytest.mark.parametrize("shape", [(300, 40), (40, 300)])
def test_stability_tells_a_tie_from_a_clear_direction(shape):
    tied, _ = with_sigmas(*shape, [1.0, 1.0, 1.0, 0.2])
    clear, _ = with_sigmas(*shape, [9.0, 1.0, 1.0, 0.2])
    assert inference.stability(tied, center=False, seed=0).median_cos < 0.9
    assert inference.stability(clear, center=False, seed=0).median_cos > 0.99


def test_stability_does_not_depend_on_scale():
    F = relu_features(200, 10, dtype=np.float64)
    first, second = (inference.stability(F * s, center=True, replicates=5, seed=0).cosines for s in (1, 1e-170))
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_between_class_share_is_eta_squared():
    pure, noisy = np.arange(5.0)[LABELS], np.random.default_rng(0).standard_normal(300)
    assert inference.between_class_share(pure, LABELS) == pytest.approx(1)
    assert inference.between_class_share(pure + 7, LABELS) == pytest.approx(1)
    assert inference.between_class_share(noisy, LABELS) < 0.1
    assert np.isnan(inference.between_class_share(np.ones(300), LABELS))


def test_class_residual_has_no_class_means_left():
    u, _ = class_vectors()
    residual = inference.class_residual(u, LABELS)
    assert np.linalg.norm(residual) == pytest.approx(1)
    assert np.abs(residual.reshape(5, 60).sum(axis=1)).max() < 1e-12
    with pytest.raises(ValueError, match="constant within every class"):
        inference.class_residual(np.arange(5.0)[LABELS], LABELS)


def test_permuting_within_classes_keeps_class_means():
    u, v = class_vectors(noise=1.0)
    order = np.random.default_rng(9).permutation(300)
    drawn = inference.within_class_permutation(u[order], v[order], LABELS[order], replicates=400, seed=0)
    unit_u, unit_v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    expected = sum(unit_u[c == LABELS].mean() * unit_v[c == LABELS].mean() * 60 for c in range(5))
    assert drawn.shape == (400,) and drawn.mean() == pytest.approx(abs(expected), abs=0.01)
    pure = np.arange(5.0)[LABELS]
    np.testing.assert_allclose(
        inference.within_class_permutation(pure, v, LABELS, replicates=3, seed=0), cosine(pure, v)
    )


def test_rotation_inside_the_class_span_matches_explicit_rotations():
    u, v = class_vectors(noise=0.5)
    drawn = inference.class_span_rotation(u, v, LABELS, replicates=4000, seed=0)
    a, b = u / np.linalg.norm(u), v / np.linalg.norm(v)
    basis = np.linalg.qr(np.column_stack([np.ones(300), np.eye(5)[LABELS]])[:, :5])[0][:, 1:]
    rng, explicit = np.random.default_rng(1), []
    part = basis.T @ a
    for _ in range(4000):
        z = rng.standard_normal(4)
        turned = a - basis @ part + basis @ (z / np.linalg.norm(z)) * np.linalg.norm(part)
        explicit.append(abs(turned @ b))
    np.testing.assert_allclose(np.quantile(drawn, [0.1, 0.5, 0.9]), np.quantile(explicit, [0.1, 0.5, 0.9]), atol=0.03)
    with pytest.raises(ValueError, match="three classes"):
        inference.class_span_rotation(u, v, LABELS % 2, replicates=2, seed=0)


def test_overlap_and_angle_to_span():
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((60, 6)))[0]
    assert inference.span_overlap(basis[:, :3], basis[:, 1:4]) == pytest.approx(2 / 3)
    assert inference.span_overlap(basis[:, :2] @ [[1, 2], [0, 3.0]], basis[:, :2]) == pytest.approx(1)
    tilted = np.cos(1e-9) * basis[:, 0] + np.sin(1e-9) * basis[:, 5]
    assert inference.angle_to_span(tilted, basis[:, :3]) == pytest.approx(1e-9, rel=1e-3)
    with pytest.raises(ValueError, match="U spans 2 dimensions and V 3"):
        inference.span_overlap(basis[:, :2], basis[:, :3])


def test_free_permutation_mean_is_the_mean_direction():
    F = relu_features(300, 10, dtype=np.float64)
    u, v = (p_vector(x, center=False).vector for x in (F, F[:, :4]))
    drawn = inference.within_class_permutation(u, v, np.zeros(300, dtype=int), replicates=500, seed=0)
    assert drawn.mean() == pytest.approx(mean_direction(u, v).share, abs=2e-3)


def test_labels_of_another_length_are_named():
    with pytest.raises(ValueError, match=r"labels have shape \(7,\) and u has 300"):
        inference.between_class_share(np.ones(300), np.zeros(7))
