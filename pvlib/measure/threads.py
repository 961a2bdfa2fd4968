"""Worker threads over blocks of rows, with BLAS at one thread inside and the caller's setting restored afterwards.

BLAS splits thin products badly; whole blocks of rows in threads of our own read the matrix at the speed of memory.
Not for products of square matrices: leave these to BLAS.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0  # calls that run now: the first one lowers the BLAS threads, the last one restores them
_limit = None


@cache
def controller() -> ThreadpoolController:
    """The BLAS libraries of this process, looked up once (it takes milliseconds)."""
    return ThreadpoolController().select(user_api="blas")


def allowed() -> int:
    """Threads that the caller lets BLAS use, and no more than the processors of this process."""
    with _lock:
        if _inside:
            return _limit[1]
    return granted()


def granted() -> int:
    threads = [library.num_threads for library in controller().lib_controllers]
    return max(1, min(max(threads, default=1), len(os.sched_getaffinity(0))))


def quiet() -> None:
    """Workers inherit no np.errstate: what overflows is found in the result, and named there."""
    np.seterr(over="ignore", invalid="ignore", under="ignore")


@contextmanager
def workers():
    """A thread pool of as many threads as the caller lets BLAS use; BLAS itself runs in one thread until the end."""
    global _inside, _limit
    with _lock:
        if not _inside:
            count = granted()
            _limit = (controller().limit(limits=1), count)
        _inside += 1
        count = _limit[1]
    try:
        with ThreadPoolExecutor(count, initializer=quiet) as pool:
            yield pool, count
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limit[0].restore_original_limits()
                _limit = None
