"""Forms of input and bad input: every error names the place and says what to do."""

import numpy as np
import pytest
import torch

from pvlib.measure.angles import kahan
from pvlib.measure.compare import compare
from pvlib.measure.inference import stability
from pvlib.measure.pvector import p_vector
from pvlib.measure.similarity import linear_cka
from pvlib.measure.streaming import Stream

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


class Shuffled:
    """The same rows in another order each time, as a DataLoader with shuffle=True gives them."""

    def __init__(self, F, size):
        self.F, self.size, self.rng = F, size, np.random.default_rng(0)

    def __iter__(self):
        return iter(np.array_split(self.F[self.rng.permutation(len(self.F))], len(self.F) // self.size))


READERS = {
    "gram": lambda batches: p_vector(batches, center=True),
    "dual": lambda batches: p_vector(batches, center=True, method="dual"),
    "krylov": lambda batches: p_vector(batches, center=True, method="krylov"),
    "randomized": lambda batches: p_vector(batches, center=True, method="randomized"),
    "stream": lambda batches: Stream().update(np.concatenate(list(batches))).result(center=True).p_vector(batches),
    "stability": lambda batches: stability(batches, center=True, seed=0, replicates=3),
    "CKA": lambda batches: linear_cka(batches, relu_features(300, 8)),
    "compare": lambda batches: compare(batches, relu_features(300, 8), replicates=20, permutations=20),
}


@pytest.mark.parametrize("size", [30, 300])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("scale", [1, 1e-30, 1e37])
@pytest.mark.parametrize("offset", [0, 1e3])
def test_batches_in_another_order_each_time_are_refused(reader, size, scale, offset):
    F = ((relu_features(300, 8) + np.float32(offset)) * np.float32(scale * 1e-2)).astype(np.float32)
    with pytest.raises(ValueError, match="batch 1 holds other rows than at first, or in another order"):
        READERS[reader](Shuffled(F, size))


def test_one_pair_of_rows_that_changes_places_is_seen():
    class Swapped:
        readings = 0

        def __iter__(self):
            order = np.arange(2000)
            order[[700, 900]] = order[[900, 700]] if self.readings % 2 else order[[700, 900]]
            self.readings += 1
            return iter([F[order]])

    F = relu_features(2000, 8)
    with pytest.raises(ValueError, match="in another order"):
        p_vector(Swapped(), center=False)


def test_rounding_of_a_network_that_is_run_again_is_no_other_batch():
    class Trembling:
        rng = np.random.default_rng(0)

        def __iter__(self):
            noise = 1 + 1e-7 * self.rng.standard_normal(F.shape)
            return iter(np.split((F * noise).astype(np.float32), 5))

    F = relu_features(500, 20)
    assert near(p_vector(Trembling(), center=True), F) < 1e-5


def loader(**options):
    return torch.utils.data.DataLoader(torch.from_numpy(relu_features(300, 8)), batch_size=50, **options)


DRAWN = {
    "RandomSampler": lambda: loader(shuffle=True),
    "SubsetRandomSampler": lambda: loader(sampler=torch.utils.data.SubsetRandomSampler(range(300))),
    "WeightedRandomSampler": lambda: loader(sampler=torch.utils.data.WeightedRandomSampler([1.0] * 300, 300)),
    "DistributedSampler": lambda: loader(
        sampler=torch.utils.data.DistributedSampler(range(300), num_replicas=1, rank=0, shuffle=True)
    ),
}


@pytest.mark.parametrize("sampler", DRAWN)
def test_loader_with_a_random_sampler_is_refused_by_name(sampler):
    for read in READERS.values():
        with pytest.raises(ValueError, match=f"DataLoader with a {sampler}.*shuffle=False"):
            read(DRAWN[sampler]())
    assert near(p_vector(loader(), center=True), relu_features(300, 8)) < 1e-6


def test_masked_entries_are_refused_and_masks_without_any_are_not():
    F = np.ma.array(relu_features(60, 5))
    assert near(p_vector(F, center=True), F.data) < 1e-11
    F[3, 2] = np.ma.masked
    for features in (F, [F[:30], F[30:]], [row for row in F], F.astype(np.float64)):
        with pytest.raises(ValueError, match="masked array with masked entries"):
            p_vector(features, center=True)


def with_imaginary_part_taken(F):
    return torch.complex(torch.zeros_like(F), -F).conj().imag


EXACT_TENSORS = {
    "expanded": lambda F: F[:, :1].expand(-1, 4),
    "same row": lambda F: torch.cat([F[:1].expand(30, -1), F[30:]]),
    "negative bit": with_imaginary_part_taken,
    "float8_e4m3fn": lambda F: F.to(torch.float8_e4m3fn),
    "float8_e5m2": lambda F: F.to(torch.float8_e5m2),
    "uint16": lambda F: (F * 100).to(torch.uint16),
}


@pytest.mark.parametrize("form", EXACT_TENSORS)
@pytest.mark.parametrize("shape", [(300, 9), (9, 300), (300, 250)])
def test_tensors_of_unusual_make_are_measured_exactly(form, shape):
    F = EXACT_TENSORS[form](torch.from_numpy(relu_features(*shape)))
    found = p_vector(F, center=False)
    assert near(found, F.clone().double().numpy(), center=False) <= found.error_bound + 1e-11


@pytest.mark.parametrize("shape", [(300, 9), (9, 300), (300, 250)])
def test_arrays_without_stride_are_measured_exactly(shape):
    F = relu_features(*shape)
    for view in (np.broadcast_to(F[:, :1], shape), np.lib.stride_tricks.sliding_window_view(F.ravel(), 5)[:400]):
        assert near(p_vector(view, center=False), view.copy(), center=False) < 1e-6


UNUSABLE = {
    "sparse": (lambda F: F.to_sparse(), "torch.sparse_coo.*to_dense"),
    "compressed": (lambda F: F.to_sparse_csr(), "torch.sparse_csr.*to_dense"),
    "quantized": (lambda F: torch.quantize_per_tensor(F, 0.1, 0, torch.quint8), "torch.quint8.*dequantize"),
    "meta": (lambda F: F.to("meta"), "on meta"),
    "complex": (lambda F: F.to(torch.complex64), "dtype torch.complex64"),
    "int4": (lambda F: torch.empty(F.shape, dtype=torch.int4), "torch.int4"),
    "nested": (lambda F: torch.nested.nested_tensor([F, F[:7]]), "cannot be read as (plain numbers|an array)"),
    "masked": (lambda F: torch.masked.masked_tensor(F, F > 0.1), "MaskedTensor .*cannot be read as plain numbers"),
}


@pytest.mark.parametrize("form", UNUSABLE)
@pytest.mark.filterwarnings("ignore")  # of torch, about its prototypes
def test_tensors_without_plain_numbers_are_refused_in_one_line(form):
    make, message = UNUSABLE[form]
    F = make(torch.from_numpy(relu_features(30, 9)))
    for features in (F, [F, F]):
        with pytest.raises((TypeError, ValueError), match=message) as caught:
            p_vector(features, center=True)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix", "coo_array", "dia_matrix"])
def test_sparse_matrices_are_refused_in_one_line(kind):
    import scipy.sparse

    F = getattr(scipy.sparse, kind)(relu_features(30, 9))
    for features in (F, [F, F]):
        with pytest.raises(TypeError, match=rf"sparse {kind}: call toarray\(\)"):
            p_vector(features, center=True)
