"""Stopped before any step of a replacement, a folder ends with all of the old files or all of the new ones, and the user's."""

import os
import shutil
from pathlib import Path

import pytest

from pvlib.checksums import SUMS, damaged
from pvlib.study import publication_folder as folder

OLD = {"runs.parquet": "old", "pairs.parquet": "old", "vectors/a.safetensors": "old", "networks/n.safetensors": "old"}
NEW = {"runs.parquet": "new", "finals.parquet": "new", "vectors/a.safetensors": "new", "vectors/b.safetensors": "new"}
OWN = {"NOTES.md": "mine", "vectors/mine.txt": "mine"}

STEPS = [(Path, "replace"), (Path, "rename"), (Path, "unlink"), (Path, "mkdir"), (os, "replace"), (os, "rmdir"),
         (os, "unlink"), (shutil, "rmtree")]  # fmt: skip


class Killed(BaseException):
    pass


def write(target, files):
    with folder.replacing(target) as building:
        for name, content in files.items():
            (building / name).parent.mkdir(exist_ok=True)
            (building / name).write_text(content)


@pytest.fixture
def target(tmp_path):
    """A publication, with files of the user's beside it."""
    target = tmp_path / "tiny"
    write(target, OLD)
    for name, content in OWN.items():
        (target / name).write_text(content)
    return target


def content(target):
    files = {p.relative_to(target).as_posix(): p.read_text() for p in target.rglob("*") if p.is_file()}
    files.pop(SUMS)
    return files


def killed_at(number, action, monkeypatch):
    """`action`, stopped before its `number`-th step that changes the disk; whether it was."""
    steps = iter(range(1, 10**6))

    def stoppable(do):
        def step(*args, **kwargs):
            if next(steps) >= number:
                raise Killed  # and so does every later step, as those of a process that is gone
            return do(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for owner, name in STEPS:
            patch.setattr(owner, name, stoppable(getattr(owner, name)))
        try:
            action()
        except Killed:
            return True
    return False


def test_a_kill_before_any_step_leaves_the_old_or_the_new_files_and_the_user_s(target, monkeypatch):
    begun, seen = target.with_name("begun"), set()
    shutil.copytree(target, begun)
    number = 0
    while True:
        number += 1
        shutil.rmtree(target)
        shutil.copytree(begun, target)
        if not killed_at(number, lambda: write(target, NEW), monkeypatch):
            break
        assert {name: (target / name).read_text() for name in OWN} == OWN
        for again in range(1, 10**6):  # who comes next may be killed, too
            if not killed_at(again, lambda: folder.recover(target), monkeypatch):
                break
        assert not damaged(target) and not (target / folder.COMPLETE).exists()
        shutil.rmtree(target / folder.PARTIAL, ignore_errors=True)
        assert content(target) in ({**OLD, **OWN}, {**NEW, **OWN})
        seen.add(content(target)["runs.parquet"])
    assert content(target) == {**NEW, **OWN}
    assert seen == {"old", "new"} and number > 15


def test_a_file_in_the_way_that_appears_while_the_publication_is_made_is_not_replaced(target):
    with pytest.raises(ValueError, match=r"finals\.parquet is in the way"), folder.replacing(target) as building:
        (building / "finals.parquet").write_text("new")
        (target / "finals.parquet").write_text("mine")
    assert content(target) == {**OLD, **OWN, "finals.parquet": "mine"}


def test_a_folder_with_the_name_of_a_table_is_not_replaced(target):
    (target / "finals.parquet").mkdir()
    with pytest.raises(ValueError, match=r"finals\.parquet is in the way"):
        write(target, NEW)
    assert content(target) == {**OLD, **OWN}
