"""What the scripts in `benchmarks/` measured: `results/benchmarks/NAME.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

KINDS = {"relu": "ReLU features", "hard": "near tie", "centred": "centred"}
TITLES = {
    "cka": "linear CKA",
    "cka debiased": "linear CKA, debiased",
    "svcca": "SVCCA",
    "mlp": "MLP",
    "resnet20": "ResNet-20",
    "simclr_resnet20": "SimCLR (ResNet-20)",
    "simclr_lenet": "SimCLR (LeNet)",
    "mnist_input": "MNIST input alone",
    "simclr_views": "SimCLR views alone",
}


@dataclass(frozen=True)
class Benchmark:
    """One file of results.

    Attributes
    ----------
    name
        Of the file, without its ending.
    content
        What the script wrote.
    """

    name: str
    content: dict

    @cached_property
    def results(self) -> pd.DataFrame:
        """One row a peer and case."""
        return _in_order(self.content["results"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a case: ours beside the best of the others."""
        return _in_order(self.content["summary"])

    @property
    def origin(self) -> str:
        """Where the numbers come from: command, commit, machine, versions, time."""
        machine = self.content["machine"]
        kernel = f" (kernel {self.content['kernel']})" if "kernel" in self.content else ""
        versions = ", ".join(f"{name} {value}" for name, value in machine["versions"].items() if value)
        command = self.content.get("command", f"python benchmarks/{self.name.split('-')[0]}.py")
        return (
            f"made by `{command}` at commit {machine['commit']} on "
            f"{machine['cores']} cores of {machine['processor']}{kernel}, load {machine['load']:.1f}, {machine['measured_at'][:10]}; {versions}"
        )


def _in_order(rows: list[dict]) -> pd.DataFrame:
    """By the number of features where the rows have one: a shape that was measured again stands last in the file."""
    frame = pd.DataFrame(rows)
    return frame.sort_values("d", kind="stable", ignore_index=True) if "d" in frame else frame


def load(name: str, folder: str | Path) -> Benchmark | None:
    """The results of `benchmarks/NAME.py` in `folder` (`results/benchmarks`); None where it was not run.

    Raises
    ------
    ValueError
        The file is damaged.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        return None
    try:
        return Benchmark(name, json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged ({error}); run the benchmark again or restore the file") from error


def load_kernels(name: str, folder: str | Path) -> list[Benchmark]:
    """The results of a script that writes a file for each kernel of the matrix products, `NAME-KERNEL.json`; where there is
    none, that of `NAME.json`.
    """
    stems = (path.stem for path in Path(folder).glob(f"{name}-*.json"))
    names = sorted(stems, key=lambda stem: (stem.endswith("-haswell"), stem)) or [name]  # AVX2 alone comes last
    return [found for each in names if (found := load(each, folder))]


def shape(row) -> str:
    """ "50,000 × 512", with the type of the entries where there are several."""
    return f"{row.n:,} × {row.d:,}" + (f", {row.dtype}" if hasattr(row, "dtype") and isinstance(row.dtype, str) else "")


def spread(row, name: str) -> str:
    """ "1.45 (1.38-1.52)": a ratio and its range."""
    middle, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def p_vector_table(found: Benchmark) -> pd.DataFrame:
    """Ours beside the fastest peer that is as accurate, one row a shape and kind of spectrum, in words for the page."""
    return pd.DataFrame([
        {
            "samples × features": shape(row), "spectrum": KINDS[row.kind], "ours (ms)": f"{1e3 * row.ours_s:.1f}",
            "1 − |cos|": f"{row.error:.0e}", "fastest as accurate": row.best_peer,
            "its time (ms)": f"{1e3 * row.best_peer_s:.1f}", "ratio": spread(row, "ratio"),
            "times a plain read": f"{row.reads:.0f}", "extra memory (MB)": f"{row.extra_mb:.0f}",
        }
        for row in found.summary.itertuples()
    ])  # fmt: skip


def training_table(found: Benchmark) -> pd.DataFrame:
    """Images a second of each way, one row a task, in words for the page; a dash where a way does not apply."""

    def rate(value: float) -> str:
        return f"{value:,.0f}" if value == value else "-"

    return pd.DataFrame([
        {
            "task": TITLES[row.case], "ordinary (images/s)": rate(row.ordinary), "ours, float32": rate(row.ours_f32),
            "ours, as the recipes train": rate(row.ours_default), "batches prepared beforehand": rate(row.prepared),
            "ratio, float32": spread(row, "ratio_f32"), "ratio, recipes": spread(row, "ratio_default"),
        }
        for row in found.summary.astype({"prepared": float}).itertuples()
    ])  # fmt: skip
