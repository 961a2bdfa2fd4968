"""The store: damaged runs are found, moved aside and done again; two processes never share a run."""

import hashlib
import json
import math
import os
import sys

import pytest
import torch

from pvlib.checksums import sha256
from pvlib.study import provenance
from pvlib.study.store import Busy, Store

KEY = "0123456789ab"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    store.finish(KEY, {"status": "done"}, {"vectors": {"v": torch.ones(3)}}, {"finals": [{"sigma1": float("nan")}]})
    return store


def test_a_finished_run_is_read_back(store):
    assert store.record(KEY)["status"] == "done"
    assert torch.equal(store.tensors(KEY, "vectors")["v"], torch.ones(3))
    assert store.rows(KEY)["finals"][0]["sigma1"] != store.rows(KEY)["finals"][0]["sigma1"]


@pytest.mark.parametrize("name", ["vectors.safetensors", "rows.json", "record.json"])
def test_a_damaged_run_is_moved_aside_and_reported(store, name, capsys):
    path = store.folder(KEY) / name
    path.write_bytes(path.read_bytes()[:-9] + b"x")
    before = sorted(store.root.rglob("*"))
    assert store.record(KEY) is None
    assert "damaged" in capsys.readouterr().err
    assert sorted(store.root.rglob("*")) == before  # who only looks changes nothing
    assert store.claim(KEY) is None
    assert "damaged" in capsys.readouterr().err
    assert store.folder(KEY).with_name(f"{KEY}.damaged-1").exists()


def test_one_wrong_digit_in_a_record_is_damage(tmp_path):
    store = Store(tmp_path)
    store.finish(KEY, {"status": "done", "score": 0.9876, "probe_accuracy": float("nan")}, {}, {})
    path = store.folder(KEY) / "record.json"
    assert store.record(KEY)["score"] == 0.9876
    path.write_text(path.read_text().replace("0.9876", "0.9976"))
    assert store.record(KEY) is None


def test_a_record_from_before_records_had_a_checksum_is_read(store):
    path = store.folder(KEY) / "record.json"
    record = json.loads(path.read_text())
    del record["seal"]
    path.write_text(json.dumps(record))
    assert store.record(KEY)["status"] == "done"


def test_a_missing_file_counts_as_damage(store):
    (store.folder(KEY) / "rows.json").unlink()
    assert store.record(KEY) is None


def test_what_json_cannot_hold_is_written_as_null_and_measured_again_as_nan(store):
    record = {"status": "done", "cka_data": float("nan")}
    store.finish("b", record, {}, {"finals": [{"ratio": float("inf"), "layer": "output", "n": 3}]})
    for path in store.folder("b").glob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)
    (row,) = store.rows("b")["finals"]
    assert math.isnan(row["ratio"]) and (row["layer"], row["n"]) == ("output", 3)
    assert store.record("b")["cka_data"] is None
    store.save_checkpoint("c", {}, {"rows": [{"train_loss": float("nan")}]})
    assert b"NaN" not in (store.folder("c") / "checkpoint.safetensors").read_bytes()


def test_runs_from_before_nan_was_null_are_read(store):
    folder = store.folder(KEY)
    (folder / "rows.json").write_text('{"finals": [{"sigma1": NaN, "ratio": Infinity}]}')
    record = {"status": "done", "cka_data": float("nan"), "files": {"rows.json": sha256(folder / "rows.json")}}
    seal = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    (folder / "record.json").write_text(json.dumps({**record, "seal": seal}))
    assert math.isnan(store.record(KEY)["cka_data"])
    assert math.isnan(store.rows(KEY)["finals"][0]["sigma1"])


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PVLIB_STORE", "~/runs")
    assert Store().root == tmp_path / "runs"
    assert Store("~/other").root == tmp_path / "other"


def test_without_file_locks_training_says_which_system_it_needs(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(OSError, match="Linux, macOS"), store.lock(KEY):
        pytest.fail("a lock was given where there is none")


def test_a_system_without_a_load_average_records_none(monkeypatch):
    monkeypatch.delattr(os, "getloadavg")
    assert provenance.machine("cpu")["load"] is None


def test_a_damaged_checkpoint_is_moved_aside(store, capsys):
    store.save_checkpoint("other", {"w": torch.ones(100)}, {"epoch": 1})
    path = store.folder("other") / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert store.checkpoint("other") is None
    assert "checkpoint" in capsys.readouterr().err
    assert path.with_name("checkpoint.safetensors.damaged-1").exists()


def test_a_second_worker_on_the_same_run_is_refused(store):
    with store.lock(KEY), pytest.raises(Busy, match=KEY), Store(store.root).lock(KEY):
        pytest.fail("the lock was given twice")


def test_the_lock_is_free_again_afterwards(store):
    with store.lock(KEY):
        pass
    with store.lock(KEY):
        pass
