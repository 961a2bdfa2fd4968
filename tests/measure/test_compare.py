"""compare: the numbers of the measures, the null of shuffled samples, and notes that say when to doubt."""

import numpy as np
import pytest

from pvlib.measure import calibration, similarity
from pvlib.measure.angles import cosine
from pvlib.measure.compare import compare
from pvlib.measure.pvector import p_vector

from .making import relu_features, with_sigmas
from .test_similarity import two_views

FEW = {"replicates": 40, "permutations": 60}


@pytest.fixture(scope="module")
def related():
    a, b = two_views(n=400, d=(30, 40))
    return a, b, compare(a, b, names=("mlp", "cnn"), **FEW)


def test_estimates_are_those_of_the_measures(related):
    a, b, found = related
    estimate = found.table["estimate"]
    assert estimate["linear CKA"] == pytest.approx(similarity.linear_cka(a, b))
    assert estimate["linear CKA, debiased"] == pytest.approx(similarity.linear_cka(a, b, debiased=True))
    assert estimate["SVCCA"] == pytest.approx(similarity.svcca(a, b), abs=1e-9)
    assert estimate["top-10 span"] == pytest.approx(similarity.top_span(a, b), abs=1e-9)
    assert estimate["Procrustes"] == pytest.approx(similarity.procrustes(a, b), abs=1e-9)
    assert estimate["mutual 10-NN"] == pytest.approx(similarity.mutual_knn(a, b))
    for center, kind in ((False, "uncentred"), (True, "centred")):
        vectors = [p_vector(x, center=center) for x in (a, b)]
        assert estimate[f"P-vector |cos|, {kind}"] == pytest.approx(cosine(*vectors))


FUNCTIONS = {
    "linear CKA": similarity.linear_cka,
    "linear CKA, debiased": lambda a, b: similarity.linear_cka(a, b, debiased=True),
    "SVCCA": similarity.svcca,
    "top-10 span": similarity.top_span,
    "Procrustes": similarity.procrustes,
    "mutual 10-NN": similarity.mutual_knn,
    "P-vector |cos|, uncentred": lambda a, b: cosine(*(p_vector(x, center=False) for x in (a, b))),
    "P-vector |cos|, centred": lambda a, b: cosine(*(p_vector(x, center=True) for x in (a, b))),
}


def slow_views(n=600, d=(540, 300)):
    """Two wide matrices whose variance is spread over all directions."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal((n, 300)) * np.arange(1, 301) ** -0.3
    return [common @ rng.standard_normal((300, k)) + 3 * rng.standard_normal((n, k)) + 1 for k in d]


@pytest.mark.parametrize("views", [slow_views, lambda: slow_views(n=400), lambda: two_views(n=400, d=(30, 40))])
def test_no_estimate_contradicts_the_function_of_that_measure_and_every_interval_holds_it(views):
    a, b = views()
    table = compare(a, b, replicates=20, permutations=20).table
    assert set(table.index) == set(FUNCTIONS)
    for measure, function in FUNCTIONS.items():
        truth = function(a, b)
        assert table.loc[measure, "estimate"] == pytest.approx(truth, abs=1e-6), measure
        assert table.loc[measure, "lo"] <= truth <= table.loc[measure, "hi"], measure


def test_what_leading_directions_leave_out_is_in_the_intervals_and_the_null(monkeypatch):
    a, b = two_views(n=400, d=(60, 50), shared=40)
    whole = compare(a, b, **FEW).table
    monkeypatch.setattr(calibration, "CKA_RANK", 12)
    monkeypatch.setattr(calibration, "SVD_RANK", 12)
    found = compare(a, b, **FEW)
    table = found.table
    np.testing.assert_allclose(table["estimate"], whole["estimate"], rtol=1e-12)
    changed = ["linear CKA", "linear CKA, debiased", "SVCCA", "Procrustes"]
    assert (table.loc[changed, "lo"] <= whole.loc[changed, "lo"]).all()
    assert (table.loc[changed, "hi"] >= whole.loc[changed, "hi"]).all()
    assert (table["null"] >= whole["null"] - 1e-9).all()
    np.testing.assert_allclose(table["null"], whole["null"], atol=0.02)
    np.testing.assert_allclose(table["calibrated"], whole["calibrated"], atol=0.05)
    assert sum("went through the 12 leading directions" in note for note in found.warnings) == 2


def test_neighbours_of_some_samples_stand_for_those_of_all(monkeypatch):
    a, b = two_views(n=1500)
    whole = compare(a, b, **FEW).table.loc["mutual 10-NN"]
    monkeypatch.setattr(calibration, "KNN_SAMPLES", 300)
    some = compare(a, b, **FEW).table.loc["mutual 10-NN"]
    assert some["lo"] <= whole["estimate"] <= some["hi"]
    assert some["null"] == pytest.approx(10 / 1499, abs=2e-3) and some["p"] < 0.05


def test_tied_p_vectors_have_an_interval_without_limits():
    tied, _ = with_sigmas(300, 20, [3, 3, 1, 1, 0.5])
    row = compare(tied, relu_features(300, 10), **FEW).table.loc["P-vector |cos|, uncentred"]
    assert (row["lo"], row["hi"]) == (0, 1)


def test_intervals_hold_their_estimate_and_related_features_exceed_the_null(related):
    table = related[2].table
    assert (table["lo"] <= table["estimate"]).all() and (table["estimate"] <= table["hi"]).all()
    telling = table.drop(index="P-vector |cos|, uncentred")
    assert (telling["p"] < 0.05).all() and (telling["calibrated"] > 0.2).all()
    assert related[2].warnings == ()


def test_mean_direction_alone_explains_the_uncentred_null(related):
    row = related[2].table.loc["P-vector |cos|, uncentred"]
    assert row["null"] == pytest.approx(row["mean_alone"], abs=0.03)


def test_shuffled_samples_score_nothing_and_are_noticed(related):
    a, b, _ = related
    found = compare(a, b[np.random.default_rng(5).permutation(400)], **FEW)
    assert (found.table["calibrated"] < 0.05).all()
    assert any("same order" in note for note in found.warnings)


def test_the_same_rows_in_another_order_and_repeated_rows_are_noticed_for_what_they_are(related):
    a, b, _ = related
    order = np.random.default_rng(5).permutation(400)
    notes = compare(a, a[order], names=("mlp", "cnn"), **FEW).warnings
    assert any("mlp and cnn hold the same rows in another order" in note for note in notes)
    twice = np.concatenate([b[:390], b[:10]])
    assert any("10 of 400 rows of b repeat another row" in note for note in compare(a, twice, **FEW).warnings)


@pytest.mark.parametrize("shape", [(100, 300), (150, 700)])
def test_wide_unrelated_features_score_nothing_whatever_their_cka(shape):
    rng = np.random.default_rng(0)
    found = compare(*(rng.standard_normal(shape) for _ in "ab"), **FEW)
    assert found.table.loc["linear CKA", "estimate"] > 0.5
    assert (found.table["calibrated"] < 0.1).all()
    assert any("fewer samples (" in note and "than features" in note for note in found.warnings)


def test_ties_and_constant_features_are_noted():
    tied, _ = with_sigmas(300, 20, [3, 3, 1, 1, 0.5])
    other = np.column_stack([relu_features(300, 10), np.ones(300)])
    notes = " / ".join(compare(tied, other, names=("tied", "other"), **FEW).warnings)
    assert "uncentred P-vector of tied is undefined" in notes and "1 of 11 features of other are constant" in notes


def test_unstable_direction_is_noted():
    near, _ = with_sigmas(300, 20, [1.01, 1.0, 0.5, 0.4])
    notes = " / ".join(compare(near, relu_features(300, 10), names=("near", "b"), **FEW).warnings)
    assert "P-vector of near moves when samples are drawn again" in notes


def test_same_seed_gives_the_same_table_and_prints(related):
    a, b, found = related
    again = compare(a, b, names=("mlp", "cnn"), **FEW)
    assert again.table.equals(found.table)
    text = str(found)
    assert text.startswith("mlp and cnn, 400 samples") and "mutual 10-NN" in text and "calibrated" in text


def test_interval_has_the_width_of_a_plain_bootstrap(related):
    a, b, _ = related
    rng = np.random.default_rng(0)
    plain = []
    for _ in range(150):
        rows = rng.integers(0, 400, 400)
        plain.append(similarity.procrustes(a[rows], b[rows]))
    row = compare(a, b, replicates=150, permutations=20).table.loc["Procrustes"]
    expected = np.subtract(*np.quantile(plain, [0.975, 0.025]))
    assert row["hi"] - row["lo"] == pytest.approx(expected, rel=0.35)


def test_bad_pairs_name_both():
    with pytest.raises(ValueError, match="mlp has 50 samples and cnn has 49"):
        compare(np.ones((50, 3)), np.ones((49, 3)), names=("mlp", "cnn"))
    with pytest.raises(ValueError, match="20 or more are needed"):
        compare(np.ones((10, 3)), np.ones((10, 3)))
    with pytest.raises(ValueError, match="replicates=3"):
        compare(np.ones((50, 3)), np.ones((50, 3)), replicates=3)


def test_bad_features_are_told_with_the_name_of_their_matrix():
    a, b = two_views(n=60)
    b[7, 2] = np.nan
    with pytest.raises(ValueError, match="cnn: features hold nan at row 7, column 2"):
        compare(a, b, names=("mlp", "cnn"), **FEW)
    with pytest.raises(similarity.NoDirection, match="dead: features are all zero"):
        compare(np.zeros((60, 4)), a, names=("dead", "mlp"), **FEW)


FORMS = {  # how the same numbers may come, and how far rounding to that form moves an estimate
    "torch": (lambda F, torch: torch.from_numpy(F).requires_grad_(), 1e-9),
    "torch float16": (lambda F, torch: torch.from_numpy(F).half(), 1e-2),
    "torch bfloat16": (lambda F, torch: torch.from_numpy(F).bfloat16(), 3e-2),
    "NumPy float16": (lambda F, torch: F.astype(np.float16), 1e-2),
    "batches": (lambda F, torch: np.array_split(F, 7), 1e-9),
    "torch batches": (lambda F, torch: torch.split(torch.from_numpy(F), 64), 1e-9),
    "loader": (lambda F, torch: torch.utils.data.DataLoader(torch.from_numpy(F), batch_size=64), 1e-9),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_input_gives_the_same_table_where_neighbours_are_sampled_too(form, monkeypatch):
    import torch

    monkeypatch.setattr(calibration, "KNN_SAMPLES", 200)
    a, b = (view.astype(np.float32) for view in two_views(n=300))
    make, tolerance = FORMS[form]
    plain, found = compare(a, b, **FEW), compare(make(a, torch), make(b, torch), **FEW)
    note = "mutual k-NN is the mean over 200 samples drawn at random; neighbours are among all 300"
    assert note in found.warnings
    assert len(found.warnings) == len(plain.warnings)
    np.testing.assert_allclose(found.table["estimate"], plain.table["estimate"], atol=tolerance)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_scale_changes_nothing_and_neither_overflows_nor_vanishes(scale, related):
    a, b, plain = related
    found = compare(a * scale, b / scale, **FEW).table.drop(columns="bound_deg")
    np.testing.assert_allclose(found, plain.table.drop(columns="bound_deg"), atol=1e-6)


def test_the_span_tells_what_nearly_tied_p_vectors_cannot():
    rng = np.random.default_rng(0)
    plane, views = rng.standard_normal((300, 2)) * 5, []
    plane = np.linalg.qr(plane - plane.mean(axis=0))[0] * 80
    for turn in ([1.1, 1.0], [1.0, 1.1]):  # the same two directions, and which is first turns on little
        views.append(np.column_stack([plane * turn, rng.standard_normal((300, 12))]))
    assert similarity.top_span(*views, k=1) < 0.3
    assert similarity.top_span(*views, k=2) > 0.98
    table = compare(*views, **FEW).table
    assert table.loc["top-10 span", "calibrated"] > 0.1 > table.loc["P-vector |cos|, centred", "calibrated"]
