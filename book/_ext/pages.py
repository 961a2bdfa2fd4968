"""What configuration cannot say: no live code on the pages, and clean notebooks to download."""

from __future__ import annotations

import shutil
from pathlib import Path


def setup(app):
    _without_thebe(app)
    app.connect("config-inited", _vendored)
    app.connect("build-finished", _clean_downloads)
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
