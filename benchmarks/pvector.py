"""Time, accuracy and memory of `p_vector` beside its peers. `python benchmarks/pvector.py --help`.

Writes results/benchmarks/pvector-KERNEL.json for each kernel of the matrix products: that of this processor, and the one of
processors with AVX2 alone. Refuses to start while another process is busy. A peer counts as accurate where 1 - |cos| <= 1e-11
against float64; where it has a tolerance, several are tried and the fastest accurate one counts.

Every peer that can win is tried in every case, in a process for each shape and number of threads. What cannot change who
is the fastest is left out, and the file says so: a peer that is `FAR` behind the best is called no more than twice; where that takes
more than a second, not at the other number of threads, and, if its time does not depend on the spectrum, not with the others.
"""

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from common import (
    COSTLY,
    FAR,
    against,
    better,
    children_lines,
    far,
    machine,
    matrix,
    opponents,
    refuse_company,
    summed,
    timed,
    write,
)
from scipy.linalg import eigh

ACCURATE = 1e-11
SHAPES = {
    "all": [
        *((50_000, d) for d in (64, 100, 256, 400, 512)),
        *((10_000, d) for d in (1000, 2048)),
        *((2000, 512), (3000, 4096)),  # the book's anchors
    ],
    "quick": [(50_000, 64), (50_000, 400), (2000, 512)],
    "small": [(4000, 64), (2000, 300)],
}
KINDS = ("relu", "hard", "centred")
DTYPES = ("float32", "float64")
CASE = ("n", "d", "kind", "dtype")
KERNELS: dict[str, dict[str, str]] = {
    "native": {},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
}
TARGET_MB = 16
LIMIT = 120.0  # seconds for one peer, all matrices of a shape
DECIDED = 2.0  # a ratio above which a second match would tell nothing
ROUNDS = 2  # of second matches
WHOLE = ("numpy svd", "torch svd")  # called once: nobody waits for them twice
DIRECT = ("numpy gram", "torch gram", *WHOLE)  # whose time does not depend on the spectrum


def centred(F, center):
    return F - F.mean(axis=0) if center else F


def ours(method):
    from pvlib.measure.pvector import p_vector

    return lambda F, center: p_vector(F, center=center, method=method).vector


def numpy_svd(F, center):
    return np.linalg.svd(centred(F, center), full_matrices=False)[0][:, 0]


def numpy_gram(F, center):
    """Of the smaller of the two products."""
    F = centred(F, center)
    if F.shape[0] < F.shape[1]:
        return np.linalg.eigh(F @ F.T)[1][:, -1]
    return F @ np.linalg.eigh(F.T @ F)[1][:, -1]


def scipy_svds(solver, tolerance, **options):
    from scipy.sparse.linalg import svds

    def call(F, center):
        rng = np.random.default_rng(0)
        u, _, _ = svds(centred(F, center), k=1, solver=solver, tol=tolerance, rng=rng, **options)
        return u[:, 0]

    return call


def sklearn_randomized(F, center):
    from sklearn.utils.extmath import randomized_svd

    return randomized_svd(centred(F, center), 1, random_state=0)[0][:, 0]


def sklearn_truncated(F, center):
    from sklearn.decomposition import TruncatedSVD

    return TruncatedSVD(1, algorithm="arpack", random_state=0).fit_transform(centred(F, center))[:, 0]


def torch_call(solve):
    import torch

    def call(F, center):
        with torch.no_grad():
            F = torch.from_numpy(F)
            return solve(torch, F - F.mean(dim=0) if center else F).numpy()

    return call


def torch_gram(torch, F):
    if F.shape[0] < F.shape[1]:
        return torch.linalg.eigh(F @ F.T)[1][:, -1]
    return F @ torch.linalg.eigh(F.T @ F)[1][:, -1]


def torch_lowrank(torch, F):
    torch.manual_seed(0)
    return torch.svd_lowrank(F)[0][:, 0]


def torch_lobpcg(torch, F):
    torch.manual_seed(0)
    return F @ torch.lobpcg(F.T @ F, k=1, niter=200)[1][:, 0]


def dask_compressed(F, center):
    import dask.array as da

    blocks = da.from_array(F, chunks=(max(1, len(F) // 8), F.shape[1]))
    blocks = blocks - blocks.mean(axis=0) if center else blocks
    return da.linalg.svd_compressed(blocks, 1, seed=0)[0][:, 0].compute()


PEERS = {  # name: function that makes the call, so that a child imports only what it measures
    "pvlib": lambda: ours("auto"),
    "pvlib gram": lambda: ours("gram"),
    "pvlib krylov": lambda: ours("krylov"),
    "pvlib randomized": lambda: ours("randomized"),
    "numpy gram": lambda: numpy_gram,
    "numpy svd": lambda: numpy_svd,
    "scipy arpack": lambda: scipy_svds("arpack", 0),
    "scipy arpack, tol 1e-4": lambda: scipy_svds("arpack", 1e-4),
    "scipy lobpcg": lambda: scipy_svds("lobpcg", 1e-6, maxiter=200),
    "scipy propack": lambda: scipy_svds("propack", 0, maxiter=60),
    "scipy propack, tol 1e-5": lambda: scipy_svds("propack", 1e-5, maxiter=60),
    "sklearn randomized": lambda: sklearn_randomized,
    "sklearn truncated": lambda: sklearn_truncated,
    "torch gram": lambda: torch_call(torch_gram),
    "torch svd": lambda: torch_call(lambda torch, F: torch.linalg.svd(F, full_matrices=False)[0][:, 0]),
    "torch svd_lowrank": lambda: torch_call(torch_lowrank),
    "torch lobpcg": lambda: torch_call(torch_lobpcg),
    "dask svd_compressed": lambda: dask_compressed,
}

RIVALS = [  # ours, and those that are accurate and the fastest somewhere; the others run with the native kernel and float32 alone
    *("pvlib", "numpy gram", "torch gram", "scipy arpack", "scipy arpack, tol 1e-4"),
    *("scipy propack", "scipy propack, tol 1e-5"),
]


def truth(F: np.ndarray, center: bool) -> np.ndarray:
    """The top left singular vector by float64 moments of the float64 matrix, centred exactly."""
    F = centred(F.astype(np.float64), center)
    wide = F.shape[0] < F.shape[1]
    moments = F @ F.T if wide else F.T @ F
    top = eigh(moments, subset_by_index=(len(moments) - 1, len(moments) - 1))[1][:, 0]
    u = top if wide else F @ top
    return u / np.linalg.norm(u)


def measure(peer: str, folder: Path, cases: list[dict], repeats: int) -> None:
    """In a child: load each matrix, run the peer, compare with the truth; a line of JSON for each case."""
    call, slow = PEERS[peer](), {}
    for case in cases:
        kind, dtype, best = (case[name] for name in ("kind", "dtype", "best_s"))
        case = {name: case[name] for name in ("kind", "dtype")}
        if peer in DIRECT and slow.get(dtype):
            print(json.dumps(case | {"skipped": f"more than {FAR:g} times slower with another spectrum"}), flush=True)
            continue
        F, u = np.load(folder / f"{kind}-{dtype}.npy"), np.load(folder / f"truth-{kind}-{dtype}.npy")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = timed(lambda F=F, kind=kind: call(F, kind == "centred"), repeats, best, once=peer in WHOLE)
        except Exception as error:  # of one peer in one case, which the file tells
            print(json.dumps(case | {"failed": f"{type(error).__name__}: {error}"}), flush=True)
            continue
        v = found.pop("value").astype(np.float64)
        v = v / np.linalg.norm(v)
        v = v if u @ v > 0 else -v
        slow[dtype] = hopeless(found, best)
        print(
            json.dumps(case | found | {"error": float(np.sum((u - v) ** 2) / 2), "kernel": kernel_in_use()}), flush=True
        )


def kernel_in_use() -> str:
    """Of the matrix products of NumPy in this process."""
    from threadpoolctl import threadpool_info

    return next((library["architecture"] for library in threadpool_info() if library.get("architecture")), "unknown")


def read_seconds(path: Path) -> float:
    """Seconds to read the matrix once with two threads: the limit of everything that reads it."""
    F = np.load(path)
    halves = np.array_split(F, 2)
    with ThreadPoolExecutor(2) as pool:
        return timed(lambda: list(pool.map(np.max, halves)), 15)["median_s"]


def save(folder: Path, n: int, d: int, dtypes) -> list[dict]:
    """Matrices and truths of a shape, for the children; its cases, with the time of a plain read."""
    cases = []
    for kind in KINDS:
        F = matrix(n, d, "hard" if kind == "hard" else "relu")
        for dtype in dtypes:
            np.save(folder / f"{kind}-{dtype}.npy", F.astype(dtype))
            np.save(folder / f"truth-{kind}-{dtype}.npy", truth(F, kind == "centred"))
            read = read_seconds(folder / f"{kind}-{dtype}.npy")
            cases.append({"n": n, "d": d, "kind": kind, "dtype": dtype, "read_s": read, "load": os.getloadavg()[0]})
    return cases


def match(folder: Path, cases: list[dict], peers, repeats: int, threads, kernel: dict) -> list[dict]:
    """All peers on the matrices of a shape, ours first; one row a peer and case."""
    best = {(case["kind"], case["dtype"]): np.inf for case in cases}

    def tried(peer: str, keys, t: int) -> dict[tuple, dict]:
        given = [{"kind": kind, "dtype": dtype, "best_s": min(best[kind, dtype], 1e9)} for kind, dtype in keys]
        rows, failure = children_lines(__file__, [peer, str(folder), json.dumps(given), str(repeats)], t, LIMIT, kernel)
        found = {(row["kind"], row["dtype"]): row | {"threads": t} for row in rows}
        return {key: found.get(key, {"failed": failure or "no result", "threads": t}) for key in keys}

    rows = []
    for peer in peers:
        extra = peer not in RIVALS
        keys = [key for key in best if not extra or (key[1] == "float32" and not kernel)]
        tries: dict[tuple, list[dict]] = {key: [] for key in keys}
        for t in sorted(threads, reverse=True)[: 1 if extra else None]:
            near = [key for key in keys if not any(hopeless(row, best[key]) for row in tries[key])]
            for key, row in tried(peer, near, t).items() if near else ():
                tries[key].append(row)
        for case in cases:
            if (key := (case["kind"], case["dtype"])) in tries:
                rows.append({name: case[name] for name in CASE} | {"peer": peer, **better(tries[key])})
                print(line(rows[-1]), flush=True)
                if rows[-1].get("error", 1) <= ACCURATE:
                    best[key] = min(best[key], rows[-1]["median_s"])
    best = dict.fromkeys(best, np.inf)
    for _ in range(ROUNDS):  # what a process gets of memory and caches changes the times of short calls by a third
        again: dict[tuple[str, int], list[dict]] = {}
        for case in cases:
            own, rivals = opponents(of_case(rows, case), ACCURATE)
            if own and rivals and against(own, rivals)["ratio"] < DECIDED:
                for row in (min(rivals, key=lambda row: row["median_s"]), own):
                    again.setdefault((row["peer"], row["threads"]), []).append(row)
        for (peer, t), theirs in again.items():
            new = tried(peer, [(row["kind"], row["dtype"]) for row in theirs], t)
            for row in theirs:
                row.update(summed(row["seconds"] + new[row["kind"], row["dtype"]].get("seconds", [])))
    return rows


def run(shapes, dtypes, peers, repeats, threads, kernels):
    """The content of a file for each kernel, all shapes, kinds and types in each."""
    results: dict[str, list[dict]] = {name: [] for name in kernels}
    reads = []
    for n, d in shapes:
        with tempfile.TemporaryDirectory() as folder:
            cases = save(Path(folder), n, d, dtypes)
            reads += cases
            for name in kernels:
                results[name] += match(Path(folder), cases, peers, repeats, threads, KERNELS[name])
    for found in results.values():
        rows = summary(found, reads)
        yield {
            "accurate": ACCURATE,
            "target_mb": TARGET_MB,
            "kernel": next((row["kernel"] for row in found if "kernel" in row), "unknown"),
            "machine": machine(),
            "reads": reads,
            "results": found,
            "summary": rows,
            "geometric_mean": float(np.exp(np.mean([np.log(row["ratio"]) for row in rows]))) if rows else None,
        }


def line(row: dict) -> str:
    head = f"{row['n']:>6} x {row['d']:<5} {row['kind']:8} {row['dtype']} {row['peer']:24}"
    if "median_s" not in row:
        return f"{head} {row.get('failed') or row['skipped']}"
    return f"{head} {1e3 * row['median_s']:9.2f} ms  1-cos {row['error']:.1e}  {row['threads']} threads, {row['repeats']} calls"


def hopeless(row: dict, best: float) -> bool:
    """Whether there is no need to wait for a peer at the other number of threads, or with the other spectra."""
    return "skipped" in row or (row.get("median_s", 0.0) > COSTLY and far(row["median_s"], best))


def of_case(rows: list[dict], case: dict) -> list[dict]:
    return [row for row in rows if all(row[name] == case[name] for name in CASE)]


def summary(results: list[dict], reads: list[dict]) -> list[dict]:
    """For each case: ours, the fastest peer that is as accurate, and their ratio."""
    rows = []
    for read in reads:
        own, rivals = opponents(of_case(results, read), ACCURATE)
        if own is not None and rivals:
            case = {name: read[name] for name in CASE}
            rows.append(case | against(own, rivals) | {"reads": own["median_s"] / read["read_s"]})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", choices=SHAPES, default="all")
    parser.add_argument("--quick", action="store_true", help="three shapes, float32, the rivals that matter")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=list(KERNELS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help="default: all, or those that matter")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks"), help="a folder")
    parser.add_argument("--even-if-busy", action="store_true", help="for trying it out: the numbers mean nothing")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        peer, folder, cases, repeats = arguments.child
        measure(peer, Path(folder), json.loads(cases), int(repeats))
        return
    refuse_company(arguments.even_if_busy)
    began = time.perf_counter()
    shapes, dtypes, peers = SHAPES[arguments.shapes], arguments.dtypes, arguments.peers or list(PEERS)
    if arguments.quick:
        shapes, dtypes, peers = SHAPES["quick"], DTYPES[:1], arguments.peers or RIVALS
    for found in run(shapes, dtypes, peers, arguments.repeats, arguments.threads, arguments.kernels):
        command = shlex.join(["python", "benchmarks/pvector.py", *sys.argv[1:]])
        write(arguments.output / f"pvector-{found['kernel'].lower()}.json", found | {"command": command})
        for row in found["summary"]:
            print(
                f"{row['n']:>6} x {row['d']:<5} {row['kind']:8} {row['dtype']} {1e3 * row['ours_s']:8.2f} ms, "
                f"{row['reads']:5.1f} reads: {row['ratio']:.2f} x {row['best_peer']}"
            )
        if found["summary"]:
            least = min(row["ratio"] for row in found["summary"])
            print(f"{found['kernel']}: geometric mean {found['geometric_mean']:.2f}, least {least:.2f}")
    print(f"{(time.perf_counter() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
