"""Where a number comes from: commit, versions, device, threads, load."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from .. import __version__
from ..checkout import checkout

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "safetensors")


def commit() -> str:
    """The commit of the code that runs, with `-dirty` where tracked files differ from it; without a history, the version."""
    folder = checkout()
    if folder is None:
        return f"v{__version__}"
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno", "--", "pvlib"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return f"v{__version__}"
    return f"{head}-dirty" if changed else head


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def processor() -> str:
    """The processor's model name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def device_name(device: str) -> str:
    """`cpu`, or the accelerator's own name."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def machine(device: str) -> dict:
    """Columns of the runs table that say where it ran: device, threads, load of the last minute."""
    return {
        "device": device_name(device),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,  # Windows has none
        "torch": torch.__version__,
        "commit": commit(),
    }
