"""The checker of built pages: each of its checks fails where it should, and passes a good page."""

import pytest

from scripts.check_pages import main, problems

GOOD = """<html><head><link rel="stylesheet" href="_static/a.css"><link rel="canonical" href="https://books.example/x">
<script src="_static/a.js?v=1"></script></head><body><a href="https://papers.example/">out</a><a href="b.html#part">b</a>
<article><img src="_static/i.png" alt="Angles of five networks fall during training">
<svg role="img" aria-label="Heat map of the cosines of six architectures"><svg></svg></svg>
<div aria-label="Spectra of three networks, chosen by a slider"><div class="plotly-graph-div" id="p"></div></div>
<svg aria-hidden="true"></svg></article></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "_static").mkdir()
    for name in ("a.js", "i.png"):
        (tmp_path / "_static" / name).write_text("")
    (tmp_path / "_static/a.css").write_text("body { background: url(i.png) }")
    (tmp_path / "b.html").write_text('<html><body><h2 id="part">Part</h2></body></html>')
    (tmp_path / "index.html").write_text(GOOD)
    return tmp_path


def test_a_good_page_passes(site, capsys):
    assert main([str(site)]) == 0
    assert "2 pages" in capsys.readouterr().out


@pytest.mark.parametrize(
    "inside",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script src="//cdn.example/x.js"></script>',
        '<script>const URL = "https://cdn.example/lib.js"</script>',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img alt="a plot of four networks" src="https://img.example/i.png">',
        '<img alt="a plot of four networks" src="_static/i.png" srcset="_static/i.png 1x, https://img.example/i.png 2x">',
        '<iframe src="https://video.example/"></iframe>',
        "<style>@import 'https://fonts.example/a.css';</style>",
        '<p style="background: url(https://img.example/i.png)"></p>',
        '<svg aria-hidden="true"><image href="https://img.example/i.png"/></svg>',
    ],
)
def test_asking_another_host_is_found(site, inside):
    (site / "index.html").write_text(GOOD.replace("</article>", inside + "</article>"))
    assert any("asks another host" in problem for problem in problems(site))


def test_style_sheets_that_ask_another_host_are_found(site):
    (site / "_static/a.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') }")
    assert any("a.css" in problem and "fonts.example" in problem for problem in problems(site))


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("gone.html", "not there"),
        ("b.html#gone", "no such anchor"),
        ("#gone", "no such anchor"),
        ("/gone/", "not there"),
    ],
)
def test_dead_links_are_found(site, link, why):
    (site / "index.html").write_text(GOOD.replace("b.html#part", link))
    assert any(link in problem and why in problem for problem in problems(site))


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ('<img src="_static/i.png">', "no alternative text"),
        ('<img src="_static/i.png" alt="">', "no alternative text"),
        ('<img src="_static/i.png" alt="_images/3f2a.png">', "file name"),
        ('<img src="_static/i.png" alt="A plot">', "too short"),
        ('<svg width="3"></svg>', "no alternative text"),
        ('<div class="plotly-graph-div" id="q"></div>', "no alternative text"),
    ],
)
def test_silent_pictures_are_found(site, inside, why):
    (site / "index.html").write_text(GOOD.replace("</article>", inside + "</article>"))
    assert any(why in problem for problem in problems(site))


@pytest.mark.parametrize("kind", ["output stderr highlight", "output traceback"])
def test_errors_of_cells_are_found(site, kind):
    (site / "index.html").write_text(GOOD.replace("</article>", f'<div class="{kind}">x</div></article>'))
    assert any("error or a warning" in problem for problem in problems(site))


def test_an_empty_folder_is_not_a_book(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert "no pages" in capsys.readouterr().out
