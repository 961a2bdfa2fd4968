"""Memory and time of `p_vector` on a memory map as large as the features of ImageNet. `python benchmarks/memmap.py --help`.

Writes results/benchmarks/memmap.json. The file is made so that its P-vector is known but for the rounding of its
entries to float32: F = 1 m' + a v' + W, where every four rows hold (a, -a, b, -b) along v and (w, w, -w, -w) across
it, so that W v = 0, and W is orthogonal to a and to the ones, and a to the ones.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from common import machine, status, write

from pvlib.measure.angles import kahan
from pvlib.measure.pvector import p_vector

PLANTED = 2.0  # deviation along v, where it is 1 in every column of W: sigma_1 / sigma_2 is a little less than that
CHUNK = 1 << 24  # entries made at once
PERIOD = 0.05  # seconds between two looks at the memory


def make(path: Path, rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """The file, chunk by chunk; returns its P-vector (centred)."""
    rng = np.random.default_rng(seed)
    along = rng.standard_normal(columns, dtype=np.float32)
    along /= np.linalg.norm(along)
    mean = rng.random(columns, dtype=np.float32)
    coordinates = PLANTED * rng.standard_normal((rows // 4, 2), dtype=np.float32)
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, columns))
    step = CHUNK // columns // 4
    for start in range(0, rows // 4, step):
        pair = coordinates[start : start + step]
        across = rng.standard_normal((len(pair), columns), dtype=np.float32)
        across -= np.outer(across @ along, along)
        for i, (sign, side) in enumerate([(1, 1), (-1, 1), (1, -1), (-1, -1)]):
            file[4 * start + i : 4 * (start + len(pair)) : 4] = (
                mean + np.outer(sign * pair[:, i // 2], along) + side * across
            )
    file.flush()
    planted = np.column_stack([coordinates[:, :1], -coordinates[:, :1], coordinates[:, 1:], -coordinates[:, 1:]])
    return planted.ravel().astype(np.float64)


def forget(path: Path) -> None:
    """Ask the system to drop the file from its cache, so that the first reading is one of the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Peak(threading.Thread):
    """Highest RssAnon (MB) of this process between start and stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.highest = status("RssAnon") / 1024
        self._done = threading.Event()

    def run(self):
        while not self._done.wait(PERIOD):
            self.highest = max(self.highest, status("RssAnon") / 1024)

    def stop(self) -> float:
        self._done.set()
        self.join()
        return self.highest


def measured(path: Path, planted: np.ndarray) -> dict:
    forget(path)
    features = np.load(path, mmap_mode="r")
    peak = Peak()
    peak.start()
    began = time.perf_counter()
    found = p_vector(features, center=True, progress=True)
    seconds = time.perf_counter() - began
    highest = peak.stop()
    planted /= np.linalg.norm(planted)
    return {
        "rows": features.shape[0],
        "columns": features.shape[1],
        "file_gb": path.stat().st_size / 1e9,
        "seconds": seconds,
        "rss_anon_before_mb": peak.before,
        "rss_anon_peak_mb": highest,
        "angle_to_planted": min(kahan(found.vector, planted), kahan(found.vector, -planted)),
        "bound": found.error_bound,
        "method": found.method,
        "passes": found.passes,
        "sigma_ratio": found.ratio,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_280_000, help="a multiple of 4")
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--folder", type=Path, default=None, help="where the file is made (default: temporary files)")
    parser.add_argument("--keep", action="store_true", help="do not delete the file afterwards")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/memmap.json"))
    arguments = parser.parse_args()
    if arguments.rows < 8 or arguments.rows % 4:
        parser.error(f"--rows {arguments.rows}: a multiple of 4, and 8 or more, is needed")
    folder = Path(arguments.folder or tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"features-{arguments.rows}x{arguments.columns}.npy"
    try:
        print(f"making {path}", file=sys.stderr)
        planted = make(path, arguments.rows, arguments.columns)
        results = measured(path, planted) | {"machine": machine()}  # after measuring: it imports torch
    finally:
        if not arguments.keep:
            path.unlink(missing_ok=True)
    write(arguments.output, results)
    print(arguments.output.read_text(), end="")


if __name__ == "__main__":
    main()
