"""Rate of `Stream.update` beside the machine's own float32 matrix product. `python benchmarks/streaming.py --help`.

Writes results/benchmarks/streaming.json. Both are counted as 2 n d^2 operations: a stream is a symmetric product, of
which a library need do only half, so its rate may exceed that of the plain product. They take turns in one process.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from common import child, machine, write

TARGET = 0.85  # of the product's rate


def measure(batch: int, columns: int, repeats: int) -> dict:
    """In a child: medians over rounds in which an update and a product of the same size take turns."""
    from pvlib.measure.streaming import Stream

    rng = np.random.default_rng(0)
    rows, other = (rng.random((batch, columns), dtype=np.float32) for _ in range(2))
    out = np.empty((columns, columns), np.float32)
    stream = Stream().update(rows)
    calls = {"stream": lambda: stream.update(rows), "product": lambda: np.matmul(rows.T, other, out=out)}
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
    parser.add_argument("--rows", type=int, default=8192, help="of one batch")
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/streaming.json"))
    parser.add_argument("--child", nargs=3, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(*arguments.child)))
        return
    size = (arguments.rows, arguments.columns, arguments.repeats)
    results = [
        child(__file__, [str(each) for each in size], threads) | {"threads": threads} for threads in arguments.threads
    ]
    summary = [row | {"ratio": row["stream_gflops"] / row["product_gflops"], "target": TARGET} for row in results]
    shape = {"rows": arguments.rows, "columns": arguments.columns, "repeats": arguments.repeats}
    write(arguments.output, {"machine": machine(), **shape, "results": results, "summary": summary})
    for row in summary:
        print(
            f"{row['threads']} threads: stream {row['stream_gflops']:.0f}, product {row['product_gflops']:.0f} GFLOP/s, "
            f"ratio {row['ratio']:.2f} (aimed at {TARGET})"
        )


if __name__ == "__main__":
    main()
