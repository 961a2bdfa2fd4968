"""Tensors on a GPU give the same vectors as in main memory; without a GPU the same code is tried on the CPU."""

import numpy as np
import pytest
import torch

from pvlib.measure import device
from pvlib.measure.angles import kahan
from pvlib.measure.cautions import NoDirection
from pvlib.measure.device import full_float32
from pvlib.measure.pvector import p_vector

from .making import ACCURATE, exact, relu_features, with_sigmas

DEVICES = ["as if", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.fixture(params=DEVICES)
def put(request, monkeypatch):
    """NumPy array -> tensor that is measured where it is."""
    if request.param == "cuda":
        return lambda array: torch.from_numpy(array).cuda()
    monkeypatch.setattr(device, "multiplies", lambda matrix: isinstance(matrix, torch.Tensor))
    return torch.from_numpy


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8])
def test_the_same_vector_as_in_main_memory(put, center, dtype):
    F = (40 * relu_features(9000, 130)).astype(dtype)
    found = p_vector(put(F), center=center)
    assert found.method == "gram" and found.certified
    assert kahan(found.vector, exact(F, center)[0][:, 0]) <= min(max(found.error_bound, 1e-14), ACCURATE)
    np.testing.assert_allclose(found.singular_values, exact(F, center)[1][: len(found.singular_values)], rtol=1e-6)


def test_a_near_tie_is_done_again_in_float64(put):
    F, _ = with_sigmas(6000, 200, np.r_[1.0001, 1.0, np.full(20, 0.3)])
    found = p_vector(put(F.astype(np.float32)), center=False)
    assert found.passes == 4 and found.error_bound < 1e-3
    assert kahan(found.vector, exact(F.astype(np.float32), False)[0][:, 0]) <= found.error_bound


def test_a_span_of_several_directions(put):
    F = relu_features(5000, 64)
    found = p_vector(put(F), center=True, k=3)
    np.testing.assert_allclose(np.abs(np.sum(found.vectors * exact(F, True, 3)[0], axis=0)), 1, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
@pytest.mark.parametrize("center", [False, True])
def test_scales_that_leave_the_range_of_float32_when_squared(put, scale, center):
    F = (relu_features(5000, 60).astype(np.float64) * scale).astype(np.float32)
    assert kahan(p_vector(put(F), center=center).vector, exact(F, center)[0][:, 0]) <= 1e-6


def test_a_large_mean_does_not_cancel(put):
    F = relu_features(5000, 60).astype(np.float64) + 1e6
    assert kahan(p_vector(put(F), center=True).vector, exact(F, True)[0][:, 0]) <= 1e-6


def test_bad_entries_and_equal_rows_are_named(put):
    F = relu_features(5000, 60)
    F[4500, 7] = np.nan
    with pytest.raises(ValueError, match="row 4500, column 7"):
        p_vector(put(F), center=True)
    with pytest.raises(NoDirection, match="all rows of features are equal"):
        p_vector(put(np.ones((5000, 300), np.float32)), center=True)
    with pytest.raises(NoDirection, match="all zero"):
        p_vector(put(np.zeros((5000, 300), np.float32)), center=False)


def test_the_tensor_is_not_changed_and_the_callers_precision_comes_back(put):
    F = put(relu_features(5000, 60))
    before = F.clone()
    matmul = torch.backends.cuda.matmul
    kept = matmul.fp32_precision
    matmul.fp32_precision = "tf32"
    try:
        with full_float32(F.device):
            assert matmul.fp32_precision == "ieee"
        p_vector(F, center=True)
        assert matmul.fp32_precision == "tf32"
    finally:
        matmul.fp32_precision = kept
    assert torch.equal(F, before)


def test_the_callers_autocast_is_left_outside(put):
    F = relu_features(9000, 130)
    with torch.autocast(put(F).device.type, dtype=torch.bfloat16):
        found = p_vector(put(F), center=True)
    assert kahan(found.vector, exact(F, True)[0][:, 0]) <= ACCURATE
