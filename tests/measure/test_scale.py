"""Matrices larger than memory: read block by block, never copied whole, with a bar that tells how far it is."""

import subprocess
import sys

import numpy as np
import pytest

from pvlib.measure import rows
from pvlib.measure.angles import kahan
from pvlib.measure.choice import plan
from pvlib.measure.inputs import as_rows
from pvlib.measure.pvector import p_vector

from .making import ACCURATE, exact, relu_features

ROWS, COLUMNS = 60_000, 512  # 123 MB of float32
ALLOWED = 60  # MB of anonymous memory on top of what the process had; half of the matrix
MEASURING = """
import sys, threading
from pathlib import Path
import numpy as np
from pvlib.measure.pvector import p_vector

def anonymous():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024

path, method, copied = sys.argv[1:]
small = np.random.default_rng(0).random((3000, 300), dtype=np.float32)
p_vector(small, center=True)  # threads and buffers of BLAS are there before
features = np.load(path, mmap_mode="r")
features = np.array(features) if copied == "copied" else features
done, seen = threading.Event(), [before := anonymous() - (features.nbytes / 2**20 if copied == "copied" else 0)]
def watch():
    while not done.wait(0.002):
        seen.append(anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
found = p_vector(features, center=True, method=method)
done.set()
watcher.join()
print(max(seen) - before, found.method, *found.vector[:3])
"""


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    """Made in chunks: 123 MB on the disk, not in this process."""
    path = tmp_path_factory.mktemp("scale") / "features.npy"
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(ROWS, COLUMNS))
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((32, COLUMNS), dtype=np.float32) * np.float32(0.2)
    for start in range(0, ROWS, 5000):
        file[start : start + 5000] = np.maximum(rng.standard_normal((5000, 32), dtype=np.float32) @ mixing, 0)
    file.flush()
    return path


def growth(path, method, how="mapped"):
    """Megabytes that RssAnon of a fresh process grows by at most, and the method that it used."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURING, str(path), method, how], capture_output=True, text=True, check=True
    )
    grown, used, *_ = done.stdout.split()
    return float(grown), used


needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="/proc tells anonymous memory on Linux only"
)


@needs_proc
@pytest.mark.parametrize("method", ["krylov", "gram"])
def test_memory_map_is_not_copied(big_file, method):
    grown, used = growth(big_file, method)
    assert used == method
    assert grown < ALLOWED


@needs_proc
def test_a_copy_would_be_seen(big_file):
    assert growth(big_file, "gram", "copied")[0] > ALLOWED


def test_memory_map_and_array_give_the_same_vector(big_file):
    mapped = np.load(big_file, mmap_mode="r")[::6]
    found = [p_vector(mapped, center=True, method=method) for method in ("gram", "krylov")]
    truth = exact(mapped, True)[0][:, 0]
    assert max(kahan(each.vector, truth) for each in found) <= ACCURATE


def test_large_memory_maps_are_read_twice(tmp_path, monkeypatch):
    F = relu_features(4000, 300)
    np.save(tmp_path / "f.npy", F)
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    views = [mapped, np.asarray(mapped), mapped[10:], mapped[:, ::-1], np.asarray(mapped)[::2]]
    assert {plan(as_rows(view), center=True, k=1)[0] for view in views} == {"krylov"}
    monkeypatch.setattr(rows, "physical_memory", lambda: F.nbytes // 2)
    assert {plan(as_rows(view), center=True, k=1)[0] for view in views} == {"gram"}
    assert {plan(as_rows(array), center=True, k=1)[0] for array in (F, mapped.copy(), np.array(mapped))} == {"krylov"}
    found = p_vector(mapped, center=False)  # without a near tie, which is done again in float64
    assert found.passes == 2 and kahan(found.vector, exact(F, False)[0][:, 0]) <= min(found.error_bound, ACCURATE)


@pytest.mark.parametrize("shape", [(60_000, 40), (5000, 600)])
def test_bar_counts_every_row_of_both_readings(shape, capsys):
    F = relu_features(*shape)
    plain = p_vector(F, center=True, method="gram")
    assert capsys.readouterr().err == ""
    shown = p_vector(F, center=True, method="gram", progress=True)
    lines = capsys.readouterr().err.split("\r")
    count = f"{shape[0] / 1000:.{1 if shape[0] > 9999 else 2}f}k/{shape[0] / 1000:.{1 if shape[0] > 9999 else 2}f}k"
    for what in ("second moments", "left vectors"):
        assert any(what in line and "100%" in line and count in line for line in lines), what
    np.testing.assert_array_equal(shown.vector, plain.vector)


def test_bar_of_batches_learns_the_number_of_rows_from_the_first_reading(capsys):
    F = relu_features(3000, 40)
    p_vector(np.split(F, 6), center=True, progress=True)
    text = capsys.readouterr().err
    assert "3.00krow" in text and "left vectors: 100%" in text and "3.00k/3.00k" in text


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_too_large_to_keep_are_made_again(dtype, center, monkeypatch, capsys):
    F = (relu_features(3000, 300) + 100 * center).astype(dtype)
    plain = p_vector(F, center=center, method="krylov")
    monkeypatch.setattr("pvlib.measure.lanczos.KEPT", 3000 * 2 * F.itemsize)
    again = p_vector(F, center=center, method="krylov", progress=True)
    assert again.passes > plain.passes
    assert kahan(again.vector, exact(F, center)[0][:, 0]) <= min(again.error_bound + 1e-12, ACCURATE)
    text = capsys.readouterr().err
    assert f"Krylov pass {again.passes}: 100%" in text and "3.00k/3.00k" in text
    if not center:  # centred, these features are too near a tie for the randomised SVD
        assert kahan(p_vector(F, center=False, method="randomized").vector, plain.vector) < 1e-3


def test_bar_is_closed_when_the_rows_are_bad(capsys):
    F = relu_features(3000, 40)
    F[7, 3] = np.nan
    given = as_rows(F)
    with pytest.raises(ValueError, match="nan at row 7, column 3"):
        p_vector(given, center=True, progress=True)
    assert given.bar is None
