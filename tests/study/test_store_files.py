"""The store's files: nothing half-written is ever taken for whole."""

import errno
import os

import pytest
import torch

from pvlib.experiment.data.cache import keep_aside
from pvlib.study.store_files import DamagedFile, read_tensors, write_atomic, write_tensors


@pytest.fixture
def tensors():
    return {"a": torch.arange(6).reshape(2, 3), "b": torch.randn(4).to(torch.bfloat16)}


def test_tensors_and_note_come_back_equal(tmp_path, tensors):
    write_tensors(tmp_path / "x.safetensors", tensors, {"epoch": 3})
    found, note = read_tensors(tmp_path / "x.safetensors")
    assert note == {"epoch": 3}
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("position", [-1, -20, 40])
def test_a_flipped_bit_is_noticed(tmp_path, tensors, position):
    path = tmp_path / "x.safetensors"
    write_tensors(path, tensors, {"epoch": 3})
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"x\.safetensors"):
        read_tensors(path)


def test_a_cut_off_file_is_noticed(tmp_path, tensors):
    path = tmp_path / "x.safetensors"
    write_tensors(path, tensors)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DamagedFile):
        read_tensors(path)


def test_a_full_disk_leaves_the_old_content_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_atomic(path, b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*nothing already stored was lost"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_damaged_files_are_kept_not_overwritten(tmp_path, capsys):
    for content in ("one", "two"):
        (tmp_path / "x").write_text(content)
        keep_aside(tmp_path / "x", "x is damaged")
    assert (tmp_path / "x.damaged-1").read_text() == "one"
    assert (tmp_path / "x.damaged-2").read_text() == "two"
    assert "x is damaged" in capsys.readouterr().err
