"""Angles: no digits lost at either end, lines and not arrows, warnings where a bound reaches the angle."""

import warnings

import numpy as np
import pytest

from pvlib.measure import angles, inference
from pvlib.measure.cautions import ConventionWarning, PrecisionWarning
from pvlib.measure.pvector import p_vector

from .making import relu_features, with_sigmas


def pair_at(theta, n=50, seed=0):
    a, b = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, 2)))[0].T
    return a, np.cos(theta) * a + np.sin(theta) * b


@pytest.mark.parametrize("theta", [1e-12, 1e-9, 1e-4, 0.5, 1.5, np.pi / 2])
def test_tiny_angles_keep_their_digits(theta):
    u, v = pair_at(theta)
    assert angles.angle(u, v) == pytest.approx(theta, rel=1e-3)
    assert angles.angle(u, -v) == pytest.approx(theta, rel=1e-3)
    assert angles.angle(3 * u, v * 1e-9) == pytest.approx(theta, rel=1e-3)
    assert angles.cosine(u, -v) == pytest.approx(np.cos(theta), abs=1e-15)


@pytest.mark.parametrize("theta", [1e-9, 0.3, 1.5])
def test_pairwise_equals_the_single_pairs(theta):
    vectors = [*pair_at(theta), -pair_at(0.7, seed=1)[1]]
    A, C = angles.pairwise_angles(vectors), angles.pairwise_cosines(vectors)
    for i in range(3):
        for j in range(3):
            assert A[i, j] == pytest.approx(0 if i == j else angles.angle(vectors[i], vectors[j]), abs=1e-15)
            assert C[i, j] == pytest.approx(1 if i == j else angles.cosine(vectors[i], vectors[j]), abs=1e-15)


VECTORS = [np.random.default_rng(seed).standard_normal(30) for seed in range(3)]
MEASURED = [p_vector(relu_features(30, 4 + seed), center=True) for seed in range(3)]
FORMS = {
    "list of arrays": (VECTORS, None),
    "columns of an array": (np.stack(VECTORS, axis=1), None),
    "list of lists": ([list(v) for v in VECTORS], None),
    "P-vectors": (MEASURED, None),
    "dict of arrays": (dict(zip("xyz", VECTORS, strict=True)), list("xyz")),
    "dict of P-vectors": (dict(zip("xyz", MEASURED, strict=True)), list("xyz")),
}


@pytest.mark.parametrize("form", [*FORMS, "tensor", "data frame"])
@pytest.mark.parametrize("pairwise", [angles.pairwise_angles, angles.pairwise_cosines])
def test_vectors_are_columns_in_every_form_and_named_where_they_have_names(form, pairwise):
    if form == "tensor":
        vectors, names = pytest.importorskip("torch").from_numpy(np.stack(VECTORS, axis=1)), None
    elif form == "data frame":
        vectors, names = pytest.importorskip("pandas").DataFrame(dict(zip("xyz", VECTORS, strict=True))), list("xyz")
    else:
        vectors, names = FORMS[form]
    found = pairwise(vectors)
    single = angles.angle if pairwise is angles.pairwise_angles else angles.cosine
    one, two = (MEASURED if "P-vectors" in form else VECTORS)[:2]
    assert np.asarray(found)[0, 1] == pytest.approx(single(one, two))
    assert found.shape == (3, 3)
    if names is None:
        assert isinstance(found, np.ndarray)
    else:
        assert list(found.index) == list(found.columns) == names


def test_vectors_that_do_not_belong_together_are_refused_or_warned_of_by_name():
    with pytest.raises(ValueError, match="u is over 30 samples and v over 29"):
        angles.pairwise_angles([np.ones(30), np.ones(29)])
    with pytest.raises(ValueError, match="vector 'b' is zero"):
        angles.pairwise_cosines({"a": np.ones(3), "b": np.zeros(3)})
    with pytest.raises(ValueError, match="vector 'b' holds a span of k=2"):
        angles.pairwise_cosines({"a": MEASURED[0], "b": p_vector(relu_features(30, 5), center=True, k=2)})
    with pytest.raises(ValueError, match=r"shape \(3,\): \(samples, vectors\)"):
        angles.pairwise_cosines(np.ones(3))
    with pytest.raises(ValueError, match="no vectors"):
        angles.pairwise_cosines([])
    with pytest.warns(ConventionWarning):
        angles.pairwise_angles([MEASURED[0], p_vector(relu_features(30, 5), center=False)])


def test_principal_angles_of_a_dict_are_those_of_its_pairs():
    spans = {"a": np.eye(6)[:, :2], "b": np.eye(6)[:, 1:3], "c": np.eye(6)[:, :1]}
    found = angles.principal_angles(spans)
    assert list(found.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    for one, other in found.index:
        single = angles.principal_angles(spans[one], spans[other])
        np.testing.assert_allclose(found.loc[(one, other)].dropna(), single, atol=1e-12)
    for bad in ({"a": spans["a"]}, spans["a"]):
        with pytest.raises(ValueError, match="two spans are needed"):
            angles.principal_angles(bad)


@pytest.mark.parametrize("theta", [1e-10, 0.2, 1.3])
def test_principal_angles_are_those_that_were_built_in(theta):
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((60, 4)))[0]
    U, V = basis[:, :2], np.column_stack([basis[:, 0], np.cos(theta) * basis[:, 1] + np.sin(theta) * basis[:, 2]])
    mixed = V @ [[1.0, 2.0], [3.0, -1.0]]
    np.testing.assert_allclose(angles.principal_angles(U, mixed), [0, theta], rtol=1e-4, atol=1e-14)
    assert angles.principal_angles(U, basis[:, 1:]).shape == (2,)


def test_warns_when_the_bound_reaches_the_angle_and_not_otherwise():
    F, _ = with_sigmas(300, 20, [1 + 1e-9, 1.0, 0.5])
    near_tie, other = p_vector(F, center=False), p_vector(F[:, ::-1] + 0, center=False)
    assert near_tie.error_bound > angles.PROMISED
    with pytest.warns(PrecisionWarning, match="cannot be told from 0"):
        angles.angle(near_tie, other)
    good = p_vector(relu_features(300, 20), center=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert angles.angle(good, good) == 0
        assert angles.angle(good, near_tie) > 0.1


@pytest.mark.parametrize("compared", [
    angles.angle, angles.cosine, angles.mean_direction, angles.principal_angles, inference.span_overlap,
    inference.angle_to_span,
])  # fmt: skip
def test_centred_beside_uncentred_warns_the_caller(compared):
    F = relu_features(60, 8)
    centred, uncentred = (p_vector(F, center=center) for center in (True, False))
    for pair in ((centred, uncentred), (uncentred, centred)):
        with pytest.warns(ConventionWarning, match="one P-vector is centred and the other is not") as caught:
            compared(*pair)
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConventionWarning)
        compared(centred, centred)
        compared(uncentred, centred.vector)  # of an array nobody knows


def test_uncentred_identity_splits_the_cosine_exactly():
    F = relu_features(400, 20, dtype=np.float64)
    u, v = p_vector(F, center=False).vector, -p_vector(F[:, :7], center=False).vector
    split = angles.mean_direction(u, v)
    s = [np.sqrt(1 - c**2) for c in (split.c_u, split.c_v)]
    assert split.c_u > 0 and split.c_v > 0
    assert split.cos == pytest.approx(split.share + s[0] * s[1] * split.r, abs=1e-12)
    assert split.cos == pytest.approx(angles.cosine(u, v), abs=1e-14)


def test_mean_direction_of_centred_and_constant_vectors():
    F = relu_features(400, 20, dtype=np.float64)
    u = p_vector(F, center=True).vector
    split = angles.mean_direction(u, -u)
    assert split.cos == pytest.approx(1) and split.r == pytest.approx(1) and split.share < 1e-12
    constant = angles.mean_direction(np.ones(400), p_vector(F, center=False))
    assert constant.r == 0 and constant.c_u == pytest.approx(1)


def test_unit_rows_keep_zero_rows_and_extreme_scales():
    F = np.array([[3.0, 4.0], [0, 0], [3e-200, 4e-200], [3e200, 4e200]])
    np.testing.assert_allclose(angles.unit_rows(F), [[0.6, 0.8], [0, 0], [0.6, 0.8], [0.6, 0.8]])


@pytest.mark.parametrize(
    ("u", "v", "message"),
    [
        (np.ones(3), np.ones(4), "u is over 3 samples and v over 4"),
        (np.zeros(3), np.ones(3), "u is zero"),
        (np.ones(3), np.array([1, np.nan, 1]), "v holds nan at entry 1"),
        (np.ma.array([1.0, 2, 3], mask=[0, 1, 0]), np.ones(3), "u is a masked array with masked entries"),
        (np.ones((3, 1)), np.ones(3), r"shape \(3, 1\)"),
        (p_vector(relu_features(30, 5), center=False, k=2), np.ones(30), "span of k=2"),
    ],
)
def test_bad_vectors_are_named(u, v, message):
    with pytest.raises(ValueError, match=message):
        angles.angle(u, v)


def test_complex_vectors_do_not_lose_their_imaginary_part():
    for call in (angles.cosine, angles.principal_angles):
        with pytest.raises(TypeError, match="has dtype complex128"):
            call(np.ones(3), np.array([1, 1j, 1]))
    with pytest.raises(TypeError, match="complex128"):
        angles.unit_rows(np.ones((3, 2)) * 1j)


def test_dependent_columns_are_no_span():
    with pytest.raises(ValueError, match="linearly dependent"):
        angles.principal_angles(np.ones((5, 2)), np.eye(5)[:, :2])
