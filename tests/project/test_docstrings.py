"""Docstrings that the API page shows are reStructuredText without errors: what would fail the book fails here in a second."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import pvlib
import pvlib.measure

docutils = pytest.importorskip("docutils.core")
napoleon = pytest.importorskip("sphinx.ext.napoleon")

ROOT = Path(__file__).parents[2]
SHOWN = re.findall(r"auto(?:function|class|method|exception):: (\S+)", (ROOT / "book/api.md").read_text())
WORSE_THAN_INFO = 2


def complaints(text: str) -> str:
    """What docutils says of a docstring as the book reads it; cross references are Sphinx's to check."""
    text = str(napoleon.NumpyDocstring(text, napoleon.Config(napoleon_use_ivar=True)))
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
    value = named(path)
    shown = [value, *(getattr(value, name) for name in dir(value) if inspect.isclass(value) and name[0] != "_")]
    for each in shown:
        assert not complaints(inspect.getdoc(each) or "")


def test_a_bad_docstring_is_found():
    assert "it" in complaints("What |it| is.")


def callables():
    """Public names that a caller picks; warnings and errors pick their moment themselves, results come from a function."""
    for module in (pvlib, pvlib.measure):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield f"{value.__module__}.{name}", value


PUBLIC = dict(callables())


@pytest.mark.parametrize("path", PUBLIC)
def test_every_public_function_has_an_example_that_runs(path):
    value = PUBLIC[path]
    found = doctest.DocTestFinder(recurse=False).find(value, path, globs={})
    assert found and found[0].examples, "no example"
    heard = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found[0], out=heard.append)
    assert not heard, "".join(heard)


STREAM = [pvlib.measure.Directions, pvlib.measure.Stream]
METHODS = [value for cls in STREAM for name, value in vars(cls).items() if inspect.isfunction(value) and name[0] != "_"]


@pytest.mark.parametrize("value", [*STREAM, *METHODS], ids=lambda value: value.__qualname__)
def test_streams_have_examples_that_run(value):
    found = doctest.DocTestFinder(recurse=False).find(value, value.__qualname__, globs={})
    assert found and found[0].examples, "no example"
    heard = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found[0], out=heard.append)
    assert not heard, "".join(heard)


@pytest.mark.parametrize("path", PUBLIC)
def test_every_parameter_is_described(path):
    text = inspect.getdoc(PUBLIC[path])
    described = re.findall(
        r"^([\w, ]+?)(?: : .*)?$", text.partition("Parameters\n---")[2].partition("Returns\n---")[0], re.M
    )
    named = {name.strip() for line in described for name in line.split(",")}
    for parameter in inspect.signature(PUBLIC[path]).parameters:
        assert parameter in named, f"{parameter} is not described"
