"""The workflow, from a study file to a page, on a study of seconds: everything once, and nothing a second time."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from pvlib.cli import main

ROOT = Path(__file__).resolve().parents[2]
STUDY = """\
study: tiny
description: two runs of one epoch
defaults: {dataset: digits, optimiser: adamw, batch_size: 256, weight_decay: 0.0, precision: float32}
cells:
  - name: tiny/mlp
    label: MLP
    role: primary
    seeds: 2
    recipe: {architecture: mlp, objective: classification, width: 16, epochs: 1, lr: 2.0e-3, augment: none}
"""
CHAPTER = """\
import json
from pathlib import Path
from myst_nb import glue
glue("runs", json.loads(Path("../build/results/tiny/provenance.json").read_text())["runs"])
"""


@pytest.fixture
def project(tmp_path):
    """A project with one study, one chapter and one page, beside the real configuration.

    There are blanks in the paths of the project, of the Python that runs it and of the repository.
    """
    (tmp_path / "a repository").symlink_to(ROOT)
    (tmp_path / "a Python").symlink_to(sys.prefix)
    tmp_path = tmp_path / "a clone"
    tmp_path.mkdir()
    for folder in ("studies", "notebooks", "book"):
        (tmp_path / folder).mkdir()
    (tmp_path / "studies/tiny.yml").write_text(STUDY)
    parameters = nbformat.v4.new_code_cell('studies = "tiny"', metadata={"tags": ["parameters"]})
    cells = [nbformat.v4.new_markdown_cell("# A chapter"), parameters, nbformat.v4.new_code_cell(CHAPTER)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "notebooks/00_tiny.ipynb")
    (tmp_path / "book/index.md").write_text("# Tiny\n\nThere are {glue:text}`notebooks/00_tiny.ipynb::runs:d` runs.\n")
    (tmp_path / "book/_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: notebooks/00_tiny\n")
    for name in ("_config.yml", "pyproject.toml", "claims.yml", "claims-1.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("_ext", "_vendor"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "book/references.bib", tmp_path / "book")
    return tmp_path


def workflow(project, *arguments, live="tiny"):
    rooms = project.parent / "a repository/workflow"
    python = project.parent / "a Python" / Path(sys.executable).relative_to(sys.prefix)
    command = [python, rooms / "quietly.py", "--snakefile", rooms / "Snakefile", "--profile", rooms / "profiles/local"]
    command += ["--config", f"live={live}", "shards=2", *arguments]
    environment = {**os.environ, "PVLIB_STORE": str(project / "store"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(map(str, command), cwd=project, env=environment, capture_output=True, text=True, timeout=280)


def test_from_a_study_to_its_page_and_nothing_twice(project):
    first = workflow(project)
    assert first.returncode == 0, first.stderr
    for step in (
        "train tiny 1/2: done",
        "train tiny 2/2: done",
        "publishing tiny: 2 runs",
        "chapter 00_tiny",
        "pages:",
    ):
        assert step in first.stderr
    page = re.sub(r"<[^>]+>", "", (project / "_build/html/index.html").read_text())
    assert "There are 2 runs." in page
    # The download of a chapter is the notebook as written, and thebe (another host) is not on the page.
    download = project / "_build/html/_sources/notebooks/00_tiny.ipynb"
    assert download.read_bytes() == (project / "notebooks/00_tiny.ipynb").read_bytes()
    assert "THEBE" not in (project / "_build/html/notebooks/00_tiny.html").read_text()

    second = workflow(project)
    assert second.returncode == 0, second.stderr
    assert not any(step in second.stderr for step in ("train", "publishing", "chapter", "pages"))

    (project / "book/index.md").write_text("# Tiny\n\n{nosuchrole}`x`\n")
    third = workflow(project)
    assert third.returncode != 0  # warnings are errors ...
    assert "nosuchrole" in third.stderr  # ... and named
    assert not any(step in third.stderr for step in ("train tiny", "chapter 00"))


def test_a_published_study_is_trained_again_only_where_that_is_asked_for(project, monkeypatch):
    """`make study` reuses results/; the book, even after that, trains what it says was trained here."""
    monkeypatch.chdir(project)
    for command in ("run", "publish"):
        assert main([command, "studies/tiny.yml", "--store", "elsewhere"]) == 0
    reused = workflow(project, "reuse=results", "--forcerun", "train", "--", "trained")
    assert reused.returncode == 0, reused.stderr
    assert not list(project.glob("store/runs/*"))
    assert "1 published" in (project / "build/logs/tiny-1-of-2.log").read_text()
    trained = workflow(project, "--", "trained")
    assert trained.returncode == 0, trained.stderr
    assert len(list(project.glob("store/runs/*/record.json"))) == 2


def test_a_study_that_changed_is_published_again_in_place_of_its_old_tables(project):
    tables = ("--", "build/results/tiny/SHA256SUMS")
    for rate in ("2.0e-3", "3.0e-3"):
        (project / "studies/tiny.yml").write_text(STUDY.replace("2.0e-3", rate))
        result = workflow(project, *tables)
        assert result.returncode == 0, result.stderr
        assert set(pd.read_parquet(project / "build/results/tiny/runs.parquet").lr) == {float(rate)}


def test_a_missing_study_is_named(project):
    result = workflow(project, live="nonesuch")
    assert result.returncode != 0
    assert "studies/nonesuch.yml" in result.stderr


def test_the_studies_of_the_library_are_found_from_any_folder(project):
    planned = workflow(project, "--dry-run", "--", "trained", live="digits,tiny")
    assert planned.returncode == 0, planned.stderr


def test_the_name_of_a_study_is_never_a_part_of_a_command(project):
    result = workflow(project, "--", "trained", live="x$(touch broken)")
    assert result.returncode != 0
    assert not list(project.rglob("broken"))


def hold_and_count(folder, seconds):
    code = f"import time; print('begins', flush=True); time.sleep({seconds}); print('ends', flush=True)"
    command = [sys.executable, ROOT / "workflow/alone.py", "build/book.lock", sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_second_build_of_the_book_waits_for_the_first_and_says_so(tmp_path):
    first = hold_and_count(tmp_path, 3)
    assert first.stdout.readline() == "begins\n"
    second = hold_and_count(tmp_path, 0)
    assert "book: another one runs in this folder; waiting" in second.stderr.readline()
    assert second.poll() is None
    assert first.wait(20) == 0
    assert second.wait(20) == 0
    assert "alone.py build/book.lock" in (ROOT / "Makefile").read_text()


def test_a_build_that_was_killed_holds_nothing_back(tmp_path):
    first = hold_and_count(tmp_path, 60)
    first.stdout.readline()
    first.kill()
    first.wait()
    second = hold_and_count(tmp_path, 0)
    assert second.wait(20) == 0
    assert second.stderr.read() == ""


def test_where_there_are_no_locks_the_command_runs_all_the_same(tmp_path):
    (tmp_path / "fcntl.py").write_text("raise ImportError('no fcntl here')\n")
    command = [sys.executable, ROOT / "workflow/alone.py", "build/x.lock", sys.executable, "-c", "print('ran')"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "ran\n")


@pytest.mark.parametrize("profile", ["local", "slurm"])
def test_profiles_are_valid(profile):
    import yaml

    settings = yaml.safe_load((ROOT / f"workflow/profiles/{profile}/config.yaml").read_text())
    assert settings["rerun-incomplete"] is True
