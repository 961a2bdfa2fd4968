"""The page "Explore the evidence": what is packed for it, and the built page in a real browser, against the published tables."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from pvlib.experiment.data import DataError, anchor, load
from pvlib.report import tables
from scripts import anchor_labels
from scripts.check_pages import problems

from .built_page import ROOT, built, driven

LINKED = ("index", "notebooks/01_p_vector", "notebooks/02_data_and_models", "notebooks/08_controls")
TOLERANCE = 1e-3  # of cosines, as the page says
CONVENTIONS = ("uncentred", "centred")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The page as the book has it, with stubs for the pages that it links to."""
    folder = tmp_path_factory.mktemp("site")
    return built(
        folder, "explore", LINKED, PVLIB_RESULTS=str(ROOT / "results"), PVLIB_DATA=str(folder / "no-data-sets-here")
    )


@pytest.fixture(scope="module")
def index(site) -> dict:
    text = (site / "_static/explore/index.js").read_text()
    return json.loads(text.removeprefix("window.pvExplore = ").rstrip(";\n"))


@pytest.fixture(scope="module")
def published(index) -> list[tuple[str, float]]:
    """A link for every study, data set and layer, of any convention, trained or not, with the published cosine."""
    found = []
    for collection in index["collections"]:
        study, data = collection["study"], collection["data"]
        names = run_names(study, data)
        layers = {run[0]: cell["layers"] for cell in collection["cells"] for run in cell["runs"]}
        pairs = cosines(study, data)
        pairs = pairs[pairs["run_a"].isin(names) & pairs["run_b"].isin(names)]
        pairs = pairs[pairs["state_a"].isin(["trained", "untrained"]) & pairs["state_b"].isin(["trained", "untrained"])]
        pairs = pairs[pairs["convention"].isin(CONVENTIONS)]
        shown = [
            row.layer in layers[names[row.run_a]] and row.layer in layers[names[row.run_b]]
            for row in pairs.itertuples()
        ]
        pairs = pairs[shown]
        one = pairs.sample(frac=1, random_state=len(found)).drop_duplicates("layer")
        for row in one.itertuples():
            ends = [
                f"{names[run]}{'' if state == 'trained' else '.untrained'}"
                for run, state in ((row.run_a, row.state_a), (row.run_b, row.state_b))
            ]
            where = f"#study={study}&data={data}&layer={row.layer}&convention={row.convention}"
            found.append((f"{where}&a={ends[0]}&b={ends[1]}", row.cos))
    return found


def run_names(study: str, data: str) -> dict[str, str]:
    """Run -> the page's name for it; networks of other studies stand beside the foreign ones."""
    if study == "foreign":
        networks = pd.read_parquet(ROOT / "results/foreign/networks.parquet")
        networks = networks[networks["dataset"] == data]
        own = {
            row.run: f"{row.network}.{row.size}" for row in networks[["run", "network", "size"]].itertuples(index=False)
        }
        return own | {run: f"quick.{name}" for run, name in run_names("quick", data).items()}
    runs = tables.load(study, ROOT / "results").runs
    runs = runs[(runs["dataset"] == data) & (runs["role"] != "pool")]
    return {row.run: f"{row.cell.split('/')[1]}.{row.seed}" for row in runs.itertuples()}


def cosines(study: str, data: str) -> pd.DataFrame:
    if study == "foreign":
        pairs = pd.read_parquet(ROOT / "results/foreign/agreement.parquet")
        return pairs[(pairs["dataset"] == data) & (pairs["layer"] == pairs["layer_b"])]
    pairs = tables.load(study, ROOT / "results").pairs
    return pairs[pairs["split"] == "train"]


@pytest.fixture(scope="module")
def seen(site, published, tmp_path_factory) -> dict:
    """Everything that the browser saw (tests/js/drive_explore.js), opened from the disk as a reader without a server would."""
    plan = {
        "page": (site / "explore.html").as_uri(),
        "states": [link for link, _ in published],
        "starts": len(re.findall("data-number", (ROOT / "book/explore.md").read_text())),
        "pictures": os.environ.get("EXPLORE_PICTURES"),
    }
    found = driven("drive_explore.js", plan, tmp_path_factory.mktemp("drive"), timeout=280)
    for scene in found.values():
        assert "failed" not in scene, scene
    return found


def test_every_published_study_can_be_explored(index):
    shown = {collection["study"] for collection in index["collections"]}
    assert shown >= {"quick", "trained", "digits", "foreign"}
    assert {data for data, _ in by_collection(index)} >= {"mnist", "cifar10", "cifar100", "digits"}
    for collection in index["collections"]:
        assert "penultimate" in collection["layers"]
        assert {cell["role"] for cell in collection["cells"]} <= {"primary", "control", "exploratory", "foreign"}


def test_every_network_that_is_placed_among_is_packed_at_the_penultimate_layer(index):
    for study in ("quick", "trained", "digits"):
        runs = tables.load(study, ROOT / "results").runs
        for data, group in runs[(runs["role"] != "pool") & (runs["status"] == "done")].groupby("dataset"):
            (collection,) = [one for one in index["collections"] if (one["study"], one["data"]) == (study, data)]
            packed = [run[0] for cell in collection["cells"] if "penultimate" in cell["layers"] for run in cell["runs"]]
            assert sorted(packed) == sorted(run_names(study, data)[run] for run in group["run"])


def test_other_layers_of_quick_are_left_to_trained(index):
    layers = {(one["study"], one["data"]): list(one["layers"]) for one in index["collections"]}
    for data in ("mnist", "cifar10", "cifar100"):
        assert layers["quick", data] == ["penultimate"]
        assert {"earlier", "output"} < set(layers["trained", data])


def by_collection(index) -> list[tuple[str, dict]]:
    return [(collection["data"], collection) for collection in index["collections"]]


def test_no_cosine_of_the_packed_vectors_is_off_by_more_than_the_page_says(index):
    for _, collection in by_collection(index):
        for layer in collection["layers"].values():
            assert layer["off"] <= TOLERANCE


def test_files_are_small_enough_to_be_loaded_on_demand(site):
    sizes = {path.name: path.stat().st_size for path in (site / "_static/explore").iterdir()}
    assert max(sizes.values()) <= 700_000
    assert sum(sizes.values()) <= 12_000_000


def test_images_of_others_are_not_published(site):
    """Digits come with scikit-learn; those of MNIST and CIFAR may not be passed on."""
    assert [path.name for path in (site / "_static/explore").glob("*images*")] == ["digits-images.js"]


@pytest.mark.parametrize("dataset", anchor_labels.DATASETS)
def test_the_committed_labels_are_those_of_the_anchor(dataset):
    known = json.loads(anchor_labels.TO.read_text())[dataset]
    assert len(known["labels"]) == 2000
    assert max(known["labels"]) == len(known["classes"]) - 1
    if "PVLIB_DATA" not in os.environ:
        pytest.skip("PVLIB_DATA names no folder of data sets: the labels are not compared with them")
    try:
        assert anchor_labels.labels(dataset) == known
    except DataError as error:
        pytest.skip(f"the data set is not here: {error}")


def test_labels_of_the_digits_are_in_the_order_of_the_anchor(index):
    data = load("digits")
    wanted = bytes(data.train.labels[anchor(data).train_ids].tolist())
    assert base64.b64decode(index["datasets"]["digits"]["labels"]) == wanted


def test_the_built_page_asks_no_other_host_and_its_links_hold(site):
    ours = [problem for problem in problems(site) if problem.startswith("explore.html") and "mathjax" not in problem]
    assert ours == []


def test_every_link_shows_the_published_cosine(seen, published):
    assert len(seen["states"]) == len(published) > 25
    assert {convention for convention in CONVENTIONS for link, _ in published if convention in link} == set(CONVENTIONS)
    for found, (link, cos) in zip(seen["states"], published, strict=True):
        assert found["note"] is None, link
        assert found["hash"] == link
        assert found["cos"] == pytest.approx(cos, abs=TOLERANCE), link
        assert float(found["shown"]) == pytest.approx(cos, abs=TOLERANCE + 5e-4), link


def test_the_parts_add_up_to_the_cosine(seen):
    for found in seen["states"]:
        cos, mean, sign, beyond = re.fullmatch(
            r"\|cos\| ([\d.]+) = (−?[\d.]+) \(mean\) ([+−]) ([\d.]+) \(beyond\)", found["sum"]
        ).groups()
        total = float(mean.replace("−", "-")) + (1 if sign == "+" else -1) * float(beyond)
        assert total == pytest.approx(float(cos), abs=2e-3), found


def test_training_is_shown_where_it_is_published_and_else_its_lack(seen):
    for found in seen["states"]:
        assert (found["pictures"] > 6) == (found["unpublished"] is None)  # a picture of plotly's is three elements


def test_knobs_links_and_the_back_button_agree(seen):
    found = seen["knobs"]
    assert found["first"]["hash"] == ""
    assert "convention=centred" in found["centred"]["hash"]
    assert "layer=output" in found["output"]["hash"]
    assert "a=lenet.5&b=conv_ae.5.untrained" in found["mixed"]["hash"]
    assert found["back"] == found["output"]
    assert found["forward"]["hash"] == found["output"]["hash"].replace("a=mlp.5", "a=lenet.5")
    assert found["exchanged"]["hash"].endswith("a=conv_ae.5&b=lenet.5")
    assert found["exchanged"]["shown"] == found["forward"]["shown"]
    assert found["linked"]["hash"] not in (found["exchanged"]["hash"], "")
    assert found["heading"] == found["linked"]["shown"]


def test_numbers_in_the_text_are_those_of_the_views_they_lead_to(seen):
    first, second, *_ = seen["knobs"]["starts"]
    assert first["numbers"][0] == f"{seen['knobs']['first']['cos']:.2f}"
    assert second["link"] == seen["knobs"]["centred"]["hash"]
    assert second["numbers"] == [f"{seen['knobs']['centred']['cos']:.2f}"]


def test_the_first_view_loads_less_than_two_megabytes_of_its_own(seen, site):
    own = [address for address in seen["knobs"]["atFirst"] if re.search(r"explore|_static/(try|plotly)/", address)]
    assert any("plotly" in address for address in own)
    paths = [site / address.split("/html/")[1].split("?")[0] for address in own]
    assert sum(path.stat().st_size for path in paths) < 2_000_000


def test_the_keyboard_is_enough(seen):
    found = seen["keyboard"]
    assert found["kept"] == "explore-layer"
    assert "layer=output" in found["layer"]["hash"]
    assert "convention=centred" in found["radio"]["hash"]
    assert found["link"]["hash"] != found["radio"]["hash"]
    assert found["before"] != found["after"] == found["spoken"]
    assert "place 1 of 1,000" in found["after"]
    assert found["table"] == 1
    assert found["lines"] == 1001
    assert found["images"] == 41  # ten at each of four ends, and the one of the slider


def test_what_cannot_be_shown_is_said(seen):
    found = seen["refusals"]
    assert "The study none, mnist is not published here" in found["note"]
    assert found["left"] == 0  # of another view, which the knobs no longer name
    assert found["again"]["note"] is None


@pytest.mark.parametrize("look", ["light", "dark", "phone", "dark phone"])
def test_the_page_is_accessible(seen, look):
    found = seen["looks"][look]
    assert found["theme"] == ("dark" if "dark" in look else "light")
    assert found["axe"] == []
    assert found["pictures"] == 3
    assert found["tables"] >= 6
    assert found["width"] <= (390 if "phone" in look else 1280)


def test_nothing_is_asked_of_another_host_and_nothing_breaks(seen):
    assert seen["elsewhere"] == []
    assert seen["errors"] == []
