"""A wrong sentence stops the build, and a guard that checks nothing is no guard."""

import numpy as np
import pandas as pd
import pytest

from pvlib.report.guard import UntrueSentence, guard


def test_a_sentence_that_is_true_passes():
    guard(True, "one")
    guard(np.array([1, 2]) > 0, "each")
    guard(pd.Series([0.1, 0.2]) < 1, "each")


@pytest.mark.parametrize("holds", [False, np.False_, np.array([True, False]), pd.Series([True, False])])
def test_a_sentence_that_is_not_true_stops_and_is_named(holds):
    with pytest.raises(UntrueSentence, match="no longer true: untrained networks agree more"):
        guard(holds, "untrained networks agree more")


@pytest.mark.parametrize("holds", [[], 0.9, 1, None, "yes", np.array([0.5]), pd.Series(dtype=bool), float("nan")])
def test_what_checks_nothing_is_refused(holds):
    with pytest.raises(TypeError, match="truth values"):
        guard(holds, "x")
