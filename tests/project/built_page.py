"""One page of the book, built with stubs for the pages that it links to, and a browser that is driven over it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts import javascript

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "js"
STUB = "# A stub\n\nStands for a page that the one under test links to.\n"


def built(folder: Path, page: str, linked: Sequence[str], **environment: str) -> Path:
    """The built pages; `linked`: those that the page links to, the first of which stands at the root."""
    book = folder / "book"
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", "mathjax")
    for name in ("_ext", "_static", "_try", "_explore", "_vendor"):
        shutil.copytree(ROOT / "book" / name, book / name, ignore=ignored)
    for name in (f"{page}.md", "references.bib"):
        shutil.copy(ROOT / "book" / name, book)
    (book / "notebooks").mkdir()
    for name in linked:
        (book / f"{name}.md").write_text(STUB)
    chapters = "".join(f"  - file: {name}\n" for name in (page, *linked[1:]))
    (book / "_toc.yml").write_text(f"format: jb-book\nroot: {linked[0]}\nchapters:\n{chapters}")
    for name in ("_config.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    command = [Path(sys.executable).parent / "jupyter-book", "build", "book", "--config", "_config.yml"]
    done = subprocess.run(
        [*command, "--path-output", ".", "-W", "-n", "--keep-going"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"


def node() -> str:
    """Node.js, with the tools of the pages installed; else the test is skipped, loudly."""
    if (why := javascript.missing()) is not None:
        pytest.skip(f"the page's JavaScript is NOT TESTED: {why}")
    return str(shutil.which("node"))


def driven(script: str, plan: dict, folder: Path, *, timeout: int) -> dict:
    """What `script` (of tests/js) saw of each of its scenes in a browser; skipped, loudly, without one."""
    executable, browser = node(), javascript.browser()
    if browser is None:
        pytest.skip("the built page is NOT TESTED: there is no Chromium (install it, or name one in CHROMIUM)")
    (folder / "plan.json").write_text(json.dumps({**plan, "browser": browser}))
    command = [executable, SCRIPTS / script, folder / "plan.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
