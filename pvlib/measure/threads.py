"""Worker threads over blocks of rows, with BLAS at one thread inside and the caller's setting restored afterwards.

BLAS splits thin products badly, and its threads spin for a while after each; whole blocks of rows in threads of our own
read the matrix at the speed of memory. Products of large square matrices are left to BLAS. Without threadpoolctl, which
sets the threads of BLAS, there are no workers: BLAS goes on as it is.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial
from itertools import pairwise

import numpy as np

try:
    from threadpoolctl import ThreadpoolController
except ImportError:
    ThreadpoolController = None


class Calls:
    """The calls that run now: the first one lowers the BLAS threads, the last one restores them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = 0
        self.count = 1  # workers of each
        self.limiter = None

    def enter(self) -> int:
        with self.lock:
            if not self.inside:
                threads = blas_threads()
                self.count = min(threads, processors())
                self.limiter = controller().limit(limits=1) if threads > 1 else None
            self.inside += 1
            return self.count

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.restore()

    def restore(self) -> None:
        if self.limiter is not None:
            self.limiter.restore_original_limits()
            self.limiter = None


_calls = Calls()


@cache
def controller() -> "ThreadpoolController":
    """The BLAS libraries of this process, looked up once (it takes milliseconds)."""
    return ThreadpoolController().select(user_api="blas")


@cache
def pool(count: int) -> ThreadPoolExecutor:
    """The threads are kept: idle ones wait without spinning, and starting them costs as much as a small product."""
    return ThreadPoolExecutor(count, thread_name_prefix="pvlib")


def forget_calls() -> None:
    """In the child of a fork, which has none of its parent's threads: neither their calls nor their limit of BLAS."""
    global _calls
    pool.cache_clear()
    parents, _calls = _calls, Calls()
    parents.restore()
    parents.lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(  # the lock is taken over the fork, so that no call is half entered in the child
        before=lambda: _calls.lock.acquire(),
        after_in_parent=lambda: _calls.lock.release(),
        after_in_child=forget_calls,
    )


def quiet() -> np.errstate:
    """Around products: what overflows is found in the result, and named there."""
    return np.errstate(over="ignore", invalid="ignore", under="ignore")


def quietly(function, item):
    with quiet():
        return function(item)


def blas_threads() -> int:
    """Threads that the caller lets BLAS use; 1 where that cannot be known or changed."""
    if ThreadpoolController is None:
        return 1
    return max((library.num_threads for library in controller().lib_controllers), default=1)


def processors() -> int:
    """Processors that this process may use; all of the machine where the system does not tell (macOS, Windows)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(threads: ThreadPoolExecutor, function, items: list) -> list:
    """function of every item, the first one in the calling thread."""
    others = [threads.submit(quietly, function, item) for item in items[1:]]
    try:
        first = quietly(function, items[0])
    finally:
        wait(others)
    return [first, *(other.result() for other in others)]


@contextmanager
def workers():
    """Yields `(run, count)`: run(function, items) calls it in `count` threads, as many as the caller lets BLAS use.

    BLAS itself runs in one thread until the end. Can be nested.
    """
    calls = _calls  # of this process: a fork meanwhile replaces them in the child
    count = calls.enter()
    try:
        yield partial(spread, pool(count)), count
    finally:
        calls.leave()


def shares(n: int, count: int, size: int) -> list[range]:
    """Starts of the blocks of `size` rows, for each of `count` workers (fewer than that where there are fewer blocks); `stop`
    is where its rows end.
    """
    cuts = np.linspace(0, n, min(count, -(-n // size)) + 1).astype(int)
    return [range(start, stop, size) for start, stop in pairwise(cuts)]
