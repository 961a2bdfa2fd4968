"""Files of features for the command line: all formats agree, and nothing is unpickled."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from pvlib.study.matrices import read_matrix

MATRIX = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "m.npy", MATRIX)
    np.savez(tmp_path / "m.npz", features=MATRIX)
    save_file({"features": MATRIX}, tmp_path / "m.safetensors")
    torch.save(torch.from_numpy(MATRIX), tmp_path / "m.pt")
    pd.DataFrame(MATRIX, columns=list("abc")).to_parquet(tmp_path / "m.parquet")
    return tmp_path


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "pt", "parquet"])
def test_every_format_gives_the_same_matrix(files, kind):
    np.testing.assert_array_equal(read_matrix(files / f"m.{kind}"), MATRIX)


def test_an_npy_is_memory_mapped_not_read(files):
    assert isinstance(read_matrix(files / "m.npy"), np.memmap)


class Evil:
    def __reduce__(self):
        return (open, ("pwned", "w"))


@pytest.mark.parametrize("kind", ["pt", "npy"])
def test_a_pickle_is_refused_and_not_run(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    if kind == "pt":
        torch.save(Evil(), "m.pt")
    else:
        np.save("m.npy", np.array([[Evil()]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=f"m.{kind}"):
        read_matrix(tmp_path / f"m.{kind}")
    assert not (tmp_path / "pwned").exists()


def test_bytes_that_are_a_bare_pickle_are_refused(tmp_path):
    (tmp_path / "m.pt").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError):
        read_matrix(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("m.npy", np.zeros(3), r"samples x features.*\(3,\)"),
        ("m.npy", np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
    ],
)
def test_an_array_that_is_no_matrix_is_named_with_its_shape(tmp_path, name, array, message):
    np.save(tmp_path / name, array)
    with pytest.raises(ValueError, match=message):
        read_matrix(tmp_path / name)


def test_two_arrays_in_one_file_are_not_guessed_between(tmp_path):
    np.savez(tmp_path / "m.npz", a=MATRIX, b=MATRIX)
    with pytest.raises(ValueError, match="found 2: a, b"):
        read_matrix(tmp_path / "m.npz")


def test_unknown_kinds_and_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"unknown kind of file '\.mat'"):
        read_matrix(tmp_path / "m.mat")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_matrix(tmp_path / "m.npy")


def test_a_column_of_words_is_named(tmp_path):
    pd.DataFrame({"a": [1.0], "word": ["x"]}).to_parquet(tmp_path / "m.parquet")
    with pytest.raises(ValueError, match="'word' is not numeric"):
        read_matrix(tmp_path / "m.parquet")
