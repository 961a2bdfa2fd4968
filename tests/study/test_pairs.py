"""Which networks are paired, from made-up vectors."""

import numpy as np
import pytest

from pvlib.study import pairs
from pvlib.vector_names import VectorName

rng = np.random.default_rng(0)


def vector():
    return rng.standard_normal((1, 50))


@pytest.fixture
def frame():
    """Two networks with BatchNorm and two without; the second layer is published calibrated only."""
    networks = {}
    for run, states in {
        "bn1": ("trained", "untrained", "untrained_raw"),
        "bn2": ("trained", "untrained", "untrained_raw"),
        "mlp": ("trained", "untrained"),
        "cnn": ("trained", "untrained"),
    }.items():
        networks[run] = {str(VectorName.primary(state, "centred")): vector() for state in states}
        networks[run]["untrained/train/output/centred"] = vector()
        networks[run]["trained/train/output/centred"] = vector()
    return pairs.pair_rows(networks, {"bn1": "bn", "bn2": "bn", "mlp": "mlp", "cnn": "cnn"})


def ends(frame, layer, *states):
    rows = frame[(frame["layer"] == layer)]
    return {
        frozenset([(r.run_a, r.state_a), (r.run_b, r.state_b)])
        for r in rows.itertuples()
        if {r.state_a, r.state_b} == set(states)
    }


def test_a_network_without_batchnorm_is_its_own_uncalibrated_self(frame):
    mixed = ends(frame, "penultimate", "untrained", "untrained_raw")
    assert mixed == {
        frozenset([(bn, "untrained_raw"), (other, "untrained")]) for bn in ("bn1", "bn2") for other in ("mlp", "cnn")
    }


def test_calibrated_and_not_calibrated_networks_with_batchnorm_are_no_pair(frame):
    for pair in ends(frame, "penultimate", "untrained", "untrained_raw"):
        assert not {("bn1", "untrained"), ("bn2", "untrained")} & pair


def test_every_two_untrained_networks_are_a_pair_once(frame):
    assert len(ends(frame, "penultimate", "untrained")) == 6
    assert len(ends(frame, "penultimate", "untrained_raw")) == 1
    assert len(ends(frame, "output", "untrained")) == 6


def test_trained_and_untrained_networks_of_different_cells_are_paired_at_the_primary_layer_only(frame):
    cells = {"bn1": "bn", "bn2": "bn", "mlp": "mlp", "cnn": "cnn"}
    for layer in ("penultimate", "output"):
        across = {frozenset(cells[run] for run, _ in pair) for pair in ends(frame, layer, "trained", "untrained")} - {
            frozenset(["bn"])
        }
        assert bool(across) == (layer == "penultimate")
