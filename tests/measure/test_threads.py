"""Worker threads: nothing of the caller's is lost, in this process, in its forks, and where the system offers less."""

import os
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec

import numpy as np
import pytest

from pvlib.measure import rows, threads
from pvlib.measure.angles import kahan
from pvlib.measure.pvector import p_vector

from .making import ACCURATE, exact, relu_features

forks = pytest.mark.skipif(
    not hasattr(os, "fork") or find_spec("threadpoolctl") is None,
    reason="needs fork, and threadpoolctl to look at BLAS",
)
FORKING = """
import os, signal, sys, threading
import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits
from pvlib.measure import p_vector
from pvlib.measure.threads import workers

def blas():
    return [library.num_threads for library in ThreadpoolController().select(user_api="blas").lib_controllers]

F = np.random.default_rng(0).random((3000, 300), dtype=np.float32)
threadpool_limits(2, user_api="blas")
before = blas()
measuring = threading.Event()
end = threading.Event()

def measure():
    with workers():  # BLAS is at one thread, as for long as a large matrix takes
        measuring.set()
        end.wait()

if sys.argv[1] == "inside":
    context = workers()
    context.__enter__()
else:
    thread = threading.Thread(target=measure)
    thread.start()
    measuring.wait()
for _ in range(5):
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # ends a child that hangs
        code = 0 if blas() == before else 3
        p_vector(F, center=True)
        code = code or (0 if blas() == before else 4)
        if sys.argv[1] == "inside":
            context.__exit__(None, None, None)
        with workers():
            pass
        os._exit(code or (0 if blas() == before else 5))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        end.set()
        sys.exit(f"the child ended with {code}")
if sys.argv[1] == "inside":
    context.__exit__(None, None, None)
else:
    end.set()
    thread.join()
assert blas() == before, "the parent lost its threads"
"""


@forks
@pytest.mark.parametrize("place", ["beside", "inside"])
def test_fork_while_a_call_runs_neither_hangs_the_child_nor_takes_its_blas_threads(place):
    done = subprocess.run([sys.executable, "-c", FORKING, place], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@forks
def test_fork_in_the_moment_in_which_a_call_starts_or_ends():
    stop = threading.Event()

    def restless():
        while not stop.is_set():
            with threads.workers():
                pass

    thread = threading.Thread(target=restless)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(30)  # ends a child that hangs
                with threads.workers():
                    os._exit(threads._calls.inside - 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def lean(monkeypatch):
    """Removes a function of os, or a package, that other systems have not."""

    def without(*names):
        for name in names:
            if name == "threadpoolctl":
                monkeypatch.setattr(threads, "ThreadpoolController", None)
            else:
                monkeypatch.delattr(os, name, raising=False)

    return without


@pytest.mark.parametrize("name", ["sched_getaffinity", "sysconf", "threadpoolctl"])
@pytest.mark.parametrize("shape", [(40_000, 40), (30, 300), (3000, 400)])
def test_measuring_does_without_what_other_systems_have_not(name, shape, lean, tmp_path):
    lean(name)
    F = relu_features(*shape)
    np.save(tmp_path / "f.npy", F)
    for features in (F, np.load(tmp_path / "f.npy", mmap_mode="r")):
        found = p_vector(features, center=True)
        assert kahan(found.vector, exact(F, True)[0][:, 0]) <= min(found.error_bound + 1e-12, ACCURATE)


def test_systems_that_do_not_tell_their_processors_or_memory_get_an_assumption(lean, monkeypatch):
    lean("sched_getaffinity", "sysconf")
    assert threads.processors() == os.cpu_count() and rows.physical_memory() == rows.MEMORY
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.processors() == 1

    def unknown(name):
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "sysconf", unknown, raising=False)
    assert rows.physical_memory() == rows.MEMORY


BARE = """
import os, sys
for name in ("fork", "register_at_fork", "sched_getaffinity", "sysconf"):
    delattr(os, name) if hasattr(os, name) else None

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

ABSENT = {"threadpoolctl", "pandas", "tqdm", "sklearn", "torch", "dask", "scipy.sparse.linalg"}
sys.meta_path.insert(0, Absent())
import numpy as np
from pvlib import measure

rng = np.random.default_rng(0)
F, G = rng.random((300, 12)), rng.random((300, 250))
u, v = (measure.p_vector(X, center=True) for X in (F, G))
measure.angle(u, v), measure.stability(F, center=False, seed=0)
for similarity in (measure.linear_cka, measure.svcca, measure.top_span, measure.procrustes, measure.mutual_knn):
    similarity(F, G)
measure.Stream().update(F).result(center=True).p_vector([F])
found = measure.compare(F, G, names=("mlp", "cnn"), replicates=20, permutations=20)
assert "linear CKA, debiased" in str(found)
for call, words in ((lambda: found.table, "pip install 'pvector-book[files]'"),
                    (lambda: measure.p_vector(F, center=True, progress=True), "pip install tqdm")):
    try:
        call()
    except ImportError as error:
        assert words in str(error), error
    else:
        sys.exit("nothing was missing")
"""


def test_everything_is_measured_with_numpy_and_scipy_alone_as_if_on_windows():
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
