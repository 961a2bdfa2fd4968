"""Whatever stops a study, the same command afterwards ends with the tables of a study that nothing stopped.

The faults that end a process are tried on real ones: `python -m tests.study.test_faults FAULT -- run STUDY ...` is
`pvlib run STUDY ...` with that fault built in.
"""

import builtins
import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.numpy import load_file

from pvlib import atomic
from pvlib.checksums import damaged, listed
from pvlib.cli import main
from pvlib.experiment import forward, objectives, precision
from pvlib.experiment.data import load
from pvlib.experiment.data.locks import hold
from pvlib.study.measuring import Bench, NotFinite
from pvlib.study.publish import publish
from pvlib.study.published import published_keys
from pvlib.study.runner import Pace, run_study
from pvlib.study.store import Store

from .conftest import TINY

ROOT = Path(__file__).resolve().parents[2]
# What may differ between two studies that come to the same: where and when, not what.
ORIGIN = ["wall_s", "measure_s", "load", "commit", "finished_at", "seconds"]
THREADS = ["--device", "cpu", "--threads", str(torch.get_num_threads())]


# --- faults -----------------------------------------------------------------------------------------------------------


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def too_large(*_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def at_call(number, call, fault, *, after=False):
    """`call`, but its `number`-th call meets the fault before (or after) its work."""
    calls = iter(range(1, 10**6))

    def wrapped(*args, **kwargs):
        now = next(calls) == number
        if now and not after:
            fault()
        value = call(*args, **kwargs)
        if now and after:
            fault()
        return value

    return wrapped


def half_written(name, number, fault):
    """`open`, but of the `number`-th file written with `name` in its name only half arrives before the fault."""
    written = iter(range(1, 10**6))

    def wrapped(path, mode):
        file = builtins.open(path, mode)  # noqa: SIM115 - closed by who asked for it
        chosen = mode == "wb" and name in Path(path).name and next(written) == number
        return Half(file, fault) if chosen else file

    return wrapped


class Half:
    def __init__(self, file, fault):
        self.file, self.fault = file, fault

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        self.fault()


def faulty(fault, *arguments):
    """`pvlib` in this process, killed in a training step, in the write of a file, at a removal, or after a rename."""
    place, _, number = fault.rpartition(":")
    Pace.due = lambda self: True  # a slow disk would leave out the checkpoint that the fault waits for
    if place == "step":
        step = at_call(int(number), objectives.classification, kill)
        objectives.OBJECTIVES["classification"] = step
    elif place in ("rename", "replace"):
        setattr(Path, place, at_call(int(number), getattr(Path, place), kill, after=True))
    elif place in ("unlink", "rmtree"):
        owner = Path if place == "unlink" else shutil
        setattr(owner, place, at_call(int(number), getattr(owner, place), kill))
    else:
        atomic.open = half_written(place, int(number), kill)
    return main(list(arguments))


def killed(fault, *arguments):
    """The command dies of the fault, which is sure to have come."""
    command = [sys.executable, "-m", "tests.study.test_faults", fault, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


# --- what has to come out ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables(trained, tmp_path_factory):
    """The tables of the study that nothing stopped."""
    target = tmp_path_factory.mktemp("undisturbed") / "tiny"
    publish(*trained, target)
    return target


@pytest.fixture
def store(trained, tmp_path):
    """The study's store without one run, which is to be done yet."""
    study, whole = trained
    shutil.copytree(whole.root, tmp_path / "store")
    shutil.rmtree(Store(tmp_path / "store").folder(first_key(study)))
    return Store(tmp_path / "store")


def first_key(study):
    return study.runs[0].key(load("digits").checksum)


def run(tiny_file, store):
    """`pvlib run` with the rest of the study, in this process."""
    return main(["run", str(tiny_file), "--store", str(store.root), *THREADS])


def assert_same_tables(found, expected):
    """Every table and every vector, value by value."""
    names = sorted(path.name for path in expected.glob("*.parquet"))
    assert sorted(path.name for path in found.glob("*.parquet")) == names
    for name in names:
        one, two = (
            pd.read_parquet(folder / name).drop(columns=ORIGIN, errors="ignore") for folder in (found, expected)
        )
        pd.testing.assert_frame_equal(one, two, check_exact=True, obj=name)
    one, two = (vectors_of(folder) for folder in (found, expected))
    assert one.keys() == two.keys()
    for name, vectors in two.items():
        assert one[name].keys() == vectors.keys()
        assert all(np.array_equal(one[name][place], vector) for place, vector in vectors.items()), name


def vectors_of(results):
    return {path.name: load_file(path) for path in (results / "vectors").iterdir()}


def assert_ends_as_if_nothing_had_happened(study, store, tables, target):
    publish(study, store, target)
    assert_same_tables(target, tables)
    assert not list(store.root.glob("runs/*/*checkpoint*"))


# --- kill -9 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["step:18", "checkpoint.safetensors:2", "weights.safetensors:1"])
def test_killed_in_an_epoch_or_in_a_write_a_run_goes_on(fault, trained, tiny_file, store, tables, tmp_path):
    killed(fault, "run", tiny_file, "--store", store.root, *THREADS)
    assert store.record(first_key(trained[0])) is None
    assert run(tiny_file, store) == 0
    assert_ends_as_if_nothing_had_happened(trained[0], store, tables, tmp_path / "tiny")


def test_killed_between_a_run_s_record_and_the_end_its_checkpoint_does_not_stay(
    trained, tiny_file, store, tables, tmp_path
):
    killed("unlink:1", "run", tiny_file, "--store", store.root, *THREADS)
    assert list(store.root.glob("runs/*/checkpoint*"))
    assert run(tiny_file, store) == 0
    assert_ends_as_if_nothing_had_happened(trained[0], store, tables, tmp_path / "tiny")


@pytest.fixture(scope="module")
def published_before(trained, tmp_path_factory):
    """An older publication, of one run."""
    study, whole = trained
    folder = tmp_path_factory.mktemp("before")
    shutil.copytree(whole.folder(first_key(study)), Store(folder).folder(first_key(study)))
    publish(study, Store(folder), folder / "tiny")
    return folder / "tiny"


# rmtree: first of what an older kill may have left, then of the folder that all files were moved out of.
@pytest.mark.parametrize("fault", [".safetensors:2", "SHA256SUMS:1", "rename:1", "replace:2", "replace:9", "rmtree:2"])
def test_killed_in_a_publication_the_old_or_the_new_is_there_whole(
    fault, trained, tiny_file, published_before, tables, tmp_path
):
    study, whole = trained
    target = tmp_path / "tiny"
    shutil.copytree(published_before, target)
    killed(fault, "publish", tiny_file, "--store", whole.root, "--to", target)
    if fault.startswith("replace"):
        assert damaged(target)  # old and new files side by side, until the next who reads puts that right
    assert first_key(study) in published_keys(target)  # or `pvlib run --published` would train it again
    assert listed(target) and not damaged(target)
    assert len(pd.read_parquet(target / "runs.parquet")) == (1 if "S" in fault or "." in fault else len(study.runs))
    publish(study, whole, target)
    assert_same_tables(target, tables)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tiny.lock", "tiny"]


# --- a full disk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "record.json"])
def test_a_disk_that_fills_is_told_and_loses_nothing(
    name, trained, tiny_file, store, tables, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "open", half_written(name, 1, full), raising=False)
        assert run(tiny_file, store) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("pvlib:") and "No space left on device" in last and name in last
    assert not list(store.root.glob("runs/*/.*.tmp"))
    assert run(tiny_file, store) == 0
    assert_ends_as_if_nothing_had_happened(trained[0], store, tables, tmp_path / "tiny")


def test_a_disk_that_fills_while_a_table_is_written_leaves_the_old_results(
    trained, tiny_file, published_before, tables, tmp_path, monkeypatch, capsys
):
    target = tmp_path / "tiny"
    shutil.copytree(published_before, target)
    command = ["publish", str(tiny_file), "--store", str(trained[1].root), "--to", str(target)]
    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", at_call(3, pd.DataFrame.to_parquet, full))
        assert main(command) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert_same_tables(target, published_before)
    assert main(command) == 0
    assert_same_tables(target, tables)


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vectors.safetensors", "record.json"])
def test_a_damaged_result_is_kept_aside_and_made_again(name, trained, tiny_file, tables, tmp_path, capsys):
    study, whole = trained
    store = Store(tmp_path / "store")
    shutil.copytree(whole.root, store.root)
    damage(store.folder(first_key(study)) / name)
    assert run(tiny_file, store) == 0
    assert "damaged" in capsys.readouterr().err
    assert_ends_as_if_nothing_had_happened(study, store, tables, tmp_path / "tiny")


def test_a_damaged_checkpoint_is_kept_aside_and_the_run_starts_again(
    trained, tiny_file, store, tables, tmp_path, capsys
):
    study, key = trained[0], first_key(trained[0])
    run_study(study, store, time_limit=0.0)  # stops after an epoch
    damage(store.folder(key) / "checkpoint.safetensors")
    assert run(tiny_file, store) == 0
    assert "checkpoint.safetensors.damaged-1" in capsys.readouterr().err
    (store.folder(key) / "checkpoint.safetensors.damaged-1").unlink()
    assert_ends_as_if_nothing_had_happened(study, store, tables, tmp_path / "tiny")


def test_a_damaged_shard_of_a_data_set_is_named_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PVLIB_DATA", str(tmp_path))
    for split in ("train", "test"):
        shard = tmp_path / f"mnist/{split}-00000-of-00001.parquet"
        shard.parent.mkdir(exist_ok=True)
        shard.write_bytes(b"PAR1 but not for long")
    mnist = {**TINY["cells"][0], "recipe": {**TINY["cells"][0]["recipe"], "dataset": "mnist"}}
    (tmp_path / "study.yml").write_text(yaml.safe_dump({**TINY, "cells": [*TINY["cells"][1:], mnist]}))
    store = Store(tmp_path / "store")
    assert run(tmp_path / "study.yml", store) == 1
    error = capsys.readouterr().err
    assert "train-00000-of-00001.parquet is damaged" in error and "Traceback" not in error
    assert not store.root.exists()


def damage(path):
    """One bit of the file is another one, in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# --- two at once ------------------------------------------------------------------------------------------------------


def test_two_at_once_do_each_run_once_and_lose_none(trained, tiny_file, store, tables, tmp_path):
    study = trained[0]
    for run_ in study.runs[1:3]:
        shutil.rmtree(store.folder(run_.key(load("digits").checksum)))
    command = [sys.executable, "-m", "pvlib.cli", "run", str(tiny_file), "--store", str(store.root), *THREADS]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    logs = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], logs
    assert sum(log.count(": done in") for log in logs) == 3, logs
    assert_ends_as_if_nothing_had_happened(study, store, tables, tmp_path / "tiny")


def test_two_publications_at_once_do_not_mix(trained, tiny_file, tables, tmp_path):
    whole = trained[1]
    command = [sys.executable, "-m", "pvlib.cli", "publish", str(tiny_file), "--store", str(whole.root)]
    both = [
        subprocess.Popen([*command, "--to", str(tmp_path / "tiny")], stderr=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(2)
    ]
    logs = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], logs
    assert_same_tables(tmp_path / "tiny", tables)
    with hold(tmp_path / ".tiny.lock"):
        third = subprocess.Popen(
            [*command, "--to", str(tmp_path / "tiny")], stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert "another process publishes" in third.stderr.readline()
    assert third.communicate() and third.returncode == 0


# --- divergence -------------------------------------------------------------------------------------------------------


def test_a_diverged_run_is_recorded_with_its_epoch_and_the_rest_of_the_study_is_done(tmp_path, capsys):
    good = {**TINY["cells"][0], "seeds": 1}
    bad = {**good, "name": "digits/bad", "recipe": {**good["recipe"], "optimiser": "sgd", "lr": 1e3}}
    bad["recipe"]["weight_decay"] = 100.0
    path, store = tmp_path / "study.yml", Store(tmp_path / "store")
    path.write_text(yaml.safe_dump({**TINY, "cells": [bad, good]}))
    assert run(path, store) == 1
    told = capsys.readouterr().err
    assert "FAILED" in told and "1 done, 1 failed" in told
    assert main(["status", str(path), "--store", str(store.root)]) == 1
    assert "digits/bad seed 0" in (shown := capsys.readouterr().out) and "training diverged" in shown
    assert run(path, store) == 1  # still a failure, and not tried again
    assert "1 failed, 1 present" in capsys.readouterr().err
    main(["publish", str(path), "--store", str(store.root), "--to", str(tmp_path / "results")])
    rows = pd.read_parquet(tmp_path / "results/runs.parquet").set_index("cell")
    assert rows.status.to_dict() == {"digits/bad": "failed", "digits/mlp": "done"}
    assert rows.failed_epoch["digits/bad"] >= 1
    assert published_keys(tmp_path / "results") == set(rows.run[rows.status == "done"])  # tried again elsewhere


def test_features_that_are_finite_on_the_anchor_alone_are_a_failure_too(tmp_path, monkeypatch, capsys):
    def not_finite(*_):
        raise NotFinite("features at penultimate are not finite")

    monkeypatch.setattr(Bench, "whole", not_finite)
    path, store = tmp_path / "study.yml", Store(tmp_path / "store")
    path.write_text(yaml.safe_dump({**TINY, "cells": [{**TINY["cells"][0], "seeds": 2}]}))
    assert run(path, store) == 1
    assert "2 failed" in capsys.readouterr().err


def cell(name, **changes):
    good = {**TINY["cells"][0], "seeds": 1}
    return {**good, "name": name, "recipe": {**good["recipe"], **changes}}


def test_cells_that_cannot_be_trained_are_recorded_with_their_reason_and_the_good_ones_are_trained(tmp_path, capsys):
    bad = [cell("bad/collapsed", optimiser="sgd", lr=1e3, width=1), cell("bad/size", train_size=10**6)]
    bad += [cell("bad/images", architecture="vgg16_bn")]
    path, store = tmp_path / "study.yml", Store(tmp_path / "store")
    path.write_text(yaml.safe_dump({**TINY, "cells": [*bad, cell("digits/mlp")]}))
    assert main(["plan", str(path), "--store", str(store.root)]) == 0
    assert "cannot be timed: ValueError: train_size 1000000" in capsys.readouterr().out
    assert run(path, store) == 1
    assert "1 done, 3 failed" in capsys.readouterr().err
    assert main(["status", str(path), "--store", str(store.root)]) == 1
    shown = capsys.readouterr().out
    assert "there are only 1437 training samples" in shown and "vgg16_bn halves the image" in shown
    main(["publish", str(path), "--store", str(store.root), "--to", str(tmp_path / "results")])
    rows = pd.read_parquet(tmp_path / "results/runs.parquet").set_index("cell")
    assert rows.status.to_dict() == {b["name"]: "failed" for b in bad} | {"digits/mlp": "done"}
    assert "only 1437" in rows.failure["bad/size"] and pd.isna(rows.failure["digits/mlp"])


def test_a_fault_after_training_keeps_the_checkpoint_and_is_told_once(
    trained, tiny_file, store, tables, tmp_path, monkeypatch, capsys
):
    def broken(*_):
        raise KeyError("a mistake in the code")

    with monkeypatch.context() as patch:
        patch.setattr(Bench, "whole", broken)
        assert run(tiny_file, store) == 1
        assert run(tiny_file, store) == 1  # known by now
    assert "KeyError: 'a mistake in the code'" in capsys.readouterr().err
    folder = store.folder(first_key(trained[0]))
    assert "in broken" in store.record(folder.name)["traceback"]
    (folder / "record.json").unlink()
    assert run(tiny_file, store) == 0
    assert f"resumed after epoch {TINY['defaults']['epochs']}" in capsys.readouterr().err
    assert_ends_as_if_nothing_had_happened(trained[0], store, tables, tmp_path / "tiny")


def test_a_fault_of_the_machine_is_not_held_against_the_run(trained, tiny_file, store, monkeypatch, capsys):
    for error in (ImportError("no such library"), torch.AcceleratorError("CUDA error: launch failure", 719)):
        with monkeypatch.context() as patch:
            patch.setattr(Bench, "whole", lambda *_, error=error: (_ for _ in ()).throw(error))
            with contextlib.suppress(ImportError):
                assert run(tiny_file, store) == 1
        assert store.record(first_key(trained[0])) is None


def test_a_lack_of_memory_that_python_tells_is_told_too(trained, tiny_file, store, monkeypatch, capsys):
    def whole(*_):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr(Bench, "whole", whole)
    assert run(tiny_file, store) == 1
    assert "NO MEMORY on cpu" in capsys.readouterr().err
    assert store.record(first_key(trained[0])) is None


@pytest.mark.parametrize("command", ["status", "plan"])
def test_who_only_looks_at_a_store_changes_nothing(command, trained, tiny_file, tmp_path, capsys):
    study, whole = trained
    store = Store(tmp_path / "store")
    shutil.copytree(whole.root, store.root)
    damage(store.folder(first_key(study)) / "vectors.safetensors")
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    assert main([command, str(tiny_file), "--store", str(store.root)]) == 0
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before
    assert "is damaged" in capsys.readouterr().err


def test_a_choice_that_matches_no_cell_is_refused_and_the_nearest_named(tiny_file, tmp_path, capsys):
    command = ["run", str(tiny_file), "--store", str(tmp_path / "store"), "--only"]
    assert main([*command, "digits/mpl"]) == 1
    assert "no cell matches 'digits/mpl'; did you mean digits/mlp" in capsys.readouterr().err


# --- smaller machines -------------------------------------------------------------------------------------------------


def test_without_bfloat16_a_run_is_done_in_float32_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    cell = {**TINY["cells"][0], "seeds": 1, "recipe": {**TINY["cells"][0]["recipe"], "precision": "bfloat16"}}
    path, store = tmp_path / "study.yml", Store(tmp_path / "store")
    path.write_text(yaml.safe_dump({**TINY, "cells": [cell]}))
    with pytest.warns(RuntimeWarning, match="no fast bfloat16: computing in float32"):
        assert run(path, store) == 0


def test_out_of_memory_in_training_is_told_and_the_run_goes_on_where_there_is_more(
    trained, tiny_file, store, tables, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        step = at_call(18, objectives.classification, too_large)
        patch.setitem(objectives.OBJECTIVES, "classification", step)
        assert run(tiny_file, store) == 1
    told = capsys.readouterr().err
    assert re.search(r"NO MEMORY on cpu with batches of \d+ \(CUDA out of memory", told)
    assert "1 no_memory, 5 present" in told  # the rest of the study is looked at
    assert run(tiny_file, store) == 0
    assert "resumed after epoch 1" in capsys.readouterr().err
    assert_ends_as_if_nothing_had_happened(trained[0], store, tables, tmp_path / "tiny")


def test_out_of_memory_in_measuring_takes_smaller_batches_to_the_same_vectors(
    trained, tiny_file, store, monkeypatch, capsys
):
    study, whole = trained
    whole_run = forward.Forward.run

    def limited(self, piece):
        return too_large() if len(piece) > 100 else whole_run(self, piece)

    monkeypatch.setattr(forward.Forward, "run", limited)
    assert run(tiny_file, store) == 0
    assert "out of memory at 512 samples; going on with 256" in capsys.readouterr().err
    one, two = (s.tensors(first_key(study), "full") for s in (store, whole))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-6)


if __name__ == "__main__":
    sys.exit(faulty(*sys.argv[1:]))
