"""Time, accuracy and memory of `p_vector` beside its peers. `python benchmarks/pvector.py --help`.

Writes results/benchmarks/pvector-KERNEL.json for each kernel of the matrix products: that of this processor, and the one of
processors with AVX2 alone. Refuses to start while another process is busy. A peer counts as accurate where 1 - |cos| <= 1e-11
against float64; where it has a tolerance, several are tried and the fastest accurate one counts.
"""

import argparse
import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
from common import against, better, child, machine, matrix, opponents, refuse_company, rematch, timed, write

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
KERNELS: dict[str, dict[str, str]] = {
    "native": {},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
}
TARGET_MB = 16
LIMIT = 60.0  # seconds for one peer on one matrix, all repeats
WHOLE = ("numpy svd", "torch svd", "scipy lobpcg")  # slow whatever the threads, so measured with all of them only


def centred(F, center):
    return F - F.mean(axis=0) if center else F


def ours(method):
    from pvlib.measure.pvector import p_vector

    return lambda F, center: p_vector(F, center=center, method=method).vector


def numpy_svd(F, center):
    return np.linalg.svd(centred(F, center), full_matrices=False)[0][:, 0]


def numpy_gram(F, center):
    F = centred(F, center)
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

RIVALS = [  # accurate, and the fastest somewhere: the others are measured with the native kernel and float32 alone
    *("pvlib", "pvlib gram", "pvlib krylov", "numpy gram", "torch gram", "scipy arpack", "scipy arpack, tol 1e-4"),
    *("scipy propack", "scipy propack, tol 1e-5"),
]


def truth(F: np.ndarray, center: bool) -> np.ndarray:
    """The top left singular vector by float64 moments of the float64 matrix, centred exactly."""
    F = centred(F.astype(np.float64), center)
    u = F @ np.linalg.eigh(F.T @ F)[1][:, -1]
    return u / np.linalg.norm(u)


def measure(peer: str, folder: Path, center: bool, repeats: int) -> dict:
    """In a child: load the matrix, run the peer, compare with the truth."""
    F, u = np.load(folder / "matrix.npy"), np.load(folder / f"truth-{int(center)}.npy")
    call = PEERS[peer]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = timed(lambda: call(F, center), repeats)
    v = found.pop("value").astype(np.float64)
    v = v / np.linalg.norm(v)
    v = v if u @ v > 0 else -v
    return found | {"error": float(np.sum((u - v) ** 2) / 2), "kernel": kernel_in_use()}


def kernel_in_use() -> str:
    """Of the matrix products of NumPy in this process."""
    from threadpoolctl import threadpool_info

    return next((library["architecture"] for library in threadpool_info() if library.get("architecture")), "unknown")


def read_seconds(folder: Path) -> float:
    """Seconds to read the matrix once with two threads: the limit of everything that reads it."""
    from concurrent.futures import ThreadPoolExecutor

    F = np.load(folder / "matrix.npy")
    halves = np.array_split(F, 2)
    with ThreadPoolExecutor(2) as pool:
        return timed(lambda: list(pool.map(np.max, halves)), 15)["median_s"]


def run(shapes, dtypes, peers, repeats, threads, kernel: dict) -> dict:
    """All shapes, kinds and types with one kernel."""
    results, reads = [], []
    for n, d, kind, dtype in ((*shape, kind, dtype) for shape in shapes for kind in KINDS for dtype in dtypes):
        with tempfile.TemporaryDirectory() as name:
            folder, center = Path(name), kind == "centred"
            F = matrix(n, d, "hard" if kind == "hard" else "relu").astype(dtype)
            np.save(folder / "matrix.npy", F)
            np.save(folder / f"truth-{int(center)}.npy", truth(F, center))
            del F
            case = {"n": n, "d": d, "kind": kind, "dtype": dtype}
            reads.append(case | {"read_s": read_seconds(folder), "load": os.getloadavg()[0]})

            def once(peer: str, t: int, given=(name, str(int(center)), str(repeats))) -> dict:
                return child(__file__, [peer, *given], t, LIMIT, kernel) | {"threads": t}

            here = []
            for peer in peers or (PEERS if dtype == "float32" and not kernel else RIVALS):
                tries = [once(peer, t) for t in (threads if peer not in WHOLE else threads[-1:])]
                here.append(case | {"peer": peer, **better(tries)})
                print(line(here[-1]), flush=True)
            rematch(here, once, ACCURATE)
            results += here
    rows = summary(results, reads)
    return {
        "accurate": ACCURATE,
        "target_mb": TARGET_MB,
        "kernel": next((row["kernel"] for row in results if "kernel" in row), "unknown"),
        "machine": machine(),
        "reads": reads,
        "results": results,
        "summary": rows,
        "geometric_mean": float(np.exp(np.mean([np.log(row["ratio"]) for row in rows]))) if rows else None,
    }


def line(row: dict) -> str:
    head = f"{row['n']:>6} x {row['d']:<5} {row['kind']:8} {row['dtype']} {row['peer']:24}"
    if "failed" in row:
        return f"{head} {row['failed']}"
    return f"{head} {1e3 * row['median_s']:9.2f} ms  1-cos {row['error']:.1e}  {row['extra_mb']:7.1f} MB  {row['threads']} threads"


def summary(results: list[dict], reads: list[dict]) -> list[dict]:
    """For each case: ours, the fastest peer that is as accurate, and their ratio."""
    rows, names = [], ("n", "d", "kind", "dtype")
    for read in reads:
        case = {name: read[name] for name in names}
        own, rivals = opponents([r for r in results if all(r[name] == case[name] for name in names)], ACCURATE)
        if own is not None and rivals:
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
        peer, folder, center, repeats = arguments.child
        print(json.dumps(measure(peer, Path(folder), bool(int(center)), int(repeats))))
        return
    refuse_company(arguments.even_if_busy)
    shapes, dtypes, peers = SHAPES[arguments.shapes], arguments.dtypes, arguments.peers
    if arguments.quick:
        shapes, dtypes, peers = SHAPES["quick"], DTYPES[:1], peers or RIVALS
    for name in arguments.kernels:
        found = run(shapes, dtypes, peers, arguments.repeats, arguments.threads, KERNELS[name])
        write(arguments.output / f"pvector-{found['kernel'].lower()}.json", found)
        for row in found["summary"]:
            print(
                f"{row['n']:>6} x {row['d']:<5} {row['kind']:8} {row['dtype']} {1e3 * row['ours_s']:8.2f} ms, "
                f"{row['reads']:5.1f} reads, {row['extra_mb']:5.1f} MB: {row['ratio']:.2f} x {row['best_peer']}"
            )
        if found["summary"]:
            least = min(row["ratio"] for row in found["summary"])
            print(f"{found['kernel']}: geometric mean {found['geometric_mean']:.2f}, least {least:.2f}")


if __name__ == "__main__":
    main()
