"""Dask arrays: the vector of the whole however it is chunked, wherever it is computed, and whoever dies meanwhile."""

import logging
import os
import signal

import numpy as np
import pytest

from pvlib.measure.angles import kahan, principal_angles
from pvlib.measure.inference import stability
from pvlib.measure.inputs import as_rows
from pvlib.measure.pvector import p_vector
from pvlib.measure.streaming import Stream

from .making import exact, relu_features, with_sigmas

dask = pytest.importorskip("dask", reason="no Dask here: Dask arrays are NOT tested (pip install 'dask[array]')")
da = pytest.importorskip("dask.array", reason="no Dask here: Dask arrays are NOT tested (pip install 'dask[array]')")
distributed = pytest.importorskip("distributed", reason="no Dask cluster here: NOT tested (pip install distributed)")

SAME = 1e-10
CHUNKINGS = [(250, 40), ((1, 0, 699, 300), 40), (1000, 7), (130, (39, 1)), (1000, 40)]


@pytest.fixture(scope="module")
def cluster():
    """Workers are processes, so that one can be killed; the scheduler starts another in its place."""
    local = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    patience = {"distributed.comm.timeouts.connect": "10s"}  # with a worker that is dead; 30 s otherwise
    with (
        dask.config.set(patience),
        distributed.LocalCluster(**local, silence_logs=logging.CRITICAL) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def same(found, F, center):
    """Entry by entry, not only by angle."""
    truth = exact(F, center)[0][:, 0]
    truth *= np.sign(truth @ found.vector)
    return np.abs(found.vector - truth).max() <= SAME


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_threads_give_the_vector_of_the_whole(chunks, dtype, center):
    F = relu_features(1000, 40, dtype=dtype)
    found = p_vector(da.from_array(F, chunks=chunks), center=center)
    assert same(found, F, center)
    assert found.certified and found.defined and found.method == "gram" and found.error_bound < 1e-8
    assert kahan(found.vector, exact(F, center)[0][:, 0]) <= found.error_bound + 1e-15
    np.testing.assert_allclose(
        found.singular_values, [*exact(F, center)[1], 0.0][: len(found.singular_values)], rtol=1e-9
    )


@pytest.mark.parametrize("center", [False, True])
def test_workers_give_the_vector_of_the_whole(cluster, center):
    F = relu_features(6000, 64)
    with cluster.as_current():
        for chunks in [(500, 64), (6000, 9)]:
            found = p_vector(da.from_array(F, chunks=chunks), center=center, k=3)
            assert principal_angles(found.vectors, exact(F, center, 3)[0]).max() <= SAME
            assert same(found, F, center)


def deadly(F, folder, reading):
    """Chunks of F, of which the seventh kills the worker that computes it in that reading; once."""

    def chunk(block):
        start = int(block[0, 0])
        if start == 6 * 500:
            with (folder / "readings").open("a") as file:
                file.write(".")
            if len((folder / "readings").read_text()) == reading:
                (folder / "killed").write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGKILL)
        return F[start : start + 500]

    starts = da.arange(0, len(F), 500, chunks=1)[:, None]
    return da.map_blocks(chunk, starts, chunks=(500, F.shape[1]), dtype=F.dtype, meta=F[:0])


@pytest.mark.parametrize("reading", [1, 2])
def test_killed_worker_changes_nothing(cluster, tmp_path, reading):
    F = relu_features(6000, 32) + np.float32(3)
    with cluster.as_current():
        undisturbed = p_vector(da.from_array(F, chunks=(500, 32)), center=True)
        before = set(cluster.run(os.getpid).values())
        found = p_vector(deadly(F, tmp_path, reading), center=True)
        cluster.wait_for_workers(2, timeout=60)
        after = set(cluster.run(os.getpid).values())
    killed = int((tmp_path / "killed").read_text())
    assert killed in before - after
    assert same(found, F, True)
    np.testing.assert_allclose(found.vector, undisturbed.vector, rtol=0, atol=SAME)


@pytest.mark.parametrize("threads", [True, False])
def test_matrix_is_never_gathered(cluster, threads, monkeypatch):
    """Only d x d sums and left vectors reach the caller."""

    def whole(*_, **__):
        raise AssertionError("the matrix was brought to the caller")

    F = relu_features(4000, 40)
    array = da.from_array(F, chunks=(500, 40))
    monkeypatch.setattr(da.Array, "__array__", whole)
    monkeypatch.setattr(da.Array, "compute", whole)
    monkeypatch.setattr("pvlib.measure.dask_rows.DaskRows.blocks", whole)
    monkeypatch.setattr("pvlib.measure.similarity.stacked", whole)
    if threads:
        assert same(p_vector(array, center=True), F, True)
        return
    with cluster.as_current():
        assert same(p_vector(array, center=True), F, True)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64, np.float16])
def test_integers_booleans_and_halves_are_upcast(dtype):
    F = relu_features(300, 9) * 50
    F = F > 20 if dtype is bool else (F * (100 if dtype == np.float16 else 1)).astype(dtype)
    assert same(p_vector(da.from_array(F, chunks=(70, 9)), center=False), F, False)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
@pytest.mark.parametrize("center", [False, True])
def test_scale_changes_nothing(scale, center):
    F = (relu_features(600, 12) * scale).astype(np.float32)
    found = p_vector(da.from_array(F, chunks=(100, 12)), center=center)
    assert same(found, F.astype(np.float64) / scale, center)
    assert found.singular_values[0] == pytest.approx(exact(F, center)[1][0])


def test_mean_far_above_the_deviations_does_not_cancel():
    F = relu_features(3000, 20, dtype=np.float64)
    F += 1e6 * F.std()
    F[:500] -= 1000  # the first chunk is unlike the others
    assert same(p_vector(da.from_array(F, chunks=(500, 20)), center=True), F, True)


def test_near_tie_is_covered_by_the_bound():
    F, _ = with_sigmas(3000, 40, np.r_[1 + 1e-5, 1.0, np.linspace(0.5, 0.1, 20)])
    found = p_vector(da.from_array(F, chunks=(400, 40)), center=False)
    assert found.defined and kahan(found.vector, exact(F, False)[0][:, 0]) <= found.error_bound < 1e-6


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("center", [False, True])
def test_bad_entry_is_named_by_its_row_in_the_whole(bad, center):
    F = relu_features(300, 12)
    F[217, 5] = F[218, 2] = F[299, 0] = bad
    for chunks in [(100, 12), (100, 5)]:
        with pytest.raises(ValueError, match=f"{bad} at row 217, column 5: finite"):
            p_vector(da.from_array(F, chunks=chunks), center=center)


def test_error_of_the_workers_reaches_the_caller(cluster):
    F = relu_features(300, 12)
    F[217, 5] = np.nan
    with cluster.as_current(), pytest.raises(ValueError, match="nan at row 217, column 5"):
        p_vector(da.from_array(F, chunks=(100, 12)), center=True)


@pytest.mark.parametrize(
    ("features", "center", "error", "message"),
    [
        (da.zeros((40, 6), chunks=(10, 6)), False, ValueError, "all zero"),
        (da.zeros((40, 6), chunks=(10, 6)), True, ValueError, "all zero"),
        (da.full((40, 6), 0.1, chunks=(7, 6)), True, ValueError, "all rows of features are equal"),
        (da.ones((1, 6)), False, ValueError, "at least two samples"),
        (da.ones((6, 0)), False, ValueError, "no columns"),
        (da.ones((0, 6)), False, ValueError, "empty"),
        (da.ones(6), False, ValueError, r"x\[:, None\]"),
        (da.ones((6, 2, 2)), False, ValueError, "average feature maps over positions"),
        (da.ones((6, 2), dtype=complex), False, TypeError, "complex"),
        (da.from_array(np.ones((6, 2), dtype=object), chunks=3), False, TypeError, "dtype object"),
    ],
)
def test_bad_input_is_named_before_or_after_the_first_reading(features, center, error, message):
    with pytest.raises(error, match=message):
        p_vector(features, center=center)


def test_unknown_chunk_sizes_say_what_to_call():
    x = da.from_array(relu_features(100, 5), chunks=(30, 5))
    x = x[x[:, 0] > 0.2]
    with pytest.raises(ValueError, match=r"unknown chunk sizes.*compute_chunk_sizes\(\)"):
        p_vector(x, center=False)
    x.compute_chunk_sizes()
    assert same(p_vector(x, center=False), x.compute(), False)


def test_methods_that_need_the_whole_matrix_are_refused():
    x = da.from_array(relu_features(100, 5), chunks=(30, 5))
    for method in ("krylov", "dual", "randomized"):
        with pytest.raises(ValueError, match=rf"method='{method}' needs the whole matrix.*compute\(\)"):
            p_vector(x, center=False, method=method)
    with pytest.raises(ValueError, match=r"k=6.*100 x 5"):
        p_vector(x, center=False, k=6)


def test_dask_arrays_go_wherever_features_go():
    F = relu_features(600, 12, dtype=np.float64)
    x = da.from_array(F, chunks=(100, 12))
    directions = Stream().update(x[:200]).update(x[200:]).result(center=True)
    assert same(directions.p_vector(x), F, True)
    assert same(p_vector([x[:200], x[200:]], center=False), F, False)
    of_dask, of_numpy = (stability(rows, center=True, seed=0) for rows in (x, F))
    np.testing.assert_allclose(of_dask.cosines, of_numpy.cosines, rtol=1e-9)
    assert same(p_vector(as_rows(x), center=False), F, False)


def test_caller_s_array_is_not_changed():
    F = relu_features(300, 8)
    kept = F.copy()
    p_vector(da.from_array(F, chunks=(100, 8)), center=True)
    np.testing.assert_array_equal(F, kept)
