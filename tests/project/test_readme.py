"""README.md: its generated part says what results/ says."""

from pathlib import Path

import pytest

from pvlib.report.tables import available
from scripts import build_readme

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.skipif(not available(), reason="no study is published")
def test_the_verdict_table_is_that_of_the_published_results(capsys):
    assert build_readme.main(["--check"]) == 0, "run `make readme`"


def test_the_figure_is_there_and_has_alternative_text():
    text = README.read_text()
    alt, _, path = text.partition("![")[2].partition("](")
    assert (README.parent / path.partition(")")[0]).is_file()
    assert len(alt.split()) > 5


def test_only_the_block_between_the_markers_is_replaced():
    text = "a\n<!-- begin x (generated) -->\nold\n<!-- end x -->\nb\n"
    assert build_readme.filled(text, "x", "new\n") == text.replace("old", "new")


def test_missing_markers_are_told():
    with pytest.raises(ValueError, match="lacks the markers"):
        build_readme.filled("no block", "x", "new")
