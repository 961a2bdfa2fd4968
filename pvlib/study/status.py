"""What a study has and lacks, as a table for people."""

from __future__ import annotations

from collections import Counter, defaultdict

from ..experiment.data import load
from .config import Study
from .store import Store


def status(study: Study, store: Store) -> tuple[str, int]:
    """A line per cell (done, failed, begun, to do), why runs failed, and how many did. Only reads."""
    data = {name: load(name).checksum for name in study.datasets}
    counts: dict[str, Counter] = defaultdict(Counter)
    failures, seconds = [], 0.0
    for run in study.runs:
        keys = list(run.keys(data[run.recipe.dataset]).values())
        key = store.held(keys) or next((key for key in keys if store.folder(key).exists()), keys[0])
        state, record = run_state(store, key)
        counts[run.cell][state] += 1
        if record is not None:
            seconds += record["wall_s"]
        if state == "failed" and record is not None:
            reason = record.get("failure") or f"training diverged in epoch {record['failed_epoch']}"  # older records
            failures.append(f"  {run.cell} seed {run.recipe.seed} ({key}): {reason}")
    total: Counter = Counter()
    width = max(map(len, counts))
    lines = [f"{'cell':{width}}  done  failed  begun  to do"]
    for cell, count in counts.items():
        total += count
        lines.append(f"{cell:{width}}  {count['done']:4}  {count['failed']:6}  {count['begun']:5}  {count['to do']:5}")
    lines.append(f"{'total':{width}}  {total['done']:4}  {total['failed']:6}  {total['begun']:5}  {total['to do']:5}")
    lines.append(f"store {store.root}, {seconds / 3600:.2f} hours of work")
    if failures:
        lines += [
            f"failed (a run is tried again once its record, {store.root / 'runs' / 'KEY' / 'record.json'}, is removed):",
            *failures,
        ]
    return "\n".join(lines), total["failed"]


def run_state(store: Store, key: str) -> tuple[str, dict | None]:
    """done, failed, begun (a checkpoint is there) or to do; with the record where there is one."""
    record = store.record(key)
    if record is not None:
        return record["status"], record
    return ("begun" if (store.folder(key) / "checkpoint.safetensors").exists() else "to do"), None
