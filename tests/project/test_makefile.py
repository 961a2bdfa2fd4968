"""make: what it offers, and what it says to a Python that is too old."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments, cwd=ROOT):
    # Run from `make test`, an inner make would announce its folders and take over the flags of the outer one.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=cwd, env=alone, capture_output=True, text=True, timeout=60)


def test_help_tells_every_target():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    shown = [line.split()[0] for line in make("help").stdout.splitlines()[1:]]
    assert sorted(shown) == sorted(targets)
    assert all(len(line.split()) > 2 for line in make("help").stdout.splitlines()[1:])


@pytest.mark.parametrize("target", ["book", "test", "study", "publish", "lint", "check"])
def test_old_python_is_refused_by_name_before_anything_is_made(target, tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    result = make(f"PYTHON={old}", target, cwd=tmp_path)
    assert result.returncode != 0
    assert "Python 3.11 or newer" in result.stderr
    assert "3.9.2" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_only_the_study_target_reuses_what_is_published():
    assert "reuse=results" in make("--dry-run", "study", "STUDY=digits").stdout
    assert "reuse" not in make("--dry-run", "book").stdout


@pytest.mark.parametrize("target", ["study", "publish"])
def test_the_name_of_a_study_is_never_a_part_of_a_command(target):
    """In the recipes as the shell gets them, the name is a variable inside quotes."""
    recipe = make("--dry-run", target, "STUDY=x$$(touch broken)").stdout
    assert "broken" not in recipe
    assert '"$STUDY"' in recipe or '"live=$STUDY"' in recipe
