"""Docstrings that the API page shows are reStructuredText without errors: what would fail the book fails here in a second."""

import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

docutils = pytest.importorskip("docutils.core")
napoleon = pytest.importorskip("sphinx.ext.napoleon")

ROOT = Path(__file__).parents[2]
SHOWN = re.findall(r"auto(?:function|class|method|exception):: (\S+)", (ROOT / "book/api.md").read_text())
WORSE_THAN_INFO = 2


def book_extension():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "book/_ext/pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def complaints(text: str) -> str:
    """What docutils says of a docstring after the book's own reading of it; cross references are Sphinx's to check."""
    lines = text.splitlines()
    book_extension()._readable(None, None, None, None, None, lines)
    text = str(napoleon.NumpyDocstring("\n".join(lines), napoleon.Config(napoleon_use_ivar=True)))
    plain = re.sub(r":[a-z:]+:(`[^`]+`)", r"\1", text)
    heard = []
    settings = {"report_level": WORSE_THAN_INFO, "halt_level": 5, "warning_stream": Heard(heard)}
    docutils.publish_doctree(plain, settings_overrides=settings)
    return "".join(heard)


class Heard:
    def __init__(self, lines: list[str]):
        self.write = lines.append


def named(path: str):
    """As Sphinx finds it: pvlib.measure.compare is the function, which hides the module of that name."""
    value = importlib.import_module("pvlib")
    for part in path.split(".")[1:]:
        value = getattr(value, part, None) or importlib.import_module(f"{value.__name__}.{part}")
    return value


def test_the_page_lists_things():
    assert len(SHOWN) > 20


@pytest.mark.parametrize("path", SHOWN)
def test_docstring_is_read_without_complaints(path):
    assert not complaints(inspect.getdoc(named(path)))


def test_a_bad_docstring_is_found():
    assert "unindent" in complaints("What.\n\na : one\nand more of it\n")
