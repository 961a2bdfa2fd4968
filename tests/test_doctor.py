"""What looks wrong in features is found wherever a block of rows ends, and told apart from what only looks alike."""

import numpy as np
import pytest

from pvlib import doctor

RNG = np.random.default_rng(0)


def sick():
    F = RNG.standard_normal((50, 6)).astype(np.float32)
    F[:, 1], F[:, 4] = 0, 3
    F[40], F[20, 2] = F[3], np.nan
    return F


@pytest.mark.parametrize("size", [1, 7, 50])
def test_blocks_change_nothing(size):
    F = sick()
    found = doctor.examine((F[i : i + size] for i in range(0, 50, size)), "f")
    assert found.lines == (
        "f holds nan at row 20, column 2; entries that are not finite: 1",
        "2 of 6 features of f are constant, 1 of them always 0",
        "1 of 50 rows of f repeat another row: were samples given twice?",
    )


def test_a_matrix_is_cut_into_blocks_without_loss(monkeypatch):
    monkeypatch.setattr(doctor, "BLOCK", 100)
    F = sick()
    blocks = list(doctor.blocks_of(F))
    assert len(blocks) > 5
    np.testing.assert_array_equal(np.concatenate(blocks), F)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float16, np.float64])
def test_healthy_features_of_any_type_are_not_remarked_on(dtype):
    F = RNG.integers(0, 2, (40, 30)).astype(dtype)
    assert doctor.examine([F], "f").lines == ()


def test_zeros_of_both_signs_are_one_row_and_orders_are_told_from_other_samples():
    F = RNG.standard_normal((9, 3))
    signed = np.concatenate([F, [[0.0, 1, 1]], [[-0.0, 1, 1]]])
    assert "1 of 11 rows" in doctor.examine([signed], "f").lines[0]
    one, turned, other = (doctor.examine([x], "f") for x in (F, F[::-1], F + 1))
    assert one.same_rows_in_another_order(turned)
    assert not one.same_rows_in_another_order(one) and not one.same_rows_in_another_order(other)
