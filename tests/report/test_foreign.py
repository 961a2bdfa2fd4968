"""The figure of foreign networks says what the published cosines say."""

import pandas as pd
import pytest

from pvlib.report.figures import foreign as foreign_figure
from pvlib.report.figures.book_figure import Missing
from pvlib.report.tables import load


@pytest.fixture(scope="module")
def foreign():
    return load("foreign")


def test_means_are_those_of_different_networks_at_one_size(foreign):
    table = foreign_figure.agreement(foreign, load("trained")).set_index(["dataset", "convention", "kind"])
    networks = pd.read_parquet(foreign.path("networks.parquet"))
    count = networks[(networks["size"] == foreign_figure.SIZE) & (networks["dataset"] == "cifar10")][
        "network"
    ].nunique()
    row = table.loc[("cifar10", "centred", "one another")]
    assert row["pairs"] == count * (count - 1) / 2
    assert row["least"] <= row["mean"] <= row["most"]


def test_our_networks_stand_beside_by_name_and_their_means_are_those_of_the_table(foreign):
    ours = load("trained")
    table = foreign_figure.agreement(foreign, ours).set_index(["dataset", "convention", "kind"])
    runs = ours.runs[(ours.runs["cell"] == "cifar10/resnet20")]["run"]
    sizes = pd.read_parquet(foreign.path("networks.parquet")).drop_duplicates("run").set_index("run")["size"]
    rows = pd.read_parquet(foreign.path("agreement.parquet"))
    rows = rows[rows["run_b"].isin(runs) & (rows["layer"] == "penultimate") & (rows["layer_b"] == "penultimate")]
    rows = rows[(rows["state_a"] == "trained") & (rows["state_b"] == "trained") & (rows["convention"] == "centred")]
    rows = rows[rows["run_a"].map(sizes) == foreign_figure.SIZE]
    found = table.loc[("cifar10", "centred", "our ResNet-20")]
    assert found["pairs"] == len(rows) > 0
    assert found["mean"] == pytest.approx(rows["cos"].mean())


def test_pixels_are_those_in_0_to_1_and_not_the_standardised_ones(foreign):
    table = foreign_figure.agreement(foreign, load("trained")).set_index(["dataset", "convention", "kind"])
    assert (
        table.loc[("cifar10", "uncentred", "the pixels"), "least"] > 0.5
    )  # pixels have a mean, standardised ones hardly


def test_without_the_study_the_page_says_so():
    assert isinstance(foreign_figure.figure(None, load("trained")), Missing)
