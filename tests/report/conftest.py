"""Published studies, as the real publisher wrote them."""

import copy

import pytest

from pvlib.report import tables
from pvlib.report.answers.summary import Summary
from pvlib.report.figures.view import View

from .copies import RESULTS


@pytest.fixture(scope="session")
def published():
    """`quick` as it is; tests that change it use `study`."""
    return tables.load("quick", RESULTS)


@pytest.fixture
def study(published):
    """A copy whose tables a test may replace: `study.pairs = ...`."""
    for table in tables.TABLES:
        getattr(published, table)
    return copy.copy(published)


def view_of(study, dataset: str) -> View:
    """One data set of a study under the claims of the project."""
    return View(Summary([study]).judgings[0], dataset)
