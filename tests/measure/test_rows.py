"""Forms of input and bad input: every error names the place and says what to do."""

import numpy as np
import pytest
import torch

from pvlib.measure.angles import kahan
from pvlib.measure.pvector import p_vector

from .making import relu_features


def near(found, F, center=True):
    return kahan(found.vector, p_vector(np.asarray(F, dtype=np.float64), center=center).vector)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_torch_of_any_precision(dtype):
    F = torch.from_numpy(relu_features(400, 20)).to(dtype).requires_grad_()
    assert near(p_vector(F, center=True), F.detach().double().numpy()) < 1e-11


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.int64])
def test_integers_and_booleans(dtype):
    F = (relu_features(300, 9) * 50 > 20) if dtype == np.bool_ else (relu_features(300, 9) * 50).astype(dtype)
    assert near(p_vector(F, center=True), F) < 1e-11
    assert near(p_vector(torch.from_numpy(F), center=True), F) < 1e-11


@pytest.mark.parametrize(
    "view", [lambda F: F[::-1], lambda F: F[:, ::-2], lambda F: np.asfortranarray(F), lambda F: F[::3, 1::2]]
)
def test_strides_of_any_kind(view):
    F = view(relu_features(300, 12))
    assert near(p_vector(F, center=True), F.copy()) < 1e-11


def test_byte_order_of_another_machine():
    F = relu_features(100, 5)
    assert near(p_vector(F.astype(">f4"), center=False), F, center=False) < 1e-11


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_input_is_not_changed(kind, center):
    F = relu_features(300, 12)
    kept = F.copy()
    p_vector(kind(F), center=center)
    np.testing.assert_array_equal(F, kept)


def test_memory_map(tmp_path):
    F = relu_features(5000, 40)
    np.save(tmp_path / "f.npy", F)
    assert near(p_vector(np.load(tmp_path / "f.npy", mmap_mode="r"), center=True), F) < 1e-6


class Loader:
    """Batches that can be read again, as a DataLoader gives them."""

    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


@pytest.mark.parametrize("center", [False, True])
def test_batches_give_the_vector_of_the_whole(center):
    F = relu_features(1000, 30)
    parts = np.split(F, [1, 130, 131, 700])
    for batches in (parts, tuple(parts), Loader(*map(torch.from_numpy, parts))):
        assert near(p_vector(batches, center=center), F, center) < 1e-6
    assert near(p_vector(parts, center=center, method="dual"), F, center) < 1e-11


def test_nested_lists():
    assert p_vector([[1, 2], [3, 4], [5, 7]], center=True).vectors.shape == (3, 1)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(300, 12), (20, 50), (40000, 40), (400, 300)])
def test_first_bad_entry_is_named(shape, bad, center):
    F = relu_features(*shape)
    F[17, 5] = F[18, 2] = bad
    with pytest.raises(ValueError, match=f"{bad} at row 17, column 5"):
        p_vector(F, center=center)


def test_bad_entry_of_a_stream_names_the_batch():
    F = relu_features(300, 12)
    F[217, 5] = np.nan
    with pytest.raises(ValueError, match=r"row 217, column 5 \(batch 3, its row 17\)"):
        p_vector(np.split(F, 3), center=True)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (400, 300)])
@pytest.mark.parametrize("center", [False, True])
def test_zero_matrix_is_an_error(shape, center):
    with pytest.raises(ValueError, match="all zero"):
        p_vector(np.zeros(shape), center=center)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (40000, 30), (400, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rows_have_no_centred_vector(shape, dtype):
    F = np.tile(np.random.default_rng(0).standard_normal(shape[1]).astype(dtype), (shape[0], 1))
    with pytest.raises(ValueError, match="all rows of features are equal"):
        p_vector(F, center=True)
    np.testing.assert_allclose(p_vector(F, center=False).vector, 1 / np.sqrt(shape[0]), rtol=1e-6)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (np.ones((1, 5)), ValueError, "at least two samples"),
        ([np.ones((1, 5))], ValueError, "at least two samples"),
        (np.ones((5, 0)), ValueError, "no columns"),
        (np.ones((0, 5)), ValueError, "empty"),
        (np.ones(5), ValueError, r"x\[:, None\]"),
        (np.ones((5, 2, 3, 3)), ValueError, "average feature maps over positions"),
        (np.ones((5, 2), dtype=object), TypeError, "dtype object"),
        (np.ones((5, 2), dtype=complex), TypeError, "complex"),
        ((np.ones((5, 2)) for _ in range(3)), TypeError, "read only once"),
        ([np.ones((5, 2)), np.ones((5, 3))], ValueError, "batch 2 has 3 columns"),
        ([np.ones((5, 2)), np.ones((0, 2))], ValueError, "batch 2 is empty"),
        (Loader(), ValueError, "batches are empty"),
    ],
)
def test_bad_input_is_named(features, error, message):
    with pytest.raises(error, match=message):
        p_vector(features, center=False)


def test_batches_that_change_between_passes_are_noticed():
    class Changing(Loader):
        def __iter__(self):
            first, *rest = self.batches
            self.batches = rest
            return iter(first)

    F = relu_features(100, 5)
    with pytest.raises(ValueError, match="100 rows at first and 50 when read again"):
        p_vector(Changing([F[:50], F[50:]], [F[:50]]), center=False)
    with pytest.raises(ValueError, match="50 rows at first and 100 or more"):
        p_vector(Changing([F[:50]], [F[:50], F[50:]]), center=False)
