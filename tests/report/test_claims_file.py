"""`claims.yml`: what it says is checked before anything is judged by it."""

import copy
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pvlib.report.answers.file import load_claims, load_floors

ROOT = Path(__file__).resolve().parents[2]
CONTENT = yaml.safe_load((ROOT / "claims.yml").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the project's studies, for a claims file of one's own beside them."""
    folder = tmp_path_factory.mktemp("claims")
    shutil.copytree(ROOT / "pvlib/studies", folder / "studies")
    return folder


def changed(place, value):
    content = copy.deepcopy(CONTENT)
    *above, last = place
    inner = content
    for step in above:
        inner = inner[step]
    inner[last] = value
    return content


def written(folder, content):
    path = folder / "claims.yml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("claims", 0, "threshold", "at_least"), 90, r"claims\[0\].threshold.at_least: expected a number <= 1"),
        (("claims", 0, "threshold", "at_least"), float("nan"), "at_least"),
        (("claims", 0, "threshold", "at_most"), 0.5, "unknown key 'at_most'; did you mean at_least"),
        (("claims", 0, "threshold"), {}, "the key 'at_least' is missing"),
        (("claims", 1, "threshold", "start_at_least_deg"), 170, "start_at_least_deg: expected a number <= 90"),
        (("claims", 2, "threshold", "excludes"), -2, "excludes: expected a number >= -1"),
        (("claims", 0, "kind"), "agreemen", r"claims\[0\].kind: 'agreemen' is unknown; did you mean agreement"),
        (("claims", 2, "correction"), "bonferroni", r"claims\[2\].correction: 'bonferroni' is unknown; .*holm"),
        (("claims", 1, "kind"), "agreement", "claims"),
        (
            ("measurement", "layer"),
            "penultimat",
            "measurement.layer: 'penultimat' is unknown; did you mean penultimate",
        ),
        (("measurement", "conventions"), ["uncentered"], "did you mean uncentred"),
        (("measurement", "conventions"), ["centred", "centred"], "one comes twice"),
        (("measurement", "minimum_seeds"), 1, "minimum_seeds: expected a whole number >= 2"),
        (("measurement", "tie", "shares"), 0.5, "measurement.tie: unknown key 'shares'"),
        (("families", "contrastive"), ["mlp"], "an architecture is in two of them"),
        (("datasets",), ["minst"], r"datasets\[0\]: 'minst' is unknown; did you mean mnist"),
        (("demonstration",), ["mnist"], "one comes twice"),
        (
            ("floors", "trained", "mnist/mlpp"),
            0.9,
            "floors, 'trained': unknown cell 'mnist/mlpp'; did you mean mnist/mlp",
        ),
        (("floors", "traind"), {"mnist/mlp": 0.9}, "unknown study 'traind'; did you mean trained"),
        (
            ("floors", "trained", "mnist/mlp"),
            97,
            "floors, 'trained', 'mnist/mlp': expected a number between 0 and 1, got 97",
        ),
    ],
)
def test_what_nothing_could_be_judged_by_is_refused(folder, place, value, message):
    with pytest.raises(ValueError, match=message) as refused:
        load_claims(written(folder, changed(place, value)))
    assert len(str(refused.value).splitlines()) == 1
    assert str(refused.value).startswith("claims.yml")


def test_a_key_that_comes_twice_is_refused(folder):
    (folder / "claims.yml").write_text((ROOT / "claims.yml").read_text() + "\ndatasets: [mnist]\n")
    with pytest.raises(ValueError, match="the key 'datasets' comes twice"):
        load_claims(folder / "claims.yml")


def places(content, path=()):
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = [place for place in places(CONTENT) if place[0] != "floors" or place[:3] == ("floors", "trained", "mnist/mlp")]


@given(
    place=st.sampled_from(PLACES),
    junk=st.none() | st.booleans() | st.just(-(10**30)) | st.text(max_size=4) | st.dates() | st.lists(st.integers()),
)
@settings(max_examples=150, deadline=None)
def test_a_wrong_type_anywhere_is_one_line(folder, place, junk):
    try:
        load_claims(written(folder, changed(place, junk)))
    except ValueError as error:
        assert len(str(error).splitlines()) == 1


def test_floors_of_both_versions_are_read():
    floors = load_floors(load_claims())
    assert floors["trained"]["mnist/mlp"] == CONTENT["floors"]["trained"]["mnist/mlp"]
    first = yaml.safe_load((ROOT / "claims-1.yml").read_text())["floors"]
    assert set(floors) == {*first, "trained"} and floors["quick"] == first["quick"]
