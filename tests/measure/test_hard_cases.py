"""What is left of hard and bad input beside the tests of each room: each case here was easy to forget."""

import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pvlib.measure.angles import angle, kahan
from pvlib.measure.cautions import NoDirection, TieWarning
from pvlib.measure.compare import compare
from pvlib.measure.pvector import p_vector
from pvlib.measure.similarity import linear_cka
from pvlib.measure.streaming import Stream

from .making import ACCURATE, exact, relu_features, with_sigmas

SHAPES = [(300, 12), (12, 300), (400, 300)]  # gram, dual, krylov


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["array", "torch", "batches"])
@pytest.mark.parametrize("center", [False, True])
def test_caller_s_features_may_be_read_only_and_stay_as_they_were(shape, form, center):
    F = relu_features(*shape)
    kept = F.copy()
    features = {"array": F, "torch": torch.from_numpy(F), "batches": np.split(F, [5, 9])}[form]
    F.flags.writeable = form == "torch"
    p_vector(features, center=center)
    np.testing.assert_array_equal(F, kept)


@pytest.mark.parametrize("shape", SHAPES)
def test_thread_settings_of_the_caller_are_as_before_even_after_an_error(shape):
    from threadpoolctl import threadpool_info

    def settings_now():
        return torch.get_num_threads(), torch.get_num_interop_threads(), dict(os.environ), threadpool_info()

    F = relu_features(*shape)
    p_vector(F, center=True)  # libraries that are loaded late are loaded now
    before = settings_now()
    p_vector(F, center=True)
    F[3, 3] = np.inf
    with pytest.raises(ValueError, match="inf at row 3, column 3"):
        p_vector(F, center=False)
    assert settings_now() == before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_torch_half_precision_that_would_overflow_a_gram(shape, dtype):
    F = torch.from_numpy(relu_features(*shape) * 5000).to(dtype)
    assert torch.isfinite(F).all() and not torch.isfinite((F.T.half() @ F.half()).max())
    found = p_vector(F, center=True)
    assert kahan(found.vector, exact(F.double().numpy(), True)[0][:, 0]) <= ACCURATE


@pytest.mark.parametrize("view", [lambda F: F.T, lambda F: F[:, ::2], lambda F: F[::3], lambda F: F.flip(0)])
@pytest.mark.parametrize("shape", SHAPES)
def test_torch_views_of_any_stride(view, shape):
    F = view(torch.from_numpy(relu_features(*shape)))
    assert kahan(p_vector(F, center=True).vector, exact(F.numpy(), True)[0][:, 0]) <= ACCURATE


@pytest.mark.parametrize("view", [lambda F: F[::-1], lambda F: F[:, ::-2], np.asfortranarray, lambda F: F[::3, 1::2]])
@pytest.mark.parametrize("shape", [(30, 600), (1200, 700)])
def test_strides_of_any_kind_in_wide_matrices(view, shape):
    F = view(relu_features(*shape))
    assert kahan(p_vector(F, center=True).vector, exact(F, True)[0][:, 0]) <= ACCURATE


@pytest.mark.parametrize("center", [False, True])
def test_one_column_is_its_own_vector(center):
    x = np.random.default_rng(0).standard_normal(50)
    for features in (x[:, None], torch.from_numpy(x)[:, None], [x[:20, None], x[20:, None]]):
        found = p_vector(features, center=center)
        u = x - x.mean() * center
        assert kahan(found.vector, u / np.linalg.norm(u) * np.sign(u @ found.vector)) < 1e-12
        assert found.defined and found.singular_values[1] == 0 and found.explained == pytest.approx(1)


def test_two_rows_are_enough():
    F = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 5.0]])
    assert np.abs(p_vector(F, center=True).vector) == pytest.approx([2**-0.5] * 2)
    assert kahan(p_vector(F, center=False).vector, exact(F, False)[0][:, 0]) < 1e-12


@pytest.mark.parametrize("center", [False, True])
def test_fewer_samples_than_features_in_batches(center):
    F = relu_features(20, 90, dtype=np.float64)
    found = p_vector(np.split(F, [7, 8]), center=center)
    assert found.method == "gram" and kahan(found.vector, exact(F, center)[0][:, 0]) <= found.error_bound + 1e-12 < 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_constant_columns_change_nothing_of_the_centred_vector(shape):
    F = relu_features(*shape, dtype=np.float64)
    wide = np.column_stack([np.full(len(F), 1e3), F, np.zeros(len(F)), np.full(len(F), -0.1)])
    assert kahan(p_vector(wide, center=True).vector, p_vector(F, center=True).vector) < 1e-8


def test_batches_without_a_direction_say_so():
    with pytest.raises(NoDirection, match="all zero"):
        p_vector([np.zeros((3, 2)), np.zeros((4, 2))], center=False)
    with pytest.raises(NoDirection, match="all rows of features are equal"):
        p_vector([np.full((3, 2), 0.1), np.full((4, 2), 0.1)], center=True)
    p_vector([np.full((3, 2), 0.1), np.full((4, 2), 0.2)], center=True)


@pytest.mark.parametrize("form", ["batches", "torch", "krylov"])
def test_exact_ties_are_undefined_in_every_form(form):
    F, _ = with_sigmas(400, 250, np.r_[3.0, 3.0, 1.0]) if form == "krylov" else with_sigmas(400, 20, [3.0, 3.0, 1.0])
    features = {"batches": np.split(F, 4), "torch": torch.from_numpy(F), "krylov": F}[form]
    with pytest.warns(TieWarning, match=r"sigma_1 = 3 and sigma_2 = 3 "):
        found = p_vector(features, center=False)
    assert not found.defined


@pytest.mark.parametrize("form", ["array", "batches", "stream"])
@pytest.mark.parametrize("shape", [(2000, 30), (30, 200), (900, 300)])
def test_bound_covers_the_error_in_a_near_tie(form, shape):
    F, left = with_sigmas(*shape, np.r_[1 + 1e-5, 1.0, np.linspace(0.5, 0.1, 20)])
    parts = np.split(F, [11, 17])
    if form == "stream":
        stream = Stream()
        for part in parts:
            stream.update(part)
        found = stream.result(center=False).p_vector(parts)
    else:
        found = p_vector(F if form == "array" else parts, center=False)
    error = kahan(found.vector, left[:, 0] * np.sign(left[:, 0] @ found.vector))
    assert found.defined and error <= found.error_bound + 1e-13 <= 1e-4


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("scale", [1e-20, 1e20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_of_extreme_scale(scale, dtype, center):
    F = relu_features(900, 20).astype(dtype)
    found = p_vector(np.split(F * dtype(scale), 3), center=center)
    assert kahan(found.vector, exact(F, center)[0][:, 0]) <= ACCURATE
    assert found.singular_values[0] / scale == pytest.approx(exact(F, center)[1][0], rel=1e-5)


def test_mean_of_a_million_deviations_in_batches():
    F = relu_features(3000, 20, dtype=np.float64)
    F += 1e6 * F.std()
    assert kahan(p_vector(np.split(F, 3), center=True).vector, exact(F, True)[0][:, 0]) <= ACCURATE


def test_integers_whose_squares_leave_their_own_range():
    F = np.random.default_rng(0).integers(0, 255, (500, 9), dtype=np.uint8)
    large = np.random.default_rng(0).integers(0, 2**62, (500, 9))
    for each in (F, large, -large):
        assert kahan(p_vector(each, center=False).vector, exact(each, False)[0][:, 0]) < 1e-10


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (iter([np.ones((5, 2))]), TypeError, "list_iterator that can be read only once"),
        (map(np.asarray, [np.ones((5, 2))]), TypeError, "map that can be read only once"),
        ([torch.ones(5, 2), torch.ones(5, 3)], ValueError, "batch 2 has 3 columns, the batches before it have 2"),
        ([torch.ones(5, 2), torch.ones(0, 2)], ValueError, "batch 2 is empty"),
        ([np.ones((5, 2)), np.ones((5, 2), dtype=object)], TypeError, "batch 2 has dtype object"),
        (torch.ones(5, 2, dtype=torch.complex64), TypeError, "complex64"),
        (torch.ones(5), ValueError, r"shape \(5,\)"),
        (torch.ones(1, 5), ValueError, "at least two samples"),
        ([["a", "b"], ["c", "d"]], TypeError, "dtype <U1"),
        (np.array([["2020-01-01"]] * 3, dtype="datetime64[D]"), TypeError, "datetime64"),
        ([], ValueError, "two dimensions"),
    ],
)
def test_bad_input_of_other_forms_is_named(features, error, message):
    with pytest.raises(error, match=message):
        p_vector(features, center=True)


def test_different_sample_counts_are_both_named():
    a, b = relu_features(30, 5), relu_features(20, 5)
    u, v = (p_vector(F, center=False).vector for F in (a, b))
    for call in (lambda: angle(u, v), lambda: linear_cka(a, b), lambda: compare(a, b, seed=0)):
        with pytest.raises(ValueError, match=r"(?s)\b30\b.*\b20\b"):
            call()


cases = st.tuples(st.integers(3, 60), st.integers(2, 30), st.integers(0, 10**6), st.booleans(), st.integers(1, 5))


def separated(case):
    n, d, seed, center, pieces = case
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n, d)) + 4 * np.outer(rng.standard_normal(n), rng.standard_normal(d))
    sigmas = exact(F, center)[1]
    parts = np.array_split(F, min(pieces, n))
    return F, center, parts, sigmas[0] > 1.05 * sigmas[1]


@settings(max_examples=30, deadline=None)
@given(cases, st.floats(-20, 20))
def test_batches_are_invariant_as_arrays_are(case, exponent):
    F, center, parts, usable = separated(case)
    if usable:
        found = p_vector(F, center=center).vector
        turn = np.linalg.qr(np.random.default_rng(1).standard_normal((F.shape[1],) * 2))[0]
        assert kahan(p_vector(parts, center=center).vector, found) < 1e-10
        assert kahan(p_vector([part @ turn for part in parts], center=center).vector, found) < 1e-10
        assert kahan(p_vector([part * 10**exponent for part in parts], center=center).vector, found) < 1e-10
        assert kahan(p_vector([np.tile(part, 2) for part in parts], center=center).vector, found) < 1e-10
        backwards = p_vector([part[::-1] for part in reversed(parts)], center=center).vector
        assert kahan(backwards, found[::-1]) < 1e-10


@settings(max_examples=15, deadline=None)
@given(st.integers(200, 260), st.integers(0, 10**6), st.booleans())
def test_krylov_is_invariant(n, seed, center):
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n, 220)) + np.outer(rng.standard_normal(n), rng.standard_normal(220))
    found = p_vector(F, center=center)
    order, turn = rng.permutation(n), np.linalg.qr(rng.standard_normal((220, 220)))[0]
    assert found.method == "krylov"
    permuted = p_vector(F[order], center=center)
    assert kahan(permuted.vector, found.vector[order]) <= permuted.error_bound + found.error_bound + 1e-12
    for features in (F @ turn, F * 1e9, np.tile(F, 2)):
        same = p_vector(features, center=center)
        assert kahan(same.vector, found.vector) <= same.error_bound + found.error_bound + 1e-12 <= 2 * ACCURATE + 1e-12


EXTREME = [(scale, dtype) for dtype, scales in (("f8", (1e305, 1e-320)), ("f4", (1e36, 1e-43))) for scale in scales]


def extreme(shape, scale, dtype):
    """Features at the edge of the range of a type, and the same far inside it."""
    edge = (relu_features(*shape, dtype=np.float64) * scale).astype(dtype)
    assert edge.any() and np.isfinite(edge).all()
    return edge, np.ldexp(edge.astype(np.float64), -int(np.floor(np.log2(edge.max()))))


@pytest.mark.parametrize(("scale", "dtype"), EXTREME)
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["auto", "gram", "dual", "krylov", "batches"])
def test_entries_at_the_edge_of_the_range_are_scaled_exactly(shape, method, center, scale, dtype):
    F, inside = extreme(shape, scale, dtype)
    features, method = (np.array_split(F, 3), "auto") if method == "batches" else (F, method)
    found = p_vector(features, center=center, method=method)
    assert kahan(found.vector, exact(inside, center)[0][:, 0]) <= min(found.error_bound + 1e-12, ACCURATE)
    assert 0 < found.singular_values[0] < np.inf


@pytest.mark.parametrize("shape", SHAPES)
def test_one_entry_far_above_the_rest_does_not_end_in_infinity(shape):
    F = relu_features(*shape, dtype=np.float32)
    F[-1, -1] = 1e30
    u = p_vector(F, center=False).vector
    assert u[-1] == pytest.approx(1)


def test_singular_values_beyond_float64_are_refused_in_one_line_that_names_the_range():
    F = relu_features(3000, 300, dtype=np.float64)
    for features in (F, F[:, :20], F[:20]):
        with pytest.raises(ValueError, match=r"beyond the range of float64 \(1.8e308\)"):
            p_vector(features / features.max() * 1.5e308, center=False)


@pytest.mark.parametrize(("scale", "dtype"), EXTREME)
def test_comparison_does_not_depend_on_the_scale_up_to_the_edge_of_the_range(scale, dtype):
    F, inside = extreme((60, 8), scale, dtype)
    G = relu_features(60, 5, seed=1)
    edge, plain = (compare(X, G, replicates=20, permutations=20) for X in (F, inside))
    np.testing.assert_allclose([r.estimate for r in edge.rows], [r.estimate for r in plain.rows], rtol=1e-6)
