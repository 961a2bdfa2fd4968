"""Words of others on our pages: a label is text, whatever it says."""

import pandas as pd
import pytest

from pvlib.report.figures.markup import Markup, pipe_table, tabs

NAME = "<script>alert(1)</script>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.mark.parametrize(
    "made",
    [
        pipe_table(pd.DataFrame({"network": [NAME]})),
        pipe_table(pd.DataFrame({NAME: [1.0]})),
        tabs([NAME, "b"], [Markup("x", "x"), Markup("y", "y")], NAME),
        Markup.of_text(f"worst: {NAME}"),
    ],
)
def test_a_tag_in_a_name_is_shown_and_not_obeyed(made):
    for text in (made.myst, made.html):
        assert SHOWN in text
        assert "<script" not in text


def test_marks_of_text_are_kept():
    made = Markup.of_text("made by `make` with **care**")
    assert made.myst == "made by `make` with **care**"
    assert made.html == "made by <code>make</code> with <strong>care</strong>"
