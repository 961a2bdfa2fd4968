"""Every public name of pvlib.measure says when it is not the thing to use."""

import inspect
import re

import pytest

from pvlib import measure

WARNS = re.compile(r"\bNot\b|\bnot (for|where|to)\b")


def in_use(value) -> bool:
    """Functions and classes that a caller picks; warnings and errors pick their moment themselves."""
    raised = inspect.isclass(value) and issubclass(value, Exception)
    return (inspect.isfunction(value) or inspect.isclass(value)) and not raised


@pytest.mark.parametrize("name", [name for name in measure.__all__ if in_use(getattr(measure, name))])
def test_docstring_says_when_not_to_use_it(name):
    assert WARNS.search(getattr(measure, name).__doc__), f"{name}: when is it the wrong choice?"
