"""What the benchmarks share: matrices of known spectrum, a process for every peer, time and peak memory. Not the peers.

Fair to peers: each runs in its own process, so that no pool of threads spins into another's time; at one and at all
threads (the better one counts); warmed up, because the first calls after an idle moment run up to twice as long; repeated
until its quartiles are close; and without the variables that slow a current OpenBLAS.
"""

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "dask",
    "pvector-book",
    "ckatorch",
    "torch-cka",
    "repsim",
    "cca-zoo",
)
WARM = 0.2  # seconds of calls that do not count, two at least
PATIENCE = 2.0  # seconds for the repeats of one peer; what takes longer is made so often all the same:
FEWEST = 3
STEADY = 0.05  # of the median: quartiles this near to each other need no more repeats
FAR = 5.0  # times the best so far: a peer that is so much slower is called no more than twice,
CHEAP = 0.1  # unless its calls take no more seconds than this, as first calls may where later ones are quick;
COSTLY = 1.0  # and only one that takes more seconds than this is left out elsewhere


def matrix(n: int, d: int, kind: str, seed: int = 0) -> np.ndarray:
    """(n, d) float32. "relu": features after a ReLU, sigma_1/sigma_2 near 1.75; "hard": 1.05. Never centred here."""
    rng = np.random.default_rng(seed)
    r = min(d, 64)
    left, right = (rng.standard_normal(shape, dtype=np.float32) for shape in ((n, r), (r, d)))
    if kind == "hard":
        sigmas = np.r_[1.05, np.arange(1, r) ** -0.25].astype(np.float32) * np.float32(np.sqrt(n * d))
        noise = np.float32(0.3) * rng.standard_normal((n, d), dtype=np.float32)
        return (np.linalg.qr(left)[0] * sigmas) @ np.linalg.qr(right.T)[0].T + noise
    features = (left * (np.arange(1, r + 1) ** -0.5).astype(np.float32)) @ right
    return np.maximum(features / features.std(), 0)


def timed(call, repeats: int, best: float = np.inf, once: bool = False) -> dict:
    """Median, quartiles and least seconds of warm calls, peak extra memory in MB, and the call's value.

    There are `repeats` calls at most: fewer once they are steady or take too long, and the first one or two count where
    these are `far` behind the `best` of the peers before. `once`: the first one counts.
    """
    extra, first, value = with_peak(call)
    if once or (first > 1.0 and far(first, best)):
        return summed([first]) | {"extra_mb": extra, "value": value}
    extra, second, value = with_peak(call)
    if far(second, best):
        return summed([second]) | {"extra_mb": extra, "value": value}
    warming, seconds = first + second, []
    while warming < WARM:
        warming += clocked(call)[0]
    while len(seconds) < repeats and not (len(seconds) >= FEWEST and (sum(seconds) > PATIENCE or steady(seconds))):
        taken, value = clocked(call)
        seconds.append(taken)
    return summed(seconds) | {"extra_mb": extra, "value": value}


def far(seconds: float, best: float) -> bool:
    return seconds > max(CHEAP, FAR * best)


def clocked(call) -> tuple[float, object]:
    began = time.perf_counter()
    value = call()
    return time.perf_counter() - began, value


def steady(seconds: list[float]) -> bool:
    low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75])
    return len(seconds) > FEWEST + 1 and high - low < STEADY * middle


def summed(seconds: list[float]) -> dict:
    """The times of a peer's calls and what is read off them."""
    return {
        "median_s": float(np.median(seconds)),
        "quartiles_s": np.quantile(seconds, [0.25, 0.75]).tolist(),
        "least_s": min(seconds),
        "repeats": len(seconds),
        "seconds": seconds,
    }


def with_peak(call) -> tuple[float | None, float, object]:
    """Megabytes by which the resident memory of this process exceeds, at its peak, what it was before the call (None where
    the system does not tell: all but Linux); its seconds and its value.
    """
    linux = Path("/proc/self/clear_refs").exists()
    if linux:
        Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS") if linux else 0
    seconds, value = clocked(call)
    return (status("VmHWM") - before) / 1024 if linux else None, seconds, value


def status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise OSError(f"/proc/self/status has no field {field}: peak memory is measured on Linux only")


def busy(seconds: float = 1.0, share: float = 0.1) -> list[str]:
    """Other processes that keep a core busy for more than this share of the time: "name (process 12, 97 %)"."""
    if not Path("/proc/self/stat").exists():  # macOS: ps knows the share of the last minute
        told = subprocess.run(["ps", "-A", "-o", "pid=,pcpu=,comm="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in told.splitlines()]
        others = {int(pid): (name, float(part) / 100) for pid, part, name in rows if int(pid) != os.getpid()}
    else:
        before, began = processor_ticks(), time.perf_counter()
        time.sleep(seconds)
        after, ticks = processor_ticks(), os.sysconf("SC_CLK_TCK") * (time.perf_counter() - began)
        others = {pid: (name, (used - before[pid][1]) / ticks) for pid, (name, used) in after.items() if pid in before}
    return [f"{name} (process {pid}, {part:.0%})" for pid, (name, part) in others.items() if part > share]


def processor_ticks() -> dict[int, tuple[str, int]]:
    """Name and used ticks of every other process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it has ended meanwhile
            continue
        found[int(path.parent.name)] = name, sum(map(int, rest.split()[11:13]))
    return {pid: each for pid, each in found.items() if pid != os.getpid()}


def refuse_company(even_if_busy: bool) -> None:
    """End where another process would run beside the peers; it would slow some of them and not others."""
    others = busy()
    if others and not even_if_busy:
        raise SystemExit(f"not started, because other processes are busy: {', '.join(others)}; stop them, or wait")


def child(
    script: str, arguments: list[str], threads: int, limit: float | None = None, kernel: dict | None = None
) -> dict:
    """Run `script --child ...` in a process of its own with so many threads; its last line is JSON.

    `limit`: seconds after which it is given up. `kernel`: variables that choose the kernels of its libraries.
    """
    lines, failure = children_lines(script, arguments, threads, limit, kernel)
    return {"failed": failure} if failure else lines[-1]


def children_lines(script, arguments, threads, limit=None, kernel=None) -> tuple[list[dict], str | None]:
    """The same for a child that writes several lines of JSON: those until it ended or was given up, and why it failed."""
    environment = {key: value for key, value in os.environ.items() if key not in SLOWING}
    environment |= dict.fromkeys(POOLS, str(threads)) | (kernel or {})
    failure = None
    with subprocess.Popen(
        [sys.executable, script, "--child", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            told, errors = process.communicate(timeout=limit)
            if process.returncode:
                failure = (errors.strip().splitlines() or ["no message"])[-1]
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
            failure = f"took longer than {limit:.0f} s"
    return [json.loads(line) for line in told.splitlines() if line.startswith("{") and line.endswith("}")], failure


def better(tries: list[dict]) -> dict:
    """The fastest of a peer's tries, or its last failure where none succeeded."""
    good = [each for each in tries if "median_s" in each]
    return min(good, key=lambda each: each["median_s"]) if good else tries[-1]


def opponents(rows: list[dict], accurate: float) -> tuple[dict | None, list[dict]]:
    """Of the rows of one case, one a peer: ours, where it gave a result, and its rivals that are as accurate."""
    own = next((row for row in rows if row["peer"] == "pvlib" and "median_s" in row), None)
    return own, [row for row in rows if not row["peer"].startswith("pvlib") and row.get("error", np.inf) <= accurate]


def against(own: dict, rivals: list[dict]) -> dict:
    """Ours beside the fastest of its rivals: the ratio of medians, and of the quartiles least and most kind."""
    best = min(rivals, key=lambda each: each["median_s"])
    (own_low, own_high), (best_low, best_high) = own["quartiles_s"], best["quartiles_s"]
    return {
        "ours_s": own["median_s"],
        "error": own["error"],
        "extra_mb": own["extra_mb"],
        "best_peer": best["peer"],
        "best_peer_s": best["median_s"],
        "best_peer_extra_mb": best["extra_mb"],
        "ratio": best["median_s"] / own["median_s"],
        "ratio_low": best_low / own_high,
        "ratio_high": best_high / own_low,
    }


def rematch(rows: list[dict], again, accurate: float, rounds: int = 2) -> None:
    """Ours and its fastest accurate rival once more, in turn, each time in new processes; all their times count.

    What a process gets of the memory and its caches changes the times of short calls by a third or more, and a median
    within one process does not show it.

    Parameters
    ----------
    rows : of one case, one a peer; those of the two are changed.
    again : makes a row for a peer and a number of threads, in a new process.
    """
    own, rivals = opponents(rows, accurate)
    if own is None or not rivals:
        return
    best = min(rivals, key=lambda row: row["median_s"])
    for _ in range(rounds):
        for row in (best, own):
            row.update(summed(row["seconds"] + again(row["peer"], row["threads"]).get("seconds", [])))


def machine() -> dict:
    """Processor, cores, load, system, commit and versions."""
    from pvlib.measure.threads import processors
    from pvlib.study import provenance  # here, because it imports torch, whose pool no peer's process should hold

    return {
        "processor": provenance.processor(),
        "cores": processors(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "commit": provenance.commit(),
        "versions": {"python": platform.python_version(), **{name: installed(name) for name in PACKAGES}},
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write(path: Path, results: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
