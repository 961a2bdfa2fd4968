"""Files of features for the command line: every format gives the numbers that were saved."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import pvlib
from pvlib.study import memory
from pvlib.study.formats import Refused
from pvlib.study.matrices import read_matrix, split_source

MATRIX = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
TYPES = [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
]  # fmt: skip
FORMATS = ["npy", "npz", "safetensors", "pt", "parquet"]


def matrix_of(kind: str) -> np.ndarray:
    """The largest and smallest numbers of the type, and some between."""
    if kind == "bool":
        return np.array([[True, False], [False, False], [True, True]])
    info = np.finfo(kind) if kind.startswith("float") else np.iinfo(kind)
    return np.array([[info.max, info.min], [0, 1], [3, 100]], kind)


def save(array: np.ndarray, path) -> None:
    kind = path.suffix
    if kind == ".npy":
        np.save(path, array)
    elif kind == ".npz":
        np.savez(path, features=array)
    elif kind == ".safetensors":
        save_file({"features": torch.from_numpy(array).contiguous()}, path)
    elif kind == ".pt":
        torch.save(torch.from_numpy(array), path)
    elif kind == ".parquet":
        pd.DataFrame(array, columns=[f"feature {i}" for i in range(array.shape[1])]).to_parquet(path)
    else:
        pd.DataFrame(array, columns=[f"feature {i}" for i in range(array.shape[1])]).to_csv(path, index=False)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_format_gives_the_numbers_and_the_type_that_were_saved(tmp_path, kind, dtype):
    array = matrix_of(dtype)
    save(array, tmp_path / f"m.{kind}")
    found = read_matrix(tmp_path / f"m.{kind}")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_bfloat16_comes_without_rounding(tmp_path, kind):
    tensor = torch.tensor([[1.0, -2.5], [3.3895e38, 1e-40], [0.1, float("inf")]]).to(torch.bfloat16)
    path = tmp_path / f"m.{kind}"
    torch.save(tensor, path) if kind == "pt" else save_file({"a": tensor}, path)
    found = read_matrix(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, tensor.float().numpy())


@pytest.mark.parametrize("kind", [*FORMATS, "csv"])
def test_a_centred_vector_does_not_depend_on_the_kind_of_file_where_the_mean_is_large(tmp_path, kind):
    array = 1e8 + np.random.default_rng(1).normal(size=(40, 4)) * [3, 2, 1, 1]
    save(array, tmp_path / f"m.{kind}")
    found = pvlib.p_vector(np.asarray(read_matrix(tmp_path / f"m.{kind}")), center=True)
    np.testing.assert_array_equal(found.vector, pvlib.p_vector(array, center=True).vector)


@pytest.mark.parametrize("kind", ["npy", "npz"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("memory_order", ["C", "F"])
def test_byte_order_and_memory_order_change_nothing(tmp_path, kind, order, memory_order):
    array = np.asarray(matrix_of("float64").astype(f"{order}f8"), order=memory_order)
    save(array, tmp_path / f"m.{kind}")
    np.testing.assert_array_equal(read_matrix(tmp_path / f"m.{kind}"), array)


def test_a_compressed_npz_and_one_larger_than_a_piece_of_reading_are_whole(tmp_path):
    array = np.arange(2_400_000, dtype=np.float64).reshape(-1, 3) % 100
    np.savez_compressed(tmp_path / "m.npz", array)
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.npz"), array)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 5).T,
        torch.randn(9, 5)[2:7, 1:4],
        torch.nn.Parameter(torch.randn(5, 3)),
        torch.randn(5, 3, requires_grad=True),
    ],
    ids=["transposed", "a part", "a parameter", "with gradient"],
)
def test_a_tensor_is_read_as_it_was_looked_at(tmp_path, tensor):
    for zipped in (True, False):
        torch.save(tensor, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
        np.testing.assert_array_equal(read_matrix(tmp_path / "m.pt"), tensor.detach().numpy())


@pytest.mark.parametrize("kind", ["npy", "safetensors"])
def test_a_large_file_is_memory_mapped_not_read(tmp_path, kind):
    save(MATRIX, tmp_path / f"m.{kind}")
    assert isinstance(read_matrix(tmp_path / f"m.{kind}"), np.memmap)


def test_columns_of_several_types_are_numbers(tmp_path):
    frame = pd.DataFrame({"a": [True, False], "b": [1.5, 2.5], "c": pd.array([1, 2], dtype="Int64")})
    frame.to_parquet(tmp_path / "m.parquet")
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.parquet"), [[1, 1.5, 1], [0, 2.5, 2]])


@pytest.mark.parametrize("index", [[7, 8, 9, 10, 11], pd.Index([3, 1, 4, 1, 5], name="sample")])
def test_an_index_of_pandas_is_no_feature(tmp_path, index):
    pd.DataFrame(MATRIX, columns=list("abc"), index=index).to_parquet(tmp_path / "m.parquet")
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.parquet"), MATRIX)


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "a,b\n1,2\n3,4\n",
        "# a,b\n1,2\n3,4",
        "\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n\r\n",
        '"a, 1",b\n" 1","2.0e0"\n3, 4 \n',
    ],
    ids=["bare", "header", "hash", "BOM and blank lines", "quotes"],
)
def test_csv_with_and_without_a_header(tmp_path, text):
    (tmp_path / "m.csv").write_bytes(text.encode())
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.csv"), [[1, 2], [3, 4]])


def test_csv_keeps_every_digit(tmp_path):
    array = np.random.default_rng(0).normal(size=(20, 3)) * 1e-7
    pd.DataFrame(array, columns=list("abc")).to_csv(tmp_path / "m.csv", index=False)
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.csv"), array)


@pytest.fixture
def several(tmp_path):
    arrays = {"a": MATRIX, "b:c": 2 * MATRIX}
    np.savez(tmp_path / "m.npz", **arrays)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    torch.save(tensors, tmp_path / "m.pt")
    save_file(tensors, tmp_path / "m.safetensors")
    return tmp_path


@pytest.mark.parametrize("kind", ["npz", "pt", "safetensors"])
def test_one_array_of_several_is_named_after_a_colon(several, kind):
    np.testing.assert_array_equal(read_matrix(f"{several}/m.{kind}:a"), MATRIX)
    np.testing.assert_array_equal(read_matrix(f"{several}/m.{kind}:b:c"), 2 * MATRIX)
    with pytest.raises(Refused, match=rf"m\.{kind}: .*found 2: a, b:c; name one, as in FILE:a"):
        read_matrix(several / f"m.{kind}")
    with pytest.raises(Refused, match=rf"m\.{kind}:d: .*'d'; there are: a, b:c"):
        read_matrix(f"{several}/m.{kind}:d")


@pytest.mark.parametrize("kind", ["npy", "parquet", "csv"])
def test_a_name_where_there_are_none_is_refused(tmp_path, kind):
    save(MATRIX, tmp_path / f"m.{kind}")
    with pytest.raises(Refused, match="no name"):
        read_matrix(f"{tmp_path}/m.{kind}:a")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("C:\\data\\m.npz", ("C:\\data\\m.npz", None)),
        ("C:\\data\\m.npz:layer4", ("C:\\data\\m.npz", "layer4")),
        ("C:/data/m.pt:layer4.1", ("C:/data/m.pt", "layer4.1")),
        ("m.npz:C:\\x.npz", ("m.npz", "C:\\x.npz")),
        ("12:30/m.npy", ("12:30/m.npy", None)),
        ("12:30/m.npz:a", ("12:30/m.npz", "a")),
        ("m.npz:", ("m.npz", "")),
    ],
)
def test_drives_and_colons_in_names_are_not_taken_for_arrays(source, expected):
    path, name = split_source(source)
    assert (str(path), name) == expected


def test_a_file_whose_own_name_has_a_colon_is_that_file(tmp_path):
    np.save(tmp_path / "m.npz:a.npy", MATRIX)
    np.testing.assert_array_equal(read_matrix(tmp_path / "m.npz:a.npy"), MATRIX)


@pytest.mark.parametrize("kind", ["npz", "pt", "parquet", "csv"])
def test_what_memory_cannot_hold_is_refused_before_it_is_read(tmp_path, monkeypatch, kind):
    save(MATRIX, tmp_path / f"m.{kind}")
    monkeypatch.setattr(memory, "available_memory", lambda: 10)
    with pytest.raises(MemoryError, match=rf"m\.{kind}.*GiB"):
        read_matrix(tmp_path / f"m.{kind}")


def test_free_memory_is_known_where_linux_tells_it_and_not_needed_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   7 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUP_LIMITS", (tmp_path / "limit", tmp_path / "none"))
    (tmp_path / "limit").write_text("max\n")
    assert memory.available_memory() == 7 * 1024
    (tmp_path / "limit").write_text("5000\n")
    assert memory.available_memory() == 5000
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "absent")
    monkeypatch.setattr(memory, "GROUP_LIMITS", ())
    assert memory.available_memory() > 1e8
    monkeypatch.delattr("os.sysconf")
    assert memory.available_memory() == float("inf")


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "csv"])
def test_torch_and_pandas_are_needed_for_their_own_files_alone(tmp_path, monkeypatch, kind):
    save(MATRIX, tmp_path / f"m.{kind}")
    for package in ("torch", "safetensors", "pandas", "pyarrow"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    np.testing.assert_array_equal(read_matrix(tmp_path / f"m.{kind}").astype(np.float32), MATRIX)


@pytest.mark.parametrize(("kind", "package"), [("pt", "torch"), ("parquet", "pyarrow")])
def test_a_package_that_a_kind_of_file_takes_is_named(tmp_path, monkeypatch, kind, package):
    save(MATRIX, tmp_path / f"m.{kind}")
    for module in (package, f"{package}.parquet"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=rf"m\.{kind}.*{package}"):
        read_matrix(tmp_path / f"m.{kind}")


def test_bytes_that_are_a_bare_pickle_are_refused(tmp_path):
    (tmp_path / "m.pt").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match="plain tensors"):
        read_matrix(tmp_path / "m.pt")
