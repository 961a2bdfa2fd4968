"""Similarity measures: equal to their definitions, blind to what they must not see, and not blind to what they must."""

import numpy as np
import pytest

from pvlib.measure import similarity
from pvlib.measure.angles import cosine, principal_angles
from pvlib.measure.cautions import NoDirection
from pvlib.measure.pvector import p_vector

from .making import relu_features

MEASURES = {
    "linear_cka": similarity.linear_cka,
    "svcca": similarity.svcca,
    "top_span": similarity.top_span,
    "procrustes": similarity.procrustes,
    "mutual_knn": similarity.mutual_knn,
    "p_vector_uncentred": lambda a, b: cosine(p_vector(a, center=False), p_vector(b, center=False)),
    "p_vector_centred": lambda a, b: cosine(p_vector(a, center=True), p_vector(b, center=True)),
}
RNG = np.random.default_rng(0)
TRANSFORMATIONS = {
    "orthogonal": lambda F: F @ np.linalg.qr(RNG.standard_normal((F.shape[1],) * 2))[0],
    "scale": lambda F: F * 37.0,
    "translation": lambda F: F + 10 * RNG.standard_normal(F.shape[1]),
    "linear": lambda F: F @ np.diag(np.geomspace(0.01, 100, F.shape[1])) @ RNG.standard_normal((F.shape[1],) * 2),
    "shuffle": lambda F: F[np.random.default_rng(1).permutation(len(F))],
}


def two_views(n=300, d=(12, 20), shared=6, seed=0):
    """Two matrices that share a part; two columns are skewed so that means matter."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, shared)) * np.linspace(3, 1, shared)
    views = [common @ rng.standard_normal((shared, k)) + rng.standard_normal((n, k)) for k in d]
    return [np.maximum(view, -1) for view in views]


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("measure", MEASURES)
def test_invariant_to_exactly_what_the_table_says(measure, transformation):
    a, b = two_views()
    value = MEASURES[measure](a, b)
    changed = MEASURES[measure](a, TRANSFORMATIONS[transformation](b))
    if similarity.INVARIANCES[measure][transformation]:
        assert changed == pytest.approx(value, abs=1e-9)
    else:
        assert abs(changed - value) > 1e-3


@pytest.mark.parametrize("shape", [(300, 12), (20, 50)])
@pytest.mark.parametrize("measure", MEASURES)
def test_a_matrix_is_wholly_similar_to_itself(measure, shape):
    F = relu_features(*shape)
    assert MEASURES[measure](F, F) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_do_not_depend_on_the_order_of_the_two(measure):
    a, b = two_views()
    assert MEASURES[measure](a, b) == pytest.approx(MEASURES[measure](b, a), abs=1e-12)


@pytest.mark.parametrize("d", [(12, 20), (400, 30), (350, 500)])
def test_cka_equals_its_definition_by_kernels(d):
    a, b = two_views(d=d)
    n = len(a)
    H = np.eye(n) - 1 / n
    K, L = H @ a @ a.T @ H, H @ b @ b.T @ H
    expected = np.sum(K * L) / np.linalg.norm(K) / np.linalg.norm(L)
    assert similarity.linear_cka(a, b) == pytest.approx(expected, abs=1e-12)

    def hsic(K, L):
        K, L, one = K - np.diag(np.diag(K)), L - np.diag(np.diag(L)), np.ones(n)
        both = np.trace(K @ L) + (one @ K @ one) * (one @ L @ one) / (n - 1) / (n - 2)
        return both - 2 / (n - 2) * (one @ K @ L @ one)

    K, L = a @ a.T, b @ b.T
    expected = hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))
    assert similarity.linear_cka(a, b, debiased=True) == pytest.approx(expected, abs=1e-10)


def test_debiased_cka_of_unrelated_wide_features_is_near_zero_where_the_biased_is_not():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((100, 500)), rng.standard_normal((100, 400))
    assert similarity.linear_cka(a, b) > 0.7
    assert abs(similarity.linear_cka(a, b, debiased=True)) < 0.05


def test_svcca_keeps_the_directions_that_hold_the_variance():
    a, b = two_views()
    bases = []
    for F in (a, b):
        left, sigmas, _ = np.linalg.svd(F - F.mean(axis=0), full_matrices=False)
        kept = np.searchsorted(np.cumsum(sigmas**2) / np.sum(sigmas**2), 0.9) + 1
        bases.append(left[:, :kept])
    expected = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False).mean()
    assert similarity.svcca(a, b, variance=0.9) == pytest.approx(expected, abs=1e-10)
    mixed = TRANSFORMATIONS["linear"](b)
    whole = similarity.svcca(a, b, variance=1.0)
    assert similarity.svcca(a, mixed, variance=1.0) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e12])
def test_svcca_keeps_as_many_directions_at_any_scale(scale):
    """Where a share is compared with a variance, a matrix of large or small entries keeps one direction, or all."""
    a, b = two_views()
    assert similarity.svcca(a * scale, b) == pytest.approx(similarity.svcca(a, b), abs=1e-10)
    moment = similarity.paired_moments(a * scale, b).aa
    values = np.linalg.eigvalsh(moment)[::-1]
    kept = similarity.whitening(similarity.Spectrum(moment), 0.9).shape[1]
    assert values[: kept - 1].sum() < 0.9 * values.sum() <= values[:kept].sum()
    assert 1 < kept < 12


@pytest.mark.parametrize("d", [(12, 20), (400, 350)])
def test_top_span_is_the_mean_cosine_of_the_principal_angles(d):
    a, b = two_views(d=d)
    spans = [np.linalg.svd(F - F.mean(axis=0), full_matrices=False)[0][:, :5] for F in (a, b)]
    assert similarity.top_span(a, b, k=5) == pytest.approx(np.cos(principal_angles(*spans)).mean(), abs=1e-10)
    one = cosine(p_vector(a, center=True), p_vector(b, center=True))
    assert similarity.top_span(a, b, k=1) == pytest.approx(one, abs=1e-9)


def test_top_span_of_fewer_directions_than_asked_takes_those_there_are():
    a, b = two_views(d=(3, 20))
    narrow = np.column_stack([a, a @ np.ones(3)])  # four columns of rank 3
    assert similarity.top_span(narrow, b, k=10) == pytest.approx(similarity.top_span(a, b, k=10), abs=1e-9)
    with pytest.raises(ValueError, match="k=0"):
        similarity.top_span(a, b, k=0)


def test_procrustes_equals_the_best_rotation():
    from scipy.linalg import orthogonal_procrustes

    a, b = two_views(d=(12, 12))
    A, B = (F - F.mean(axis=0) for F in (a, b))
    A, B = A / np.linalg.norm(A), B / np.linalg.norm(B)
    rotation, _ = orthogonal_procrustes(A, B)
    assert similarity.procrustes(a, b) == pytest.approx(1 - np.linalg.norm(A @ rotation - B) ** 2 / 2, abs=1e-12)


def test_mutual_knn_equals_sets_of_neighbours():
    a, b = two_views(n=60)
    sets = []
    for F in (a, b):
        unit = F / np.linalg.norm(F, axis=1, keepdims=True)
        close = unit @ unit.T - 9 * np.eye(60)
        sets.append([set(row[:5]) for row in np.argsort(-close, axis=1)])
    expected = np.mean([len(s & t) / 5 for s, t in zip(*sets, strict=True)])
    assert similarity.mutual_knn(a, b, neighbours=5) == pytest.approx(expected)


@pytest.mark.parametrize("measure", ["linear_cka", "svcca", "procrustes"])
def test_large_means_do_not_cancel(measure):
    a, b = two_views()
    assert MEASURES[measure](a + 1e7, b - 1e7) == pytest.approx(MEASURES[measure](a, b), abs=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_pairs_are_named(measure):
    a, b = two_views()
    if not measure.startswith("p_vector"):
        with pytest.raises(ValueError, match="a has 300 samples and b has 299"):
            MEASURES[measure](a, b[:-1])
    if measure not in ("mutual_knn", "p_vector_uncentred"):
        with pytest.raises(NoDirection):
            MEASURES[measure](a, np.ones_like(b))
    a[3, 2] = np.nan
    with pytest.raises(ValueError, match="row 3, column 2"), np.errstate(invalid="ignore"):
        MEASURES[measure](a, b)
