"""Streams: the same vector however the rows were split, ordered or spread over machines."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pvlib.measure.angles import kahan
from pvlib.measure.cautions import NoDirection
from pvlib.measure.pvector import p_vector
from pvlib.measure.streaming import Stream

from .making import ACCURATE, exact, relu_features


def streamed(parts):
    stream = Stream()
    for part in parts:
        stream.update(part)
    return stream


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stream_gives_the_vector_of_the_whole(center, dtype):
    F = relu_features(6000, 40, dtype=dtype) + dtype(3)
    parts = np.split(F, [1, 100, 101, 5000])
    found = streamed(parts).result(center=center).p_vector(parts)
    assert kahan(found.vector, exact(F, center)[0][:, 0]) <= min(found.error_bound, ACCURATE)
    assert found.certified and found.vectors.shape == (6000, 1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 299), min_size=1, max_size=8), st.integers(0, 99), st.booleans())
def test_split_order_and_merging_change_only_rounding(cuts, seed, center):
    F = relu_features(300, 12, dtype=np.float64) + 5
    parts = [part for part in np.split(F, sorted(cuts)) if len(part)]
    order = np.random.default_rng(seed).permutation(len(parts))
    half = len(parts) // 2
    left = streamed(parts[i] for i in order[:half])
    both = left.merge(streamed(parts[i] for i in order[half:]))
    assert both.n == 300
    found = both.result(center=center)
    whole = streamed([F]).result(center=center)
    assert kahan(found.vectors[:, 0], whole.vectors[:, 0]) < 1e-10
    np.testing.assert_allclose(found.singular_values, whole.singular_values, rtol=1e-9, atol=1e-9)
    assert kahan(found.p_vector(F).vector, p_vector(F, center=center).vector) < 1e-10


def test_bound_of_the_directions_covers_their_error():
    F = relu_features(20000, 64)
    found = streamed(np.split(F, 7 * [0] + [9000, 9001])[7:]).result(center=True)
    right = np.linalg.svd(F.astype(np.float64) - F.mean(axis=0, dtype=np.float64), full_matrices=False)[2]
    assert kahan(found.vectors[:, 0], right[0]) <= found.error_bound < 0.2


def test_result_can_be_asked_in_between_and_buffers_reused():
    F = relu_features(200, 10)
    buffer = F[:100].copy()
    stream = Stream().update(buffer)
    stream.result(center=False)
    buffer[:] = F[100:]
    stream.update(buffer)
    buffer[:] = np.nan
    assert kahan(stream.result(center=True).p_vector(F).vector, p_vector(F, center=True).vector) < 1e-6


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_stream_of_extreme_float32(scale):
    F = relu_features(3000, 10) * np.float32(scale)
    assert kahan(streamed([F]).result(center=True).p_vector(F).vector, exact(F / scale, True)[0][:, 0]) < ACCURATE


def test_torch_half_batches():
    F = torch.from_numpy(relu_features(100, 8)).to(torch.bfloat16)
    found = streamed(F.split(30)).result(center=True).p_vector(F.split(30))
    assert kahan(found.vector, exact(F.double().numpy(), True)[0][:, 0]) < ACCURATE


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([np.ones((2, 3)), np.full((2, 3), np.inf)], "batch 2 holds inf at row 0, column 0"),
        ([np.ones((2, 3)), np.ones((2, 4))], "batch 2 has 4 columns"),
        ([np.ones((2, 3)), np.ones((0, 3))], "batch 2 is empty"),
    ],
)
def test_bad_batches_are_named(parts, message):
    with pytest.raises(ValueError, match=message):
        streamed(parts)


def test_streams_without_a_direction_say_so():
    with pytest.raises(ValueError, match="no batch"):
        Stream().result(center=False)
    with pytest.raises(NoDirection, match="equal"):
        streamed([np.full((5, 3), 0.1)] * 4).result(center=True)
    with pytest.raises(ValueError, match="at least two samples"):
        streamed([np.ones((1, 3))]).result(center=False)
    with pytest.raises(ValueError, match="4 rows, the stream saw 5"):
        streamed([relu_features(5, 3)]).result(center=False).p_vector(relu_features(4, 3))


@pytest.mark.parametrize("center", [False, True])
def test_other_rows_than_the_stream_saw_are_refused(center):
    found = streamed([relu_features(500, 6)]).result(center=center)
    with pytest.raises(ValueError, match="not those that were read at first"):
        found.p_vector(relu_features(500, 6, seed=1))
