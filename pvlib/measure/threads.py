"""Worker threads over blocks of rows, with BLAS at one thread inside and the caller's setting restored afterwards.

BLAS splits thin products badly, and its threads spin for a while after each; whole blocks of rows in threads of our own
read the matrix at the speed of memory. Not for products of large square matrices: leave these to BLAS.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial

import numpy as np
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0  # calls that run now: the first one lowers the BLAS threads, the last one restores them
_limit = None


@cache
def controller() -> ThreadpoolController:
    """The BLAS libraries of this process, looked up once (it takes milliseconds)."""
    return ThreadpoolController().select(user_api="blas")


@cache
def pool(count: int) -> ThreadPoolExecutor:
    """The threads are kept: idle ones wait without spinning, and starting them costs as much as a small product."""
    return ThreadPoolExecutor(count, thread_name_prefix="pvlib", initializer=quiet)


os.register_at_fork(after_in_child=pool.cache_clear)  # threads do not survive a fork


def quiet() -> None:
    """Workers inherit no np.errstate: what overflows is found in the result, and named there."""
    np.seterr(over="ignore", invalid="ignore", under="ignore")


def granted() -> int:
    """Threads that the caller lets BLAS use, and no more than the processors of this process."""
    threads = [library.num_threads for library in controller().lib_controllers]
    return max(1, min(max(threads, default=1), len(os.sched_getaffinity(0))))


def spread(threads: ThreadPoolExecutor, function, items: list) -> list:
    """function of every item, the first one in the calling thread."""
    others = [threads.submit(function, item) for item in items[1:]]
    try:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            first = function(items[0])
    finally:
        wait(others)
    return [first, *(other.result() for other in others)]


@contextmanager
def workers():
    """Yields `(run, count)`: run(function, items) calls it in `count` threads, as many as the caller lets BLAS use.

    BLAS itself runs in one thread until the end. Can be nested.
    """
    global _inside, _limit
    with _lock:
        if not _inside:
            count = granted()
            _limit = (controller().limit(limits=1), count)
        _inside += 1
        count = _limit[1]
    try:
        yield partial(spread, pool(count)), count
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limit[0].restore_original_limits()
                _limit = None
