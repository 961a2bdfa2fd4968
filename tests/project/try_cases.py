"""Pairs of files with what `pvlib` finds of them, for the page on which readers compare their own. Not for running it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pvlib import compare, p_vector
from pvlib.measure import mean_direction
from pvlib.study.measure_report import as_json, record

MEASURES = ("P-vector |cos|, uncentred", "P-vector |cos|, centred", "linear CKA, debiased")
OTHER_MEASURES = ("SVCCA, spans and Procrustes went through", "mutual k-NN is the mean")  # what the page does not show
CASES: dict[str, Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {}


def case(make):
    """Register a function that makes two matrices from random numbers."""
    CASES[make.__name__] = make
    return make


def relu(rng, n: int, *widths: int, noise: float = 0.5) -> Iterator[np.ndarray]:
    """Features of several networks of the same n scenes."""
    scenes = rng.standard_normal((n, 6)) * np.arange(6, 0, -1)
    return (np.maximum(scenes @ rng.standard_normal((6, d)) + noise * rng.standard_normal((n, d)), 0) for d in widths)


@case
def half_precision_and_fortran_order(rng):
    a, b = relu(rng, 200, 40, 64)
    return a.astype(np.float16), np.asfortranarray(b.astype(np.float32))


@case
def big_endian_and_integers(rng):
    a, b = relu(rng, 120, 12, 30)
    return a.astype(">f4"), (10 * b).astype(">i2")


@case
def more_features_than_samples(rng):
    a, b = relu(rng, 90, 300, 400)
    return a.astype(">f8"), b


@case
def more_directions_than_cka_goes_through(rng):
    a, b = relu(rng, 700, 300, 270)
    return a.astype(np.float32), b.astype(np.float32)


@case
def nothing_in_common(rng):
    return rng.standard_normal((150, 20)), rng.standard_normal((150, 30))


@case
def same_rows_in_another_order(rng):
    (a,) = relu(rng, 100, 16)
    return a, a[rng.permutation(100)]


@case
def tied_directions(rng):
    flat = np.linalg.qr(rng.standard_normal((64, 4)))[0]
    return flat, rng.standard_normal((64, 5))


@case
def dead_features_and_repeated_rows(rng):
    a, b = relu(rng, 80, 10, 12)
    a[:, 3], a[:, 5], a[7] = 0, 2.5, a[9]
    return a.astype(np.float32), b


@case
def a_mean_far_from_zero(rng):
    a, b = relu(rng, 300, 20, 25)
    return a + 1e6, b - 1e5 * rng.random(25)


@case
def numbers_near_the_ends_of_the_range(rng):
    a, b = relu(rng, 60, 8, 9)
    return a * 1e-200, b * 1e180


@case
def one_feature(rng):
    a, b = relu(rng, 50, 1, 7)
    return a, b


@case
def few_samples_and_steep_spectra(rng):
    a, b = (rng.standard_normal((21, 6)) * 10.0 ** -np.arange(6) for _ in range(2))
    return a, b + 0.3 * a


def write_cases(folder: Path) -> dict[str, dict]:
    """Both files of every case, and `expected.json` with what the library finds; returned, too."""
    expected = {}
    for number, (name, make) in enumerate(CASES.items()):
        pair = make(np.random.default_rng(number))
        files = [f"{name}_{letter}.npy" for letter in "ab"]
        for file, matrix in zip(files, pair, strict=True):
            np.save(folder / file, matrix)
        expected[name] = {"files": files, **found(pair, files)}
    write_forms(folder / "forms")
    (folder / "expected.json").write_text(as_json(expected))
    return json.loads((folder / "expected.json").read_text())


def exact(matrix: np.ndarray, *, center: bool):
    """With float64 products: float32 ones, which "auto" begins with, may leave 4.5e-6 rad of an entry's digits."""
    return p_vector(matrix.astype(np.float64), center=center, method="gram" if np.diff(matrix.shape) <= 0 else "dual")


def write_forms(folder: Path) -> None:
    """One matrix of small integers in every form that a file may have it in; all hold the same numbers."""
    folder.mkdir()
    matrix = np.arange(42.0).reshape(14, 3) % 11
    for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        for order in "<>":
            typed = matrix.astype(order + kind)
            name = f"{kind}_{'big' if order == '>' else 'little'}"
            np.save(folder / f"{name}.npy", typed)
            np.save(folder / f"{name}_fortran.npy", np.asfortranarray(typed))
    np.savez(folder / "plain.npz", features=matrix)
    np.savez_compressed(folder / "compressed.npz", features=np.asfortranarray(matrix.astype(">f4")))
    np.savez(folder / "two.npz", one=matrix + 1, other=matrix)
    with open(folder / "version_2.npy", "wb") as file:
        np.lib.format.write_array(file, matrix, version=(2, 0))
    text = [",".join(f"{entry:.1f}" for entry in row) for row in matrix]
    (folder / "plain.csv").write_text("\n".join(text) + "\n")
    (folder / "header.csv").write_text("a,b,c\n" + "\n".join(text))
    (folder / "windows.csv").write_bytes(("\ufeff" + "\r\n".join(['"a, b",b,c', "", *text]) + "\r\n").encode())
    (folder / "spaces_and_exponents.csv").write_text("\n".join(", ".join(f"{x:+.3e}" for x in row) for row in matrix))
    (folder / "expected.json").write_text(json.dumps({"shape": matrix.shape, "values": matrix.ravel().tolist()}))


def found(pair: tuple[np.ndarray, np.ndarray], names: list[str]) -> dict:
    """Everything that the page shows of two matrices, as the library has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = [{kind: exact(m, center=kind == "centred") for kind in ("uncentred", "centred")} for m in pair]
        table = record(compare(*pair, names=names))
    parts = mean_direction(vectors[0]["uncentred"], vectors[1]["uncentred"])
    return {
        "rows": [row for row in table["rows"] if row["measure"] in MEASURES],
        "warnings": [line for line in table["warnings"] if not any(other in line for other in OTHER_MEASURES)],
        "mean": {"cos": parts.cos, "c_u": parts.c_u, "c_v": parts.c_v, "r": parts.r},
        "vectors": [
            {
                kind: {
                    "vector": one.vector.tolist(),
                    "first": float(one.singular_values[0]),
                    "second": float(one.singular_values[1]),
                    "ratio": float(one.ratio),
                    "resolved": one.resolved,
                    "defined": one.defined,
                    "explained": one.explained,
                    "cos_constant": abs(float(one.vector.sum())) / np.sqrt(one.n),
                }
                for kind, one in both.items()
            }
            for both in vectors
        ],
    }
