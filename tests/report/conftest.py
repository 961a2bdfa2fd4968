"""Made-up published studies, written once."""

import copy

import pytest

from pvlib.report import claims as claims_module
from pvlib.report import tables

from .fake_study import write_fake_study

CELLS = ("mlp", "lenet", "mlp_ae")
SMALL = {"datasets": ("mnist",), "architectures": CELLS, "layers": ("penultimate",), "steps": (0, 10, 1000)}


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """`quick` on MNIST: networks agree (centred |cos| about 0.98), untrained ones do not (0.25)."""
    folder = tmp_path_factory.mktemp("results")
    write_fake_study(folder, trained=0.99, **SMALL)
    return folder


@pytest.fixture(scope="session")
def published(results):
    """The study as it is; tests that change it use `study`."""
    return tables.load("quick", results)


@pytest.fixture
def study(published):
    """A copy whose tables a test may replace: `study.pairs = ...`."""
    for table in tables.TABLES:
        getattr(published, table)
    return copy.copy(published)


@pytest.fixture(scope="session")
def claims():
    return claims_module.load_claims()
