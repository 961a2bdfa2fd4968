"""Time, accuracy and memory of CKA and SVCCA beside their peers, in one run. `python benchmarks/similarity.py --help`.

Writes results/benchmarks/similarity.json. A peer counts as accurate where it is within 1e-6 of the definition in float64
(float32 peers are not, where means are large beside deviations: tests/measure/test_peers.py has the faults).
"""

import argparse
import json
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from common import against, better, child, installed, machine, matrix, opponents, rematch, timed, write

ACCURATE = 1e-6
VARIANCE = 0.99  # of SVCCA
SHAPES = [(2000, 256), (10000, 512), (2000, 4096)]
SMALL = [(600, 48), (200, 300)]
# Samples above which a peer takes longer than all the rest: kernels of n x n numbers, and products of these.
LIMIT = {"ckatorch": 5000, "torch-cka": 5000, "repsim": 1000, "cca-zoo": 5000}
LARGE, FEW = 1 << 21, 3  # matrices of more entries are measured so often, at most


def ours(name, **options):
    from pvlib.measure import similarity

    return lambda A, B: getattr(similarity, name)(A, B, **options)


def double(F):
    """Centred, in float64."""
    F = F.astype(np.float64)
    return F - F.mean(axis=0)


def numpy_cka(A, B):
    A, B = double(A), double(B)
    return np.linalg.norm(A.T @ B) ** 2 / np.linalg.norm(A.T @ A) / np.linalg.norm(B.T @ B)


def numpy_debiased(A, B):
    """Song et al. (2012) term by term; the sums over n x n kernels come from the features where these are narrow."""
    A, B = double(A), double(B)
    n = len(A)

    def hsic(X, Y):
        k, l = np.sum(X * X, axis=1), np.sum(Y * Y, axis=1)  # noqa: E741 - the diagonals, which count as 0
        rows_k, rows_l = X @ X.sum(axis=0) - k, Y @ Y.sum(axis=0) - l
        cross = np.linalg.norm(X.T @ Y) ** 2 - k @ l if X.shape[1] <= n else np.sum((X @ X.T) * (Y @ Y.T)) - k @ l
        return cross + rows_k.sum() * rows_l.sum() / (n - 1) / (n - 2) - 2 * (rows_k @ rows_l) / (n - 2)

    return float(hsic(A, B) / np.sqrt(hsic(A, A) * hsic(B, B)))


def ckatorch(unbiased):
    import torch
    from ckatorch.core import cka_base

    def call(A, B):
        with torch.no_grad():
            return cka_base(torch.from_numpy(A), torch.from_numpy(B), unbiased=unbiased)

    return call


def repsim_cka():
    import repsim

    return lambda A, B: repsim.cka([A, B], kernel_type="linear", estimator="gretton")[0, 1]


def torch_cka():
    """Networks that pass their input on, in one batch: the package offers no function of matrices."""
    import torch
    from torch_cka import CKA

    def call(A, B):
        loaders = [torch.utils.data.DataLoader(Batch(F), batch_size=None) for F in (A, B)]
        networks = [torch.nn.Sequential(torch.nn.Identity()) for _ in "ab"]
        found = CKA(*networks, "a", "b", model1_layers=["0"], model2_layers=["0"])
        with torch.no_grad():
            found.compare(*loaders)
        return found.export()["CKA"][0, 0]

    return call


class Batch:
    """A data set of one item, which is the whole batch: no time goes into collating rows."""

    def __init__(self, F):
        self.F = F

    def __len__(self):
        return 1

    def __getitem__(self, index):
        import torch

        return (torch.from_numpy(self.F),)


def reduced(F):
    """(left singular vectors, singular values) that hold the variance, by SVD."""
    left, sigmas, _ = np.linalg.svd(double(F), full_matrices=False)
    kept = int(np.searchsorted(np.cumsum(sigmas**2) / np.sum(sigmas**2), VARIANCE)) + 1
    return left[:, :kept], sigmas[:kept]


def numpy_svcca(A, B):
    return np.linalg.svd(reduced(A)[0].T @ reduced(B)[0], compute_uv=False).mean()


def cca_zoo():
    """The directions by SVD, as nothing in the package chooses them, and its CCA."""
    from cca_zoo.linear import CCA

    def call(A, B):
        views = [left * sigmas for left, sigmas in map(reduced, (A, B))]
        x, y = CCA(n_components=min(view.shape[1] for view in views)).fit(views).transform(views)
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        return np.mean(np.sum(x * y, axis=0) / np.linalg.norm(x, axis=0) / np.linalg.norm(y, axis=0))

    return call


PEERS = {  # measure: {name: function that makes the call, so that a child imports only what it measures}
    "cka": {
        "pvlib": lambda: ours("linear_cka"),
        "numpy": lambda: numpy_cka,
        "ckatorch": lambda: ckatorch(False),
        "repsim": repsim_cka,
    },
    "cka debiased": {
        "pvlib": lambda: ours("linear_cka", debiased=True),
        "numpy": lambda: numpy_debiased,
        "ckatorch": lambda: ckatorch(True),
        "torch-cka": torch_cka,
    },
    "svcca": {"pvlib": lambda: ours("svcca", variance=VARIANCE), "numpy": lambda: numpy_svcca, "cca-zoo": cca_zoo},
}
NAMES = sorted({name for peers in PEERS.values() for name in peers})


# The definitions in float64: the peer "numpy" has no error because it is them.
TRUTHS = {"cka": numpy_cka, "cka debiased": numpy_debiased, "svcca": numpy_svcca}


def pair(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 feature matrices that share a part."""
    A, other = matrix(n, d, "relu", seed=0), matrix(n, d, "relu", seed=1)
    mixing = np.random.default_rng(2).standard_normal((d, d), dtype=np.float32) / np.float32(np.sqrt(d))
    return A, np.maximum(A @ mixing + other, 0)


def suits(measure: str, n: int, d: int) -> bool:
    """SVCCA of a matrix wider than long is near 1 whatever the features are: nobody should wait for it."""
    return measure != "svcca" or d < n


def measure_peer(measure: str, peer: str, folder: Path, repeats: int) -> dict:
    """In a child: load the matrices, run the peer, compare with the truth."""
    A, B = (np.load(folder / f"{name}.npy") for name in "AB")
    truth = json.loads((folder / "truth.json").read_text())[measure]
    call, repeats = PEERS[measure][peer](), min(repeats, FEW) if A.size > LARGE else repeats
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = timed(lambda: float(call(A, B)), repeats)
    return found | {"error": abs(found["value"] - truth)}


def run(shapes, peers, repeats, threads) -> dict:
    results, left_out = [], []
    for n, d in shapes:
        with tempfile.TemporaryDirectory() as name:
            save(Path(name), n, d)
            for measure in (measure for measure in PEERS if suits(measure, n, d)):
                here = []
                for peer in (peer for peer in PEERS[measure] if peer in peers):
                    if n > LIMIT.get(peer, n):
                        left_out.append({"n": n, "d": d, "measure": measure, "peer": peer, "limit": LIMIT[peer]})
                        continue
                    tries = [once(measure, name, repeats, peer, t) for t in threads]
                    here.append({"n": n, "d": d, "measure": measure, "peer": peer, **better(tries)})
                    print(line(here[-1]), flush=True)
                rematch(here, partial(once, measure, name, repeats), ACCURATE)
                results += here
    return {
        "accurate": ACCURATE,
        "machine": machine(),
        "versions": {name: installed(name) for name in LIMIT},
        "results": results,
        "left_out": left_out,
        "summary": summary(results),
    }


def save(folder: Path, n: int, d: int) -> None:
    """Matrices and truths, for the children."""
    A, B = pair(n, d)
    np.save(folder / "A.npy", A)
    np.save(folder / "B.npy", B)
    truths = {measure: float(truth(A, B)) for measure, truth in TRUTHS.items() if suits(measure, n, d)}
    (folder / "truth.json").write_text(json.dumps(truths))


def once(measure: str, folder: str, repeats: int, peer: str, threads: int) -> dict:
    """The result of one process, or its failure."""
    return child(__file__, [measure, peer, folder, str(repeats)], threads) | {"threads": threads}


def line(row: dict) -> str:
    head = f"{row['n']:>6} x {row['d']:<5} {row['measure']:13} {row['peer']:10}"
    if "failed" in row:
        return f"{head} {row['failed']}"
    return f"{head} {1e3 * row['median_s']:9.2f} ms  error {row['error']:.1e}  {row['extra_mb']:7.1f} MB  {row['threads']} threads"


def summary(results: list[dict]) -> list[dict]:
    """For each shape and measure: ours, the fastest peer that is as accurate, and their ratio."""
    rows = []
    for case in dict.fromkeys((r["n"], r["d"], r["measure"]) for r in results):
        own, rivals = opponents([r for r in results if (r["n"], r["d"], r["measure"]) == case], ACCURATE)
        if own is not None and rivals:
            rows.append(dict(zip(("n", "d", "measure"), case, strict=True)) | against(own, rivals))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="small matrices, in seconds: to see that it works")
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=NAMES, metavar="PEER", help=", ".join(NAMES))
    parser.add_argument("--repeats", type=int, default=9, help=f"{FEW} at most for large matrices")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/similarity.json"))
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure, peer, folder, repeats = arguments.child
        print(json.dumps(measure_peer(measure, peer, Path(folder), int(repeats))))
        return
    shapes = SMALL if arguments.small else SHAPES
    found = run(shapes, arguments.peers, arguments.repeats, arguments.threads)
    write(arguments.output, found)
    for row in found["summary"]:
        print(
            f"{row['n']:>6} x {row['d']:<5} {row['measure']:13} {1e3 * row['ours_s']:8.2f} ms, "
            f"{row['extra_mb']:5.1f} MB: {row['ratio']:.2f} x {row['best_peer']}"
        )


if __name__ == "__main__":
    main()
