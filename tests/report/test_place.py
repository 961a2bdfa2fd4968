"""Where a network stands: among all published networks of its data set, over the same images, and said as it is."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import pvlib
from pvlib.measure import PVector
from pvlib.packed import unpack
from pvlib.report.place import place
from pvlib.study.vectors import pack

from .copies import RESULTS

RUN = "trained/train/penultimate/centred"
ANCHOR = 2000  # samples of the training anchor


@pytest.fixture
def results():
    return RESULTS


def first(published):
    runs = published.runs
    run = runs[(runs["dataset"] == "mnist") & (runs["role"] == "primary")]["run"].iloc[0]
    return run, published.vectors(run)[RUN][0]


def test_a_published_network_is_nearest_to_itself_and_may_be_left_out(results, published):
    run, own = first(published)
    found = place(own, "mnist", center=True, results=results)
    assert found.table["cos"].max() == pytest.approx(1)
    assert set(found.table["state"]) >= {"trained", "untrained"} and "quick" in set(found.table["study"])
    left = place(own, "mnist", center=True, results=results, leave_out=run)
    assert len(left.table) == len(found.table) - 1
    assert found.nearest in set(found.table["label"]) and found.nearest in str(found)
    assert f"{found.to_frame().max().max():.3f}" in found._repr_html_()


def test_a_p_vector_knows_its_convention_and_an_array_must_say(results, published):
    _, own = first(published)
    vector = PVector(own[:, None], np.array([2.0, 1.0]), 0, 1, 0, 0, True, True, True, "gram", 2, "sum", 5)
    assert place(vector, "mnist", results=results).table.equals(place(own, "mnist", center=True, results=results).table)
    with pytest.raises(ValueError, match="center=True or center=False"):
        place(own, "mnist", results=results)


def test_what_cannot_be_placed_says_what_to_do(results):
    with pytest.raises(ValueError, match="7 entries, the published ones 2000: measure it on the anchor"):
        place(np.ones(7), "mnist", center=True, results=results)
    with pytest.raises(ValueError, match=r"nothing is published of 'mnits' .*did you mean mnist"):
        place(np.ones(ANCHOR), "mnits", center=True, results=results)
    with pytest.raises(ValueError, match="no P-vectors of layer 'conv1'"):
        place(np.ones(ANCHOR), "mnist", center=True, layer="conv1", results=results)


def test_pvlib_results_says_where_to_look(results, published, monkeypatch):
    monkeypatch.setenv("PVLIB_RESULTS", str(results))
    assert len(pvlib.place(first(published)[1], "mnist", center=True).table)


def test_vectors_published_in_eight_bits_are_those_that_were_packed(published, tmp_path, monkeypatch):
    run, _ = first(published)
    stored = unpack(load_file(published.path(f"vectors/{run}.safetensors")))
    span = np.random.default_rng(0).standard_normal((3, ANCHOR))
    save_file(
        pack({**stored, "trained/train/penultimate/centred": span, "trained/train/output/unit": span}), tmp_path / "v"
    )
    monkeypatch.setattr(type(published), "path", lambda *_: tmp_path / "v")
    found = published.vectors(run)
    assert found.keys() == {*stored, "trained/train/output/unit"}
    for name in ("trained/train/penultimate/centred", "trained/train/output/unit"):
        cosines = np.abs(np.sum(found[name] * span, axis=1)) / np.linalg.norm(span, axis=1)
        assert (cosines > 1 - 1e-4).all()


def test_the_picture_is_drawn(results, published, tmp_path):
    pytest.importorskip("plotly")
    place(first(published)[1], "mnist", center=True, results=results).plot("mine").savefig(tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 5000
