"""How much memory is free, asked before a file's content is believed."""

from __future__ import annotations

import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
# What a container may hold: version 2 and version 1 of Linux's control groups.
GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def available_memory() -> float:
    """Bytes that this process can still take: free memory on Linux, all of it on macOS, infinite where that is unknown.

    (Windows promises no memory that it does not have: there a MemoryError comes in time.)
    """
    try:
        fields = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        free: float = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        try:
            free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, OSError, ValueError):
            free = float("inf")
    for limit in GROUP_LIMITS:
        try:
            free = min(free, int(limit.read_text()))
        except (OSError, ValueError):  # no such group, or no limit ("max")
            continue
    return free


def afford(size: int) -> None:
    """Raise MemoryError where `size` bytes do not fit into the memory that is free."""
    free = available_memory()
    if size > free:
        raise MemoryError(
            f"it needs {size / 2**30:,.1f} GiB of memory and {free / 2**30:,.1f} are free; "
            "save it as .npy, which is read in parts, or use a larger machine"
        )
