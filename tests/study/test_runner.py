"""Runs survive being killed, being done twice at once, diverging, and running out of time."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from pvlib.experiment.data import load
from pvlib.study.config import load_study, parse_study
from pvlib.study.runner import choose, run_study
from pvlib.study.store import Store

from .conftest import TINY


def tensors_of(store, key):
    return {f"{part}/{name}": value for part in ("weights", "vectors", "snapshots", "full")
            for name, value in store.tensors(key, part).items()}  # fmt: skip


def assert_same_results(one, two, key):
    a, b = tensors_of(one, key), tensors_of(two, key)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    rows_a, rows_b = one.rows(key), two.rows(key)
    assert str(rows_a["snapshots"]) == str(rows_b["snapshots"])
    assert str(rows_a["finals"]) == str(rows_b["finals"])


def keys(study):
    checksum = load("digits").checksum
    return [run.key(checksum) for run in study.runs]


def test_a_run_killed_with_signal_9_goes_on_and_ends_bit_identical(tiny_file, trained, tmp_path):
    """Killed as soon as its first checkpoint appears: nothing differs from the undisturbed run."""
    study, undisturbed = trained
    command = [sys.executable, "-m", "pvlib.cli", "run", str(tiny_file), "--only", "digits/mlp", "--shard", "1/2",
               "--store", str(tmp_path), "--device", "cpu", "--threads", str(torch.get_num_threads())]  # fmt: skip
    key = keys(study)[0]
    checkpoint = tmp_path / "runs" / key / "checkpoint.safetensors"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_early = checkpoint.exists()
    assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
    assert killed_early, "the run ended before it could be killed: the test has tested nothing"
    assert_same_results(undisturbed, Store(tmp_path), key)


def test_a_time_limit_stops_after_an_epoch_and_the_next_call_goes_on(tiny_file, trained, tmp_path, capsys):
    study, undisturbed = trained
    store = Store(tmp_path)
    epochs = TINY["defaults"]["epochs"]
    for number in range(1, epochs + 1):
        assert run_study(study, store, only="digits/mlp_ae", time_limit=0.0) == {"left": 2}
        assert f"epoch {number}/{epochs}" in capsys.readouterr().err
    assert run_study(study, store, only="digits/mlp_ae") == {"done": 2}
    assert f"resumed after epoch {epochs}" in capsys.readouterr().err
    for key, run in zip(keys(study), study.runs, strict=True):
        if run.cell == "digits/mlp_ae":
            assert_same_results(undisturbed, store, key)


def test_a_known_failure_does_not_use_up_the_epoch_that_every_slice_of_time_gets_on_by(tmp_path):
    bad = {**TINY["cells"][0], "name": "digits/bad", "seeds": 1}
    bad["recipe"] = {**bad["recipe"], "train_size": 10**6}
    study = parse_study({**TINY, "cells": [bad, {**TINY["cells"][0], "seeds": 1}]}, where="x")
    for _ in range(2):
        run_study(study, Store(tmp_path), only="digits/bad")
    assert run_study(study, Store(tmp_path), time_limit=0.0) == {"failed": 1, "left": 1}
    assert (Store(tmp_path).folder(keys(study)[1]) / "checkpoint.safetensors").exists()


def test_a_finished_run_is_not_trained_again(trained):
    study, store = trained
    assert run_study(study, store) == {"present": len(study.runs)}


def test_two_processes_share_the_work_and_do_no_run_twice(tiny_file, tmp_path):
    command = [sys.executable, "-m", "pvlib.cli", "run", str(tiny_file), "--store", str(tmp_path), "--threads", "1"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    logs = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], logs
    study = load_study(tiny_file)
    done = sum(log.count(": done in") for log in logs)
    assert done == len(study.runs), logs
    store = Store(tmp_path)
    assert all(store.record(key) for key in keys(study))


def test_a_diverging_run_is_recorded_and_the_study_goes_on(tmp_path, capsys):
    bad = {**TINY["cells"][0], "name": "digits/bad", "seeds": 1,
           "recipe": {**TINY["cells"][0]["recipe"], "lr": 1e3, "weight_decay": 100.0, "optimiser": "sgd"}}  # fmt: skip
    study = parse_study({**TINY, "cells": [bad, {**TINY["cells"][0], "seeds": 1}]}, where="x")
    store = Store(tmp_path)
    assert run_study(study, store) == {"failed": 1, "done": 1}
    record = store.record(keys(study)[0])
    assert record["status"] == "failed"
    assert record["failed_epoch"] >= 0
    assert "FAILED" in capsys.readouterr().err


def test_a_damaged_result_is_trained_again_to_the_same_numbers(trained, tmp_path):
    study, undisturbed = trained
    store, key = Store(tmp_path), keys(study)[0]
    run_study(study, store, only="digits/mlp", shard=(1, 2))
    path = store.folder(key) / "vectors.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert run_study(study, store, only="digits/mlp", shard=(1, 2)) == {"done": 1}
    assert_same_results(undisturbed, store, key)


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_store_that_cannot_be_written_is_named(tiny_file, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run([sys.executable, "-m", "pvlib.cli", "run", str(tiny_file), "--store", str(tmp_path / "file")],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_shards_cover_the_study_once(trained):
    runs = trained[0].runs
    parts = [run for part in (1, 2, 3) for run in choose(runs, shard=(part, 3))]
    assert sorted(map(id, parts)) == sorted(map(id, runs))
