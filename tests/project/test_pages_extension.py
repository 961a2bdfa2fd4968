"""What the book's own extension does to a page: a stamp, markup that screen readers can use, buttons that lead somewhere."""

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pages(monkeypatch, tmp_path):
    """The extension, in a project of its own."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "book/_ext/pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


@pytest.fixture
def app(tmp_path):
    (tmp_path / "html" / "notebooks").mkdir(parents=True)
    return SimpleNamespace(outdir=tmp_path / "html", builder=SimpleNamespace(format="html"))


@pytest.mark.parametrize("address", ["", "https://host.example/book"])
def test_buttons_lead_to_the_repository_or_are_not_there(pages, tmp_path, address):
    urls = f'[project.urls]\nRepository = "{address}"\n' if address else ""
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{urls}')
    options = {"launch_buttons": {"binderhub_url": "https://binder.example"}}
    pages._published_where(None, SimpleNamespace(html_theme_options=options))
    assert options["use_repository_button"] is options["use_issues_button"] is bool(address)
    assert options.get("repository_url", "") == address and bool(options["launch_buttons"]) is bool(address)


def test_the_stamp_says_how_many_numbers_came_out_again(pages, tmp_path):
    config = SimpleNamespace(html_theme_options={})
    pages._stamp(None, config)
    assert "recomputed" not in config.html_theme_options["extra_footer"]
    (tmp_path / "build").mkdir()
    (tmp_path / "build/recomputed.json").write_text(json.dumps({"numbers": 160, "agree": 160, "largest": 3e-4}))
    pages._stamp(None, config)
    assert "160 of 160 mean cosines came out again" in config.html_theme_options["extra_footer"]


def test_what_the_theme_writes_wrongly_is_mended_on_every_page(pages, app):
    page = app.outdir / "notebooks" / "a.html"
    page.write_text('<button class="btn search-button-field x" title="Search" aria-label="Search" data-x>Search</button>'
                    '<div class="sidebar-primary-items__start sidebar-primary__section"></div>'
                    '<div role="list" class="citation-list"><div class="citation" id="id2" role="doc-biblioentry"></div></div>')  # fmt: skip
    pages._mended(app, None)
    text = page.read_text()
    assert 'aria-label="Search"' not in text and "doc-biblioentry" not in text and 'role="list"' not in text
    assert 'sidebar-primary__section" role="complementary" aria-label="Book">' in text


def test_the_book_as_a_zip_is_the_same_bytes_twice_and_opens_below_one_folder(pages, app):
    (app.outdir / "index.html").write_text("<p>hello</p>")
    found = []
    for _ in range(2):
        pages._zipped(app, None)
        found.append((app.outdir / pages.ZIP).read_bytes())
    assert found[0] == found[1]
    with zipfile.ZipFile(app.outdir / pages.ZIP) as book:
        assert book.namelist() == ["pvector-book/index.html"]


def test_numbers_that_do_not_come_out_again_fail_the_build(tmp_path):
    """One recorded mean changed by 0.01."""
    import pandas as pd

    from pvlib.report.answers.summary import Summary
    from pvlib.report.tables import load

    recorded = Summary([load("quick")]).pair_means()
    command = [
        sys.executable,
        ROOT / "scripts/recompute.py",
        "--recorded",
        tmp_path / "r.csv",
        "--results",
        ROOT / "results",
    ]
    for change, code in ((0.0, 0), (0.01, 1)):
        changed = recorded.copy()
        changed.loc[3, "mean"] += change
        pd.DataFrame(changed).to_csv(tmp_path / "r.csv", index=False)
        done = subprocess.run(command, capture_output=True, text=True)
        said = json.loads(done.stdout)
        assert done.returncode == code and said["agree"] == len(recorded) - code == said["numbers"] - code
        assert re.match(r"[\d.e-]+$", str(said["largest"]))
