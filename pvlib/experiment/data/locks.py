"""Files that one process holds at a time."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def hold(path: Path, *, wait: str = "") -> Iterator[None]:
    """Hold the file for this process; the system lets go of it even after `kill -9`.

    Parameters
    ----------
    path : made if it is not there, and left there.
    wait : said on stderr before waiting for another process that holds it; without it nobody waits.

    Raises
    ------
    BlockingIOError
        Another process holds it, and `wait` is empty.
    OSError
        The system has no such locks, or the file cannot be made.
    """
    try:
        import fcntl  # here: measuring needs no locks, and runs where there is no fcntl
    except ModuleNotFoundError:
        raise OSError(
            "this system has no file locks of the kind that training and publishing need (fcntl): "
            "use Linux, macOS, or Linux inside Windows (WSL); measuring works everywhere"
        ) from None

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise
            print(f"pvlib: {wait}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
