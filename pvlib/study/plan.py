"""How long the runs that a study still lacks will take on this machine, from a short timing."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

from ..experiment.data import ImageData, load
from ..experiment.recipe import Recipe
from ..experiment.train import snapshot_steps, train
from ..experiment.training_set import training_set
from .config import Run, Study
from .measuring import Bench
from .runner import check_device, in_a_line, no_memory, of_the_run
from .status import run_state
from .store import Store

TIMED_BATCHES = 3
FINAL_SNAPSHOTS = 6  # what is measured after training takes about as long as this many snapshots


def plan(study: Study, store: Store, *, device: str = "cpu") -> tuple[str, float]:
    """A line per cell (runs to do, estimated seconds a run and in all), and the total in seconds.

    A kind of run (all of its recipe but the seed) is timed by training a few batches and measuring once. The estimate
    holds for one process on a machine that is as busy as now; expect a factor of two either way.
    """
    check_device(device)
    data = {name: load(name) for name in study.datasets}
    todo: dict[str, list[Run]] = {}
    for run in study.runs:
        keys = run.keys(data[run.recipe.dataset].checksum).values()
        if all(run_state(store, key)[0] in ("to do", "begun") for key in keys):
            todo.setdefault(run.cell, []).append(run)
    if not todo:
        return f"{study.name}: nothing is left to do", 0.0
    width, total = max(map(len, todo)), 0.0
    lines = [f"{'cell':{width}}  runs  s a run  s in all"]
    for cell, runs in todo.items():
        try:
            seconds = _cell_seconds(runs, data, device)
        except Exception as error:
            if not (of_the_run(error) or no_memory(error)):
                raise
            lines.append(f"{cell:{width}}  {len(runs):4}  cannot be timed: {in_a_line(error)}")
            continue
        total += seconds
        lines.append(f"{cell:{width}}  {len(runs):4}  {seconds / len(runs):7.0f}  {seconds:8.0f}")
    lines.append(f"{'total':{width}}  {sum(map(len, todo.values())):4}  {'':7}  {total:8.0f}  ({total / 3600:.1f} h)")
    return "\n".join(lines), total


def _cell_seconds(runs: list[Run], data: Mapping[str, ImageData], device: str) -> float:
    """A pool's grid points differ in size and length: each is timed, its seeds are not."""
    kinds: dict[Recipe, float] = {}
    for run in runs:
        kind = dataclasses.replace(run.recipe, seed=0)
        if kind not in kinds:
            kinds[kind] = run_seconds(kind, data[kind.dataset], device)
    return sum(kinds[dataclasses.replace(run.recipe, seed=0)] for run in runs)


def run_seconds(recipe: Recipe, data: ImageData, device: str) -> float:
    """Estimated seconds of one run: its optimiser steps, and its snapshots with what comes at the end."""
    size = len(training_set(recipe, data))
    timed = min(size, TIMED_BATCHES * recipe.batch_size)
    short = dataclasses.replace(recipe, train_size=timed, epochs=2)
    outcome = train(short, data, device=device)
    per_image = outcome.history[-1]["seconds"] / timed  # the first epoch pays for warming up
    bench = Bench(recipe, data, device)
    start = time.perf_counter()
    bench.snapshot(outcome.model, 0)
    snapshot = time.perf_counter() - start
    steps = -(-size // recipe.batch_size) * recipe.epochs
    return per_image * size * recipe.epochs + snapshot * (len(snapshot_steps(steps)) + FINAL_SNAPSHOTS)
