"""What configuration cannot say: no live code on the pages, clean notebooks to download, docstrings as we write them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path


def setup(app):
    _without_thebe(app)
    app.connect("config-inited", _vendored)
    app.connect("build-finished", _clean_downloads)
    app.connect("autodoc-process-docstring", _readable, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _without_thebe(app) -> None:
    """jupyter-book always loads sphinx_thebe, which writes another host's address into every page."""
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)
    app.registry.css_files = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]


def _vendored(app, config) -> None:
    """Copied to _static without a script tag on every page, which jupyter-book gives to whatever its own setting names."""
    config.html_static_path.append(str(Path(app.srcdir) / "_vendor"))


def _clean_downloads(app, error) -> None:
    """The download button of a chapter gives the notebook as it was written, without outputs."""
    if error is not None or app.builder.format != "html":
        return
    sources = Path(app.srcdir).parent / "notebooks"
    for executed in (Path(app.outdir) / "_sources" / "notebooks").glob("*.ipynb"):
        shutil.copyfile(sources / executed.name, executed)


def _readable(app, what, name, obj, options, lines) -> None:
    """Our docstrings as reStructuredText: |cos| is no substitution, and `name : what it is` lines are a field list."""
    numpydoc = any(re.fullmatch(r"\s*-{3,}", line) for line in lines)
    for number, line in enumerate(lines):
        parts = re.split(r"(``.+?``)", line)
        line = "".join(p if p.startswith("``") else p.replace("|", r"\|") for p in parts)
        lines[number] = line if numpydoc else re.sub(r"^(\s*)(\w[\w, .]*?) : ", r"\1:\2: ", line)
