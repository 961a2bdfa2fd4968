"""Rate of second moments beside the machine's own float32 matrix product. `python benchmarks/streaming.py --help`.

On a CPU those of `Stream.update`, on a GPU those of a tensor that lies there. Writes results/benchmarks/streaming.json, or
streaming-cuda.json. Both are counted as 2 n d^2 operations: a stream is a symmetric product, of
which a library need do only half, so its rate may exceed that of the plain product. They take turns in one process.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from common import child, machine, write

TARGETS = {"cpu": 0.85, "cuda": 1 / 1.5}  # of the product's rate


def on_cuda(batch: int, columns: int) -> dict:
    """Both calls for a tensor on the GPU; each waits until the GPU is done."""
    import torch

    from pvlib.measure.inputs import as_rows

    rows = torch.rand((batch, columns), device="cuda")

    def product() -> None:
        rows.T @ rows
        torch.cuda.synchronize()

    return {"stream": lambda: as_rows(rows).moments(shifted=True, exact=False), "product": product}


def on_cpu(batch: int, columns: int) -> dict:
    """Both calls for arrays."""
    from pvlib.measure.streaming import Stream

    rng = np.random.default_rng(0)
    rows, other = (rng.random((batch, columns), dtype=np.float32) for _ in range(2))
    out = np.empty((columns, columns), np.float32)
    stream = Stream().update(rows)
    return {"stream": lambda: stream.update(rows), "product": lambda: np.matmul(rows.T, other, out=out)}


def measure(device: str, batch: int, columns: int, repeats: int) -> dict:
    """In a child: medians over rounds in which moments and a product of the same size take turns."""
    calls = {"cpu": on_cpu, "cuda": on_cuda}[device](batch, columns)
    seconds = {name: [] for name in calls}
    for _ in range(repeats + 2):
        for name, call in calls.items():
            call()  # after the other one: threads awake, caches filled
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    operations = 2.0 * batch * columns**2
    return {f"{name}_gflops": operations / float(np.median(taken[2:])) / 1e9 for name, taken in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=TARGETS, default="cpu")
    parser.add_argument("--rows", type=int, help="of one batch (default: 8,192; on a GPU 100,000)")
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, help="default: results/benchmarks/streaming[-cuda].json")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        device, *size = arguments.child
        print(json.dumps(measure(device, *map(int, size))))
        return
    gpu = arguments.device == "cuda"
    rows = arguments.rows or (100_000 if gpu else 8192)
    given = [arguments.device, *(str(each) for each in (rows, arguments.columns, arguments.repeats))]
    target = TARGETS[arguments.device]
    results = [
        child(__file__, given, threads) | {"threads": threads}
        for threads in (arguments.threads[-1:] if gpu else arguments.threads)
    ]
    summary = [row | {"ratio": row["stream_gflops"] / row["product_gflops"], "target": target} for row in results]
    shape = {"rows": rows, "columns": arguments.columns, "repeats": arguments.repeats}
    output = arguments.output or Path(f"results/benchmarks/streaming{'-cuda' * gpu}.json")
    write(output, {"machine": machine(), **shape, "results": results, "summary": summary})
    for row in summary:
        print(
            f"{row['threads']} threads: stream {row['stream_gflops']:.0f}, product {row['product_gflops']:.0f} GFLOP/s, "
            f"ratio {row['ratio']:.2f} (aimed at {target:.2f})"
        )


if __name__ == "__main__":
    main()
