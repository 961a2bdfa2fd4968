"""Run a command while no other process that was started this way holds the same lock file; a second one waits, and says so.

    python workflow/alone.py LOCK COMMAND ...

Two builds of the book in one clone would delete each other's pages.
"""

import os
import sys
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def main(lock: Path, command: list[str]) -> None:
    """Replace this process by the command, which keeps the lock until it ends, however it ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is not None:
        file = os.open(lock, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{lock.stem}: another one runs in this folder; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        os.set_inheritable(file, True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
