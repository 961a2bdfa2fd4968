"""Train and measure the runs of a study, resumably."""

from __future__ import annotations

import datetime
import math
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import torch

from ..experiment.data import DataError, ImageData, load
from ..experiment.evaluate import evaluate, score
from ..experiment.forward import is_out_of_memory
from ..experiment.precision import effective
from ..experiment.train import Checkpoint, DivergedError, train
from ..nearest import nearest
from . import provenance
from .config import NUMERICS_VERSION, Run, Study
from .measuring import OTHER, Bench, NotFinite
from .store import Busy, Store
from .store_files import measured


class TimeUp(Exception):
    """The time limit is reached; the checkpoint of the last epoch is stored."""


@dataclass
class Pace:
    """How often checkpoints are written: after every epoch, but where that is slow for a twentieth of the time at most."""

    took: float = 0.0
    ended: float = -math.inf

    def due(self) -> bool:
        return self.took < 0.1 or time.perf_counter() - self.ended > 20 * self.took

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_) -> None:
        self.ended = time.perf_counter()
        self.took = self.ended - self.began


@dataclass
class Recorder:
    """The observer of one run: measures at the steps that training calls it at, and remembers."""

    bench: Bench
    vectors: dict[str, torch.Tensor] = field(default_factory=dict)
    rows: list[dict] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, step: int, epoch: float, model: torch.nn.Module, stats: dict) -> None:
        start = time.perf_counter()
        try:
            vectors, rows = self.bench.snapshot(model, step)
        except NotFinite as error:  # the step's loss was still finite, what it did to the weights was not
            raise DivergedError(math.ceil(epoch), step) from error
        self.vectors.update(vectors)
        self.rows += [
            {"step": step, "epoch": epoch, "train_loss": stats.get("train_loss", math.nan), **row} for row in rows
        ]
        self.seconds += time.perf_counter() - start


def choose(runs: Sequence[Run], *, shard: tuple[int, int] = (1, 1), only: str = "*") -> list[Run]:
    """The part of a study that one process works on: every n-th run from the i-th, cells matching a glob.

    Raises
    ------
    ValueError
        No cell matches; the nearest are named.
    """
    matching = [run for run in runs if fnmatchcase(run.cell, only)]
    if not matching:
        raise ValueError(f"no cell matches {only!r}; {nearest(only, dict.fromkeys(run.cell for run in runs))}")
    part, parts = shard
    return matching[part - 1 :: parts]


def run_study(
    study: Study,
    store: Store,
    *,
    shard=(1, 1),
    only="*",
    time_limit: float | None = None,
    device: str = "cpu",
    published: Set[str] = frozenset(),
) -> Counter:
    """Do every run that the store lacks, but for those whose keys are `published`.

    Returns
    -------
    Counter
        Runs by outcome: done, present (was there before), published, failed, busy (another process has it), left (time
        is up), no_memory (not recorded, and tried again by the next call).

    Raises
    ------
    ValueError
        The device cannot be used, or no cell matches `only`.
    OSError
        A file cannot be written; what was finished is stored.
    """
    check_device(device)
    outcome: Counter = Counter()
    # A float32 recipe means it: TF32 rounds what a convolution reads to 11 bits.
    torch.backends.cudnn.allow_tf32 = False
    end = math.inf if time_limit is None else time.monotonic() + time_limit
    chosen = choose(study.runs, shard=shard, only=only)
    data = {name: load(name) for name in dict.fromkeys(run.recipe.dataset for run in chosen)}
    others = {name: _other(name) for name in {run.recipe.dataset for run in chosen if run.role != "pool"}}
    worked = False
    for number, run in enumerate(chosen, 1):
        keys = run.keys(data[run.recipe.dataset].checksum)
        here = keys[effective(run.recipe.precision, device)]
        title = f"[{number}/{len(chosen)}] {run.cell} seed {run.recipe.seed} ({here})"
        if not published.isdisjoint(keys.values()):
            outcome["published"] += 1
            continue
        if time.monotonic() > end and worked:  # each call does an epoch at least, so slices always get on
            outcome["left"] += 1
            continue
        try:
            # Computed in another precision and held here, it is done; where that turns out to be damaged, it is done anew.
            for key in dict.fromkeys((store.held(keys.values()) or here, here)):
                with store.lock(key):
                    if (known := store.claim(key)) is not None:
                        store.tidy(key, known)  # a kill just after the record was written leaves its checkpoint
                        result = "failed" if known["status"] == "failed" else "present"
                        break
                    if key == here:
                        other = None if run.role == "pool" else others[run.recipe.dataset]
                        found = data[run.recipe.dataset]
                        result = do_run(run, key, store, found, other, device=device, end=end, title=title)
                        worked = True
        except Busy as error:
            say(f"{title}: {error}")
            result = "busy"
        except TimeUp:
            say(f"{title}: time limit reached, the run goes on from here next time")
            worked, result = True, "left"
        except (RuntimeError, MemoryError) as error:
            if not no_memory(error):
                raise
            batch = run.recipe.batch_size
            say(
                f"{title}: NO MEMORY on {device} with batches of {batch} ({' '.join(str(error).split())}); use another device or smaller batches"
            )
            worked, result = True, "no_memory"
        outcome[result] += 1
    return outcome


def _other(name: str) -> ImageData | None:
    """The data set whose anchor networks of this one are shown, too; None where there is none, or it is not to be had."""
    if name not in OTHER:
        return None
    try:
        return load(OTHER[name])
    except DataError as error:
        say(f"networks of {name} are not shown images of {OTHER[name]}: {error}")
        return None


def check_device(device: str) -> None:
    """Refuse a device that cannot compute here, before every run fails on it.

    Raises
    ------
    ValueError
        The device, and why.
    """
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split(". ")[0].split())
        raise ValueError(f"device {device!r} cannot be used here: {reason}") from error


def do_run(
    run: Run,
    key: str,
    store: Store,
    data: ImageData,
    other: ImageData | None,
    *,
    device: str,
    end: float,
    title: str,
) -> str:
    """One run that has no record yet, from its checkpoint where there is one. Returns done or failed."""
    bench = Bench(run.recipe, data, device, other)
    recorder, resume, spent = _restore(store, key, bench)
    say(f"{title}: " + (f"resumed after epoch {resume.meta['epoch']}" if resume else "starts"))
    start = time.perf_counter() - spent
    pace = Pace()

    def save(checkpoint: Checkpoint) -> None:
        up, spent = time.monotonic() > end, time.perf_counter() - start
        if up or pace.due():
            tensors = {f"train/{name}": value for name, value in checkpoint.tensors.items()}
            tensors |= {f"snapshot/{name}": value for name, value in recorder.vectors.items()}
            note = {"train": checkpoint.meta, "rows": recorder.rows, "measure_s": recorder.seconds, "wall_s": spent}
            with pace:
                store.save_checkpoint(key, tensors, note)
        say(f"{title}: {_progress(checkpoint.meta, run.recipe.epochs, spent)}")
        if up:
            raise TimeUp

    record = {
        "recipe": run.recipe.to_dict(),
        "data_sha256": data.checksum,
        "numerics_version": NUMERICS_VERSION,
        "computed_precision": effective(run.recipe.precision, device),
        **provenance.machine(device),
    }
    try:
        outcome = train(run.recipe, data, device=device, observer=recorder, resume=resume, save=save)
        try:
            found = measure_final(outcome, bench, recorder)
        except NotFinite as error:  # on samples that are not of the anchor
            raise DivergedError(run.recipe.epochs, outcome.total_steps) from error
        metrics = evaluate(outcome.model, run.recipe, data, device=device)
        name, value = score(metrics, run.recipe)
        similarity = bench.similarity_to_data(outcome.model)
    except Exception as error:
        if not of_the_run(error):
            raise
        reason = in_a_line(error)
        record |= {"status": "failed", "failure": reason, "failed_epoch": getattr(error, "epoch", None)}
        record |= {"traceback": traceback.format_exc(), "wall_s": time.perf_counter() - start, "finished_at": now()}
        store.finish(key, record, {}, {})
        say(f"{title}: FAILED, {reason}")
        return "failed"
    record |= {
        "status": "done",
        "failure": None,
        "failed_epoch": None,
        "steps": outcome.total_steps,
        **metrics,
        "score_name": name,
        "score": value,
        "parameters": sum(p.numel() for p in outcome.model.parameters()),
        "cka_data": similarity,
        "wall_s": time.perf_counter() - start,
        "measure_s": recorder.seconds,
        "finished_at": now(),
    }
    store.finish(key, record, found["tensors"], {**found["rows"], "history": outcome.history})
    say(f"{title}: done in {record['wall_s']:.0f} s, {name} {value:.4f}")
    return "done"


def no_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and is_out_of_memory(error))


def of_the_run(error: Exception) -> bool:
    """Whether the run itself is at fault, so that it would fail again: not the machine, its memory, its disk or the time."""
    return not (no_memory(error) or isinstance(error, OSError | ImportError | torch.AcceleratorError | TimeUp))


def in_a_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, DivergedError) else f"{type(error).__name__}: {text}"


def measure_final(outcome, bench: Bench, recorder: Recorder) -> dict:
    """All that later tables need of the trained network and of the same network before training."""
    start = time.perf_counter()
    vectors, rows = bench.finals(outcome.model, "trained")
    elsewhere, elsewhere_rows = bench.elsewhere(outcome.model, "trained")
    for state, model in bench.untrained().items():
        more, more_rows = bench.finals(model, state)
        vectors |= more
        rows += more_rows
        if state == "untrained":
            more, more_rows = bench.elsewhere(model, state)
            elsewhere |= more
            elsewhere_rows += more_rows
    full, shift = bench.whole(outcome.model)
    recorder.seconds += time.perf_counter() - start
    return {
        "tensors": {
            "vectors": vectors | elsewhere,
            "full": full,
            "weights": outcome.model.state_dict(),
            "snapshots": {name: v.half() for name, v in recorder.vectors.items()},
        },
        "rows": {"snapshots": recorder.rows, "finals": rows, "elsewhere": elsewhere_rows, "anchor_shift": shift},
    }


def _restore(store: Store, key: str, bench: Bench) -> tuple[Recorder, Checkpoint | None, float]:
    found = store.checkpoint(key)
    if found is None:
        return Recorder(bench), None, 0.0
    tensors, note = found

    def part(prefix):
        return {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}

    recorder = Recorder(bench, part("snapshot/"), measured(note["rows"]), note["measure_s"])
    return recorder, Checkpoint(part("train/"), note["train"]), note["wall_s"]


def _progress(meta: dict, epochs: int, spent: float) -> str:
    done = meta["epoch"]
    left = spent / done * (epochs - done) if done else math.nan
    loss = meta["history"][-1]["train_loss"] if meta.get("history") else math.nan
    return f"epoch {done}/{epochs}, loss {loss:.4f}, {spent:.0f} s so far, about {left:.0f} s left"


def say(text: str) -> None:
    """Progress goes to stderr: a line at a time, so that it reads well in a log too."""
    print(text, file=sys.stderr, flush=True)


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
