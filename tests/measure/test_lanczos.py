"""What block Krylov could miss without a word: a direction that its sample has not, a tie, the rounding of float32."""

import warnings

import numpy as np
import pytest

from pvlib.measure.angles import kahan
from pvlib.measure.bounds import EPS32
from pvlib.measure.cautions import TieWarning
from pvlib.measure.lanczos import ALONE, Product, Start
from pvlib.measure.pvector import p_vector
from pvlib.measure.rows import ArrayRows

from .making import ACCURATE, exact, relu_features, with_sigmas

DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2000, 512), (1500, 3000)])
@pytest.mark.parametrize("above", [1.1, 2, 100])
def test_one_row_outside_the_sample_with_features_of_its_own_is_seen(shape, above, dtype):
    """Its direction is orthogonal to all that the other rows hold; its squared singular value exceeds theirs `above` times."""
    n, d = shape
    rng = np.random.default_rng(0)
    F, row = np.zeros(shape), 1001
    F[:, : d // 2] = np.maximum(rng.standard_normal((n, 16)) @ rng.standard_normal((16, d // 2)), 0)
    F[row], own = 0, rng.standard_normal(d - d // 2)
    F[row, d // 2 :] = own / np.linalg.norm(own) * np.linalg.norm(F, 2) * np.sqrt(above)
    found = p_vector(F.astype(dtype), center=False, method="krylov")
    assert found.method == "krylov" and kahan(found.vector, np.eye(1, n, row)[0]) <= ACCURATE


@pytest.mark.parametrize("ratio", [1.005, 1.2])
@pytest.mark.parametrize("own", ["one feature", "all features that the others lack"])
@pytest.mark.parametrize("spectrum", [[1, 0.05, 0.04, 0.03, 0.02, 0.01], [1, *(0.5 * np.arange(1, 60) ** -0.3)]])
def test_one_row_a_little_above_the_rest_is_seen_whatever_its_features(spectrum, own, ratio):
    n, d, row = 600, 1200, 301
    rng = np.random.default_rng(5)
    right = rng.standard_normal((d, len(spectrum)))
    right[::3] = 0
    F = (np.linalg.qr(rng.standard_normal((n, len(spectrum))))[0] * spectrum @ np.linalg.qr(right)[0].T).astype(
        np.float32
    )
    for feature in range(0, d, 30):
        F[row] = 0
        F[row, ::3] = np.eye(d // 3)[feature // 3] if own == "one feature" else rng.standard_normal(d // 3)
        F[row] *= ratio / np.linalg.norm(F[row])
        assert abs(p_vector(F, center=False, method="krylov").vector[row]) > 1 - 1e-9, feature


@pytest.mark.parametrize("shape", [(8192, 512), (600, 20_000), (5000, 100)])
def test_the_sample_has_rows_of_both_kinds_where_these_alternate(shape):
    n, d = shape
    rows = ArrayRows(np.broadcast_to(np.arange(n, dtype=np.float32)[:, None] % 2, shape))
    found = rows.sample(16)
    assert found.shape == (16, d) and 0.1 < found.mean() < 0.9
    assert (ArrayRows(np.eye(5)).sample(16) == np.eye(5)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tied", [2, 3])
@pytest.mark.parametrize("shape", [(2000, 300), (300, 900)])
def test_a_tie_far_above_the_rest_is_seen(shape, tied, dtype):
    """Rounded to float32 the matrix has a gap again, of some 1e-8, which products in float64 resolve to a wide bound."""
    F = with_sigmas(*shape, np.r_[np.full(tied, 3.0), np.linspace(1, 0.5, 20)])[0].astype(dtype)
    if dtype == "float64":
        with pytest.warns(TieWarning):
            assert not p_vector(F, center=False, method="krylov").defined
    else:
        found = p_vector(F, center=False, method="krylov")
        assert found.certified and kahan(found.vector, exact(F, False)[0][:, 0]) <= found.error_bound > 1e-3


def test_ties_of_groups_of_rows_are_seen():
    """The sample has more rows of some groups than of others, and another order of their directions."""
    n, d, groups = 900, 600, 12
    sigmas = np.r_[1, 1, 0.95 * np.arange(2, groups) ** -0.3]
    for seed in range(30):
        rng = np.random.default_rng(seed)
        left = np.eye(groups)[rng.integers(0, groups, n)]
        right = np.linalg.qr(rng.standard_normal((d, groups)))[0]
        F = (left / np.linalg.norm(left, axis=0) * sigmas) @ right.T
        with pytest.warns(TieWarning):
            assert not p_vector(F, center=False, method="krylov").defined


@pytest.mark.parametrize("shape", [(400, 300), (1000, 250), (250, 800)])
def test_ties_of_one_hot_features_are_seen(shape):
    """Their squared singular values are counts, many of which are equal or next to each other."""
    n, d = shape
    for seed in range(12):
        F = np.eye(d, dtype=np.float32)[np.random.default_rng(seed).integers(0, d, n)]
        first, second = np.sort(F.sum(axis=0))[:-3:-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TieWarning)
            found = p_vector(F, center=False)
        assert found.defined == (first > second), seed


@pytest.mark.parametrize("following", [0.9, 0.98])
@pytest.mark.parametrize("seed", range(6))
def test_a_tie_just_above_the_rest_is_seen(following, seed):
    F = with_sigmas(400, 300, np.r_[1, 1, np.linspace(following, 0.1, 40)], seed)[0]
    with pytest.warns(TieWarning):
        assert not p_vector(F, center=False, method="krylov").defined


@pytest.mark.parametrize("apart", [1e-7, 1e-6, 1e-5])
@pytest.mark.parametrize("seed", range(4))
def test_near_ties_just_above_the_rest_are_covered_by_the_bound(apart, seed):
    F = with_sigmas(400, 300, np.r_[1 + apart, 1, np.linspace(0.9, 0.1, 40)], seed)[0].astype(np.float32)
    found = p_vector(F, center=False, method="krylov")
    assert kahan(found.vector, exact(F, False)[0][:, 0]) <= found.error_bound


@pytest.mark.parametrize("offset", [1e2, 1e4])
def test_singular_values_are_right_where_one_direction_is_all(offset):
    F = (np.random.default_rng(0).standard_normal((3000, 600)) + offset).astype(np.float32)
    found, sigmas = p_vector(F, center=False), exact(F, False)[1]
    assert found.singular_values[0] == pytest.approx(sigmas[0], rel=1e-5)
    assert found.explained == pytest.approx(sigmas[0] ** 2 / np.sum(sigmas**2), rel=1e-5)


def test_one_row_far_above_the_range_of_squares_is_no_error():
    F = np.random.default_rng(0).standard_normal((2000, 300))
    F[1001] *= 1e80
    assert p_vector(F, center=False, method="krylov").vector[1001] == pytest.approx(1)


@pytest.mark.parametrize("method", ["krylov", "dual", "randomized"])
def test_batches_are_refused_like_arrays_of_the_same_rows(method):
    with pytest.raises(ValueError, match="1 row"):
        p_vector([np.ones((1, 5))], center=False, method=method)
    with pytest.raises(ValueError, match="k=4"):
        p_vector([np.eye(5)[:2], np.eye(5)[2:3]], center=False, k=4, method=method)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("apart", [1e-1, 1e-3, 1e-5])
def test_near_ties_are_covered_by_the_bound(apart, dtype):
    sigmas = np.r_[1 + apart, 1.0, 1 - apart, np.linspace(0.7, 0.1, 40)]
    F = with_sigmas(3000, 400, sigmas)[0].astype(dtype)
    found = p_vector(F, center=False, method="krylov")
    assert kahan(found.vector, exact(F, False)[0][:, 0]) <= found.error_bound
    assert found.error_bound <= ACCURATE * max(1, 1e-4 / apart)


@pytest.mark.parametrize("k", [2, 5])
def test_spans_of_several_are_followed_together(k):
    F = relu_features(3000, 400)
    found, left = p_vector(F, center=True, k=k, method="krylov"), exact(F, True, k)[0]
    sines = np.linalg.norm(left - found.vectors @ (found.vectors.T @ left), 2)
    assert sines <= max(found.error_bound, 1e-12) and sines <= ACCURATE


@pytest.mark.parametrize("shape", [(400, 300), (2000, 512), (30_000, 64), (3000, 2000)])
@pytest.mark.parametrize("offset", [0, 30])
def test_rounding_of_float32_is_no_more_than_is_counted_in(shape, offset):
    """With a margin of 1.3: what is counted in is what is seen, not a theorem."""
    F = relu_features(*shape) + np.float32(offset)
    start = Start.of(ArrayRows(F), center=False, k=1)
    single = Product(ArrayRows(F), start, center=False, exact=False)
    double = Product(ArrayRows(F.astype(np.float64)), start, center=False, exact=True)
    for block in (start.block, start.block[:1]):
        seen, true = single(block), double(block)
        assert np.linalg.norm(seen - true, 2) <= 1.3 * EPS32 * np.linalg.norm(true, 2)
    assert single.energy == pytest.approx(double.energy, rel=1e-6)


@pytest.mark.parametrize("shape", [(2000, 512), (3000, 1500), (20_000, 256)])
@pytest.mark.parametrize("mean", [0.05, 0.3, 1, 3])
@pytest.mark.parametrize("gap", [1e-2, 1e-1, 0.5])
def test_bound_covers_the_rounding_of_a_mean_beside_the_deviations(shape, mean, gap):
    n, d = shape
    rng = np.random.default_rng(1)
    sigmas = np.r_[1 + gap, 1, np.linspace(0.8, 0.05, 60)]
    F = with_sigmas(n, d, sigmas)[0] * np.sqrt(n * d / np.sum(sigmas**2))  # entries of size 1
    F = (F + mean * np.abs(rng.standard_normal(d))).astype(np.float32)
    found, left = p_vector(F, center=True, method="krylov"), p_vector(F.astype(np.float64), center=True, method="gram")
    assert left.certified and kahan(found.vector, left.vector) <= min(found.error_bound, ACCURATE)


@pytest.mark.parametrize("dtype", DTYPES)
def test_alone_and_shared_products_agree(dtype, monkeypatch):
    F = relu_features(3000, 300).astype(dtype)
    assert F.size <= ALONE
    alone = p_vector(F, center=True, method="krylov")
    monkeypatch.setattr("pvlib.measure.lanczos.ALONE", 0)
    monkeypatch.setattr("pvlib.measure.lanczos.CHUNK", 300 * 64 * F.itemsize)
    shared = p_vector(F, center=True, method="krylov")
    assert kahan(alone.vector, shared.vector) <= alone.error_bound + shared.error_bound
