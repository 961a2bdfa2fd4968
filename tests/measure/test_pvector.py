"""The front door: right to the digit, honest about the rest."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvlib.measure import choice, inference, similarity
from pvlib.measure.angles import kahan, principal_angles
from pvlib.measure.cautions import TieWarning
from pvlib.measure.choice import plan
from pvlib.measure.inputs import as_rows
from pvlib.measure.lanczos import Product
from pvlib.measure.pvector import by_krylov, p_vector
from pvlib.measure.rows import ArrayRows
from pvlib.measure.streaming import Stream

from .making import ACCURATE, exact, relu_features, with_sigmas


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("shape", [(300, 1), (500, 20), (60, 200), (9000, 130), (3000, 400)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_agrees_with_a_float64_svd(shape, center, dtype):
    F = relu_features(*shape, dtype=dtype)
    left, sigmas = exact(F, center)
    found = p_vector(F, center=center)
    error = kahan(found.vector, left[:, 0])
    assert error <= ACCURATE
    assert error <= found.error_bound + 1e-13 <= ACCURATE
    assert found.defined and (found.certified or found.method == "krylov" or F.size > 2**20)
    np.testing.assert_allclose(found.singular_values[0], sigmas[0], rtol=1e-7)
    assert found.explained == pytest.approx(sigmas[0] ** 2 / (sigmas**2).sum(), rel=1e-6)
    assert found.vectors.shape == (shape[0], 1) and len(found.singular_values) >= 2


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("shape", [(400, 30), (30, 100), (400, 300)])
def test_top_k_span_agrees_with_svd(shape, center):
    F = relu_features(*shape, dtype=np.float64)
    found = p_vector(F, center=center, k=5)
    error = principal_angles(found.vectors, exact(F, center, 5)[0]).max()
    assert error <= found.error_bound + 1e-12 and found.error_bound <= ACCURATE
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(5), atol=1e-13)
    assert found.gap == pytest.approx(found.singular_values[4] - found.singular_values[5])


@pytest.mark.parametrize("method", ["gram", "dual", "krylov"])
def test_methods_agree_where_one_is_forced(method):
    F = relu_features(80, 60, dtype=np.float64)
    found = p_vector(F, center=True, method=method)
    assert kahan(found.vector, exact(F, True)[0][:, 0]) <= found.error_bound + 1e-12 and found.error_bound <= ACCURATE


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("ratio", [1.5, 1.05, 1.002])
@pytest.mark.parametrize("shape", [(4000, 300), (300, 4000)])
def test_krylov_in_float32_is_accurate_at_any_gap(shape, ratio, center):
    F, _ = with_sigmas(*shape, np.r_[ratio, np.arange(1, 40) ** -0.2], seed=1)
    F = (F * 1000).astype(np.float32)
    found = p_vector(F, center=center, method="krylov")
    assert found.method == "krylov" and not found.certified
    assert kahan(found.vector, exact(F, center)[0][:, 0]) <= min(found.error_bound, ACCURATE)


@pytest.mark.parametrize("shape", [(600, 12_000), (2000, 900)])
def test_many_vectors_are_left_to_the_moments(shape):
    F = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    assert p_vector(F, center=True, k=100).method == ("dual" if shape[0] < shape[1] else "gram")


def test_flat_spectrum_falls_back_to_the_gram_matrix():
    F = np.random.default_rng(0).standard_normal((3000, 400)).astype(np.float32)
    found = p_vector(F, center=False, k=3)
    assert principal_angles(found.vectors, exact(F, False, 3)[0]).max() <= min(found.error_bound, ACCURATE)


def test_dominant_direction_is_certified_by_the_norm_that_is_left():
    F = relu_features(500, 300, dtype=np.float64) + 0.5
    found = p_vector(F, center=False)
    assert found.explained > 0.5 and found.certified and found.error_bound < 1e-7


def test_randomized_admits_that_it_is_wrong_by_degrees():
    F, left = with_sigmas(2000, 300, np.r_[1.02, np.arange(1, 200) ** -0.05])
    with pytest.warns(TieWarning, match="cannot be told apart by method 'randomized'"):
        found = p_vector(F, center=False, method="randomized")
    error = kahan(found.vector, left[:, 0])
    assert np.degrees(error) > 5 and error <= found.error_bound
    good = relu_features(2000, 300)
    assert kahan(p_vector(good, center=False, method="randomized").vector, exact(good, False)[0][:, 0]) < 1e-3


def test_wide_matrix_is_read_a_handful_of_times():
    assert p_vector(relu_features(4000, 300), center=False).passes <= 5


def test_blas_threads_are_restored():
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(2, user_api="blas"):
        before = [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]
        p_vector(relu_features(2000, 300), center=True)
        with pytest.raises(ValueError, match="nan"):
            p_vector(np.full((2000, 300), np.nan, dtype=np.float32), center=True)
        assert [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"] == before


def test_near_tie_is_covered_by_the_bound_and_solved_in_float64():
    F, _ = with_sigmas(30000, 60, np.r_[1 + 1e-5, 1.0, np.linspace(0.5, 0.1, 20)])
    F = F.astype(np.float32)  # rounding moves the vectors: the truth is that of the rounded matrix
    truth = exact(F, False)[0][:, 0]
    found = p_vector(F, center=False)
    assert kahan(found.vector, truth) <= found.error_bound + 1e-13 < 1e-3
    assert found.defined and kahan(found.vector, truth) <= ACCURATE


def test_exact_tie_is_undefined_with_a_warning_not_an_error():
    F, left = with_sigmas(200, 20, [2.0, 2.0, 1.0])
    with pytest.warns(TieWarning, match="sigma_1"):
        found = p_vector(F, center=False)
    assert not found.defined and found.error_bound > 1 and found.gap < 1e-12
    span = p_vector(F, center=False, k=2)
    assert span.defined and principal_angles(span.vectors, left[:, :2]).max() < 1e-11


def test_rank_below_k_gives_orthonormal_vectors_and_says_undefined():
    F = np.outer(np.arange(1.0, 41), np.ones(7))
    with pytest.warns(TieWarning):
        found = p_vector(F, center=False, k=3)
    assert not found.defined
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(3), atol=1e-12)
    one = p_vector(F, center=False)
    assert one.defined and one.singular_values[1] <= one.resolution and not one.resolved


@pytest.mark.parametrize("method", ["gram", "dual", "krylov"])
@pytest.mark.parametrize("ratio", [1e2, 1e4, 8.7e7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40_000, 30), (300, 400)])
def test_second_singular_value_is_right_or_said_to_be_unresolved(shape, dtype, ratio, method):
    if method == "dual" and shape[0] > 1000:
        pytest.skip("40,000 x 40,000")
    F, _ = with_sigmas(*shape, [ratio, 1.0, 0.5])
    F = F.astype(dtype)
    found, sigmas = p_vector(F, center=False, method=method), exact(F, False)[1]
    if found.resolved:
        tolerance = 1 / 8 if method == "krylov" else 1e-3
        np.testing.assert_allclose(found.singular_values[1], sigmas[1], rtol=tolerance)
        assert found.ratio == pytest.approx(sigmas[0] / sigmas[1], rel=tolerance)
    else:
        assert sigmas[1] <= found.resolution and found.ratio <= sigmas[0] / sigmas[1] * (1 + 1e-6)
    assert found.resolved or ratio > 1e3
    assert np.isfinite(found.ratio)


def test_one_direction_has_no_second_one_to_resolve():
    for features, center in ((np.arange(5.0)[:, None], False), (relu_features(2, 7), True)):
        found = p_vector(features, center=center)
        assert found.resolved and found.ratio == float("inf")


@pytest.mark.parametrize("center", ["uncentred", "False", "", None, 0, 1, 1.0, np.array(True), [False]])
def test_center_that_is_no_boolean_is_refused_rather_than_taken_for_true(center):
    F = relu_features(30, 5)
    for call in (p_vector, inference.stability, lambda F, center: Stream().update(F).result(center=center)):
        with pytest.raises(TypeError, match=r"center=.* True or False is needed"):
            call(F, center=center, **({"seed": 0} if call is inference.stability else {}))
    with pytest.raises(TypeError, match="debiased="):
        similarity.linear_cka(F, F, debiased=center)


def test_numpy_booleans_are_booleans():
    F = relu_features(30, 5)
    assert p_vector(F, center=np.bool_(True)).centred is True
    assert kahan(p_vector(F, center=np.False_).vector, p_vector(F, center=False).vector) == 0


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("shape", [(400, 30), (30, 70), (400, 300)])
@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1e20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale_changes_nothing(scale, dtype, shape, center):
    F = relu_features(*shape).astype(dtype)
    found, scaled = p_vector(F, center=center), p_vector(F * dtype(scale), center=center)
    assert kahan(found.vector, scaled.vector) < (1e-6 if dtype == np.float32 else 1e-12)
    assert scaled.singular_values[0] / scale == pytest.approx(found.singular_values[0], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_squares_beyond_float64_are_scaled_out(scale):
    F = relu_features(200, 12, dtype=np.float64)
    assert kahan(p_vector(F, center=True).vector, p_vector(F * scale, center=True).vector) < 1e-10


def test_large_float32_squares_are_scaled_out():
    F = relu_features(20000, 64)
    assert kahan(p_vector(F, center=False).vector, p_vector(F * np.float32(1e25), center=False).vector) < 1e-6


def test_float16_that_would_overflow_a_gram():
    F = (relu_features(500, 20) * 5000).astype(np.float16)
    assert np.isfinite(F).all()
    assert kahan(p_vector(F, center=False).vector, exact(F, False)[0][:, 0]) < 1e-11


@pytest.mark.parametrize("shape", [(20000, 60), (4000, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_of_a_million_deviations_does_not_cancel(dtype, shape):
    F = relu_features(*shape, dtype=np.float64)
    F = (F + 1e6 * F.std()).astype(dtype)
    truth = exact(F, True)[0][:, 0]
    found = p_vector(F, center=True)
    assert kahan(found.vector, truth) <= found.error_bound + 1e-12 and found.error_bound <= ACCURATE


@pytest.mark.parametrize("method", ["gram", "krylov", "dual"])
@pytest.mark.parametrize("rest", [1, 1e-20])
@pytest.mark.parametrize(
    "dtype, constant", [*itertools.product(["float32", "float64"], [1e8, 1e16, 1e37]), ("float64", 1e200)]
)
def test_a_constant_feature_whatever_its_size_is_as_if_it_were_not_there(method, rest, dtype, constant):
    F = rest * relu_features(500, 220, dtype=np.float64)
    F[:, 7] = constant
    F = F.astype(dtype)
    found = p_vector(F, center=True, method=method)
    truth = exact(np.delete(F, 7, axis=1).astype(float) / rest, True)[0][:, 0]
    assert kahan(found.vector, truth) <= found.error_bound + 1e-12 and found.error_bound <= ACCURATE
    assert 0 < found.explained < 1


@pytest.mark.parametrize("method", ["gram", "krylov"])
@pytest.mark.parametrize("rows, times, d", [(6, 10_000, 200), (3, 20_000, 100), (10, 5_000, 200)])
def test_rounding_that_repeated_rows_share_is_counted_in(method, rows, times, d):
    F = np.repeat(relu_features(rows, d), times, axis=0)
    for center in (False, True):
        found = p_vector(F, center=center, method=method)
        assert kahan(found.vector, exact(F, center)[0][:, 0]) <= found.error_bound + 1e-12
        assert found.error_bound <= ACCURATE


def test_first_block_unlike_the_rest_does_not_cancel():
    F = relu_features(40000, 30)
    F[:8192] += 1000.0
    assert kahan(p_vector(F, center=True).vector, exact(F, True)[0][:, 0]) <= ACCURATE


def test_constant_and_duplicate_columns_are_harmless():
    F = relu_features(300, 8, dtype=np.float64)
    wide = np.column_stack([F, F, np.full(300, 3.0), np.zeros(300)])
    assert kahan(p_vector(wide, center=True).vector, p_vector(F, center=True).vector) < 1e-11


def test_sign_makes_the_sum_positive_or_the_largest_entry_where_the_sum_is_zero():
    F = -relu_features(300, 8)
    raw, centred = p_vector(F, center=False), p_vector(F, center=True)
    assert raw.sign == "sum" and raw.vector.sum() > 0
    assert centred.sign == "largest entry" and centred.vector[np.abs(centred.vector).argmax()] > 0


def test_k_beyond_the_shape_is_an_error():
    with pytest.raises(ValueError, match=r"k=9.*300 x 8"):
        p_vector(relu_features(300, 8), center=False, k=9)
    with pytest.raises(ValueError, match="k=0"):
        p_vector(relu_features(300, 8), center=False, k=0)
    with pytest.raises(ValueError, match="fast"):
        p_vector(relu_features(300, 8), center=False, method="fast")


shapes = st.tuples(st.integers(2, 40), st.integers(1, 40), st.integers(0, 10**6), st.booleans())


def defined_features(case):
    """Random features whose P-vector is well separated, so that small perturbations stay small."""
    n, d, seed, center = case
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n, d)) * rng.uniform(0.1, 2, d) + rng.standard_normal(d)
    F += 3 * np.outer(rng.standard_normal(n), rng.standard_normal(d))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TieWarning)
        found = p_vector(F, center=center)
    return F, center, found, found.defined and found.ratio > 1.05


@settings(max_examples=40, deadline=None)
@given(shapes)
def test_permuting_samples_permutes_the_vector(case):
    F, center, found, usable = defined_features(case)
    if usable:
        order = np.random.default_rng(1).permutation(len(F))
        assert kahan(p_vector(F[order], center=center).vector, found.vector[order]) < 1e-10


@settings(max_examples=40, deadline=None)
@given(shapes)
def test_turning_the_features_changes_nothing(case):
    F, center, found, usable = defined_features(case)
    if usable:
        turn = np.linalg.qr(np.random.default_rng(1).standard_normal((F.shape[1],) * 2))[0]
        assert kahan(p_vector(F @ turn, center=center).vector, found.vector) < 1e-10


@settings(max_examples=40, deadline=None)
@given(shapes, st.floats(-20, 20))
def test_scaling_the_features_changes_nothing(case, exponent):
    F, center, found, usable = defined_features(case)
    if usable:
        assert kahan(p_vector(F * 10**exponent, center=center).vector, found.vector) < 1e-10


@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(2, 4))
def test_duplicating_columns_changes_nothing(case, times):
    F, center, found, usable = defined_features(case)
    if usable:
        many = p_vector(np.tile(F, times), center=center)
        assert kahan(many.vector, found.vector) < 1e-10
        np.testing.assert_allclose(many.singular_values[0], np.sqrt(times) * found.singular_values[0], rtol=1e-12)


@pytest.mark.parametrize("center", [False, True])
def test_auto_takes_gram_where_krylov_would_need_more_passes_than_that_costs(center, monkeypatch):
    rng = np.random.default_rng(0)
    flat = rng.standard_normal((20_000, 220), dtype=np.float32)
    falling = flat * np.arange(1, 221, dtype=np.float32) ** -0.5

    def chosen(F, worth):
        monkeypatch.setattr(choice.Rates, "passes", lambda *_: worth)
        return plan(as_rows(F), center=center, k=1)[0]

    assert chosen(flat, 12) == "gram" and chosen(falling, 12) == "krylov"
    assert chosen(flat, 100) == "krylov" and chosen(falling, 2) == "gram"


def test_krylov_hands_over_where_its_convergence_says_that_it_loses():
    rows = as_rows(np.random.default_rng(0).standard_normal((3000, 400)).astype(np.float32))
    found = by_krylov(rows, center=False, k=1, worth=6)
    assert found.method == "gram" and found.passes <= 7 + 2 + 2
    left = exact(rows.matrix, False)[0]
    assert kahan(found.vector, left[:, 0] * np.sign(left[:, 0] @ found.vector)) <= min(found.error_bound, ACCURATE)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_auto_names_a_bad_entry_before_it_looks_at_the_spectrum(bad):
    F = np.random.default_rng(0).standard_normal((16_000, 220), dtype=np.float32)
    F[0, 3] = bad  # among the rows that are looked at
    with pytest.raises(ValueError, match="row 0, column 3"):
        p_vector(F, center=True)


@pytest.mark.filterwarnings("ignore::pvlib.measure.TieWarning")  # of the randomised SVD
@pytest.mark.parametrize("scale", [1, 1e20])
@pytest.mark.parametrize("method", ["gram", "dual", "krylov", "randomized"])
def test_passes_are_the_readings_that_were_made(method, scale, monkeypatch):
    F, read = relu_features(600, 300) * np.float32(scale), 0

    def counted(rows, part):
        nonlocal read
        for start in part:
            read += min(part.step, part.stop - start)
            yield start, rows.block(start, min(start + part.step, part.stop))

    monkeypatch.setattr(ArrayRows, "_blocks", counted)
    chunk, columns = Product.chunk, ArrayRows.columns

    def counted_chunk(product, first, last):
        nonlocal read
        read += min(last, len(F)) - first
        return chunk(product, first, last)

    def counted_columns(rows, first, last):
        nonlocal read
        read += len(F) * (min(last, 300) - first) / 300
        return columns(rows, first, last)

    monkeypatch.setattr(Product, "chunk", counted_chunk)
    monkeypatch.setattr(ArrayRows, "columns", counted_columns)
    found = p_vector(F, center=True, method=method)
    assert found.passes == pytest.approx(read / len(F), abs=0.01)


@pytest.mark.filterwarnings("ignore::pvlib.measure.TieWarning")  # of the randomised SVD
@pytest.mark.parametrize("k", [1, 3])
def test_every_engine_gives_as_many_singular_values(k):
    F = relu_features(300, 40)
    for method in ("gram", "dual", "krylov", "randomized"):
        assert len(p_vector(F, center=True, k=k, method=method).singular_values) == k + 1
    assert len(p_vector(np.split(F, 3), center=True, k=k).singular_values) == k + 1
