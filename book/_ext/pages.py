"""What configuration cannot say: no live code, a stamp on every page, accessible markup, clean notebooks, the book as a zip."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ZIP = "pvector-book.zip"
# What the theme and the bibliography write, and what a screen reader needs instead.
MENDED = (
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),  # its text is its name
    (r'(<div class="sidebar-primary-items__start[^>]*)>', r'\1 role="complementary" aria-label="Book">'),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
)


def setup(app):
    _without_thebe(app)
    app.connect("config-inited", _vendored)
    app.connect("config-inited", _published_where)
    app.connect("config-inited", _stamp)
    app.connect("build-finished", _clean_downloads)
    app.connect("build-finished", _mended, priority=900)
    app.connect("build-finished", _zipped, priority=999)
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


def _published_where(app, config) -> None:
    """Repository and launch buttons lead somewhere, or are not there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    address = project.get("urls", {}).get("Repository", "")
    options = config.html_theme_options
    if address:
        options.update(repository_url=address, use_repository_button=True, use_issues_button=True)
    else:
        options.update(use_repository_button=False, use_issues_button=False, launch_buttons={})


def _stamp(app, config) -> None:
    """When and from what the numbers of the book were made, whether they came out again, and how to cite it."""
    checked = ROOT / "build" / "recomputed.json"
    again = json.loads(checked.read_text()) if checked.is_file() else {"numbers": 0}
    said = [
        f"Numbers of this build: commit <code>{html.escape(_git('rev-parse', '--short=12', 'HEAD'))}</code>, "
        f"{_git('log', '-1', '--format=%cs')}.",
        f"Recorded = recomputed: {again['agree']} of {again['numbers']} mean cosines came out again from the published vectors "
        f"(scripts/recompute.py; largest difference {again['largest']:.0e})." if again["numbers"] else "",
        "To cite this book: CITATION.cff in its repository; please cite the paper too.",
    ]  # fmt: skip
    config.html_theme_options["extra_footer"] = f'<p class="pv-stamp">{" ".join(filter(None, said))}</p>'


def _git(*command: str) -> str:
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _pages(app, error) -> list[Path]:
    return sorted(Path(app.outdir).rglob("*.html")) if error is None and app.builder.format == "html" else []


def _clean_downloads(app, error) -> None:
    """The download button of a chapter gives the notebook as it was written, without outputs."""
    if not _pages(app, error):
        return
    sources = ROOT / "notebooks"
    for executed in (Path(app.outdir) / "_sources" / "notebooks").glob("*.ipynb"):
        shutil.copyfile(sources / executed.name, executed)


def _mended(app, error) -> None:
    for page in _pages(app, error):
        text = before = page.read_text(encoding="utf-8")
        for wrong, right in MENDED:
            text = re.sub(wrong, right, text)
        if text != before:
            page.write_text(text, encoding="utf-8")


def _zipped(app, error) -> None:
    """The whole book in one file that opens from a disk: the same bytes for the same pages."""
    if not _pages(app, error):
        return
    folder = Path(app.outdir)
    with zipfile.ZipFile(folder / ZIP, "w", zipfile.ZIP_DEFLATED) as book:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ZIP):
            entry = zipfile.ZipInfo(f"pvector-book/{path.relative_to(folder).as_posix()}")  # 1980: no time of its own
            entry.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(entry, path.read_bytes())
