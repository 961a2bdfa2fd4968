"""The complete data sets: pixels and statistics as published. Needs PVLIB_DATA; uses the cache of decoded data."""

import os
import warnings

import numpy as np
import pytest

from pvlib.experiment.data import anchor, load

KNOWN = {
    "mnist": (60000, [0.13066048], [0.30810781]),
    "cifar10": (50000, [0.49139968, 0.48215841, 0.44653091], [0.24703223, 0.24348513, 0.26158784]),
    "cifar100": (50000, [0.50707516, 0.48654887, 0.44091784], [0.26733429, 0.25643846, 0.27615047]),
}
NOT_CHECKED = "PVLIB_DATA is not set: the readers were NOT checked on the real data sets"


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_real_data_have_their_published_statistics_and_an_anchor(name, capsys):
    if not os.environ.get("PVLIB_DATA"):
        warnings.warn(NOT_CHECKED, stacklevel=1)
        pytest.skip(NOT_CHECKED)
    size, mean, std = KNOWN[name]
    data = load(name)
    assert "not the original" not in capsys.readouterr().err
    assert (len(data.train), len(data.test)) == (size, 10000)
    np.testing.assert_allclose(data.mean, mean, atol=1e-7)
    np.testing.assert_allclose(data.std, std, atol=1e-7)
    ids = anchor(data)
    for split, chosen, count in ((data.train, ids.train_ids, 2000), (data.test, ids.test_ids, 1000)):
        assert len(chosen.unique()) == count
        assert (split.labels[chosen].bincount() == count // data.num_classes).all()
