"""What is rounded for publication loses no more than it says, and publishing it again changes nothing."""

import numpy as np
import pytest

from pvlib.study.across import across_rows
from pvlib.study.vectors import for_publication, pack, slim, unpack

RNG = np.random.default_rng(0)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


CENTRED = unit(RNG.normal(size=(9, 2000)))
POSITIVE = unit(1 + 0.05 * RNG.normal(size=(1, 2000)))
VECTORS = {
    "trained/train/penultimate/centred": CENTRED,
    "trained/train/penultimate/uncentred": POSITIVE,
    "trained/train/output/uncentred": POSITIVE,
    "trained/train/earlier/unit": CENTRED[:1],
    "share_0.01/train/penultimate/centred": CENTRED[:1],
}


def cosine(u, v):
    return abs(u @ v) / np.linalg.norm(u) / np.linalg.norm(v)


def test_the_primary_vectors_keep_half_precision_and_all_others_eight_bits_of_their_spread():
    found = unpack(pack(VECTORS))
    assert found.keys() == VECTORS.keys()
    for name, expected in VECTORS.items():
        assert found[name].shape == expected.shape
        for number, (u, v) in enumerate(zip(found[name].astype(float), expected, strict=True)):
            primary = name.startswith("trained/train/penultimate") and number == 0
            assert 1 - cosine(u, v) < (1e-6 if primary else 1e-4)
            spread = [x / x.mean() - 1 for x in (u, v)] if v.min() > 0 else [u, v]
            assert 1 - cosine(*spread) < 1e-3  # what differs from the mean is kept as well


def test_publishing_again_what_was_published_changes_no_bit():
    once = pack(VECTORS)
    twice = pack(unpack(once))
    assert once.keys() == twice.keys()
    for name, value in once.items():
        assert np.array_equal(value, twice[name]), name


def test_a_constant_vector_survives():
    found = unpack(pack({"untrained/train/output/uncentred": np.full((1, 50), 0.1)}))
    np.testing.assert_allclose(found["untrained/train/output/uncentred"], 0.1, rtol=1e-6)


@pytest.mark.parametrize(("role", "directions"), [("primary", 9), ("control", 1), ("pool", 1)])
def test_spans_are_of_primary_runs(role, directions):
    kept = slim(VECTORS, role)
    assert len(kept["trained/train/penultimate/centred"]) == directions
    assert ("trained/train/output/uncentred" in kept) == (role != "pool")


def test_what_is_published_is_what_the_docs_say_and_no_more():
    more = {
        "trained/test/penultimate/centred": CENTRED,
        "untrained_raw/train/penultimate/centred": CENTRED,
        "untrained_raw/test/penultimate/centred": CENTRED,
        "trained/cifar100-train/penultimate/centred": CENTRED[:1],
        "untrained/train/penultimate/centred": np.concatenate([CENTRED, CENTRED]),
    }
    found = {name: len(value) for name, value in for_publication({**VECTORS, **more}).items()}
    assert found == {
        "trained/train/penultimate/centred": 9,
        "trained/train/penultimate/uncentred": 1,
        "trained/train/output/uncentred": 1,
        "trained/test/penultimate/centred": 1,
        "untrained_raw/train/penultimate/centred": 1,
        "untrained_raw/test/penultimate/centred": 1,
        "untrained/train/penultimate/centred": 9,
    }


def test_networks_of_two_data_sets_are_compared_on_the_same_images_only():
    u, v = CENTRED[:1], CENTRED[1:2]
    vectors = {
        "ten": {"trained/train/penultimate/centred": u, "trained/cifar100-train/penultimate/centred": v},
        "hundred": {"trained/train/penultimate/centred": v, "trained/cifar10-train/penultimate/centred": u},
    }
    rows = across_rows(vectors, {"ten": "cifar10", "hundred": "cifar100"}).set_index("anchor")
    assert rows.loc["cifar10", ["run_a", "run_b"]].tolist() == ["ten", "hundred"]
    assert rows.loc["cifar100", ["run_a", "run_b"]].tolist() == ["hundred", "ten"]
    np.testing.assert_allclose(rows["cos"], 1)
