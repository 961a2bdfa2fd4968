"""Our comparators beside independent packages: equal where these are right, and their faults held on record where not.

A test named `..._fault_...` fails when the peer mends the fault: then it moves to the tests of agreement.
"""

import numpy as np
import pytest

from pvlib.measure import calibration, compare, similarity
from pvlib.measure.angles import cosine
from pvlib.measure.pvector import p_vector

from .test_similarity import two_views

EXACT = 1e-10  # both in float64, on matrices of good condition
SHAPES = [(12, 20), (60, 400)]  # longer than wide, and wider than long (n = 300)


def leading(F, variance):
    """Coordinates on the directions that hold `variance`, by a plain SVD."""
    left, sigmas, _ = np.linalg.svd(F - F.mean(axis=0), full_matrices=False)
    kept = np.searchsorted(np.cumsum(sigmas**2) / np.sum(sigmas**2), variance) + 1
    return left[:, :kept] * sigmas[:kept]


def mean_correlation(left, right) -> float:
    """Mean correlation of canonical variates, column by column."""
    return float(np.mean([np.corrcoef(x, y)[0, 1] for x, y in zip(left.T, right.T, strict=True)]))


# ckatorch: CKA from n x n kernels


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("d", SHAPES)
def test_cka_agrees_with_ckatorch(d, debiased):
    core, torch = pytest.importorskip("ckatorch.core"), pytest.importorskip("torch")
    a, b = two_views(d=d)
    theirs = core.cka_base(torch.from_numpy(a), torch.from_numpy(b), unbiased=debiased)
    assert similarity.linear_cka(a, b, debiased=debiased) == pytest.approx(float(theirs), abs=EXACT)


def test_debiased_cka_agrees_with_one_batch_of_ckatorch():
    core, torch = pytest.importorskip("ckatorch.core"), pytest.importorskip("torch")
    a, b = two_views()
    theirs = core.cka_batch(torch.from_numpy(a)[None], torch.from_numpy(b)[None])
    assert similarity.linear_cka(a, b, debiased=True) == pytest.approx(float(theirs), abs=EXACT)


def test_fault_of_ckatorch_asked_for_unbiased_by_hsic_gives_the_biased():
    core, torch = pytest.importorskip("ckatorch.core"), pytest.importorskip("torch")
    a, b = (
        torch.randn(100, 300, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in (0, 1)
    )
    assert abs(float(core.cka_base(a, b, method="fro_norm", unbiased=True))) < 0.1  # right: they are unrelated
    assert float(core.cka_base(a, b, method="hsic", unbiased=True)) > 0.6


# repsim: CKA and CCA in C++


@pytest.mark.parametrize("d", SHAPES)
def test_cka_agrees_with_repsim(d):
    repsim = pytest.importorskip("repsim")
    a, b = two_views(d=d)
    theirs = repsim.cka([a, b], kernel_type="linear", estimator="gretton")[0, 1]
    assert similarity.linear_cka(a, b) == pytest.approx(theirs, abs=EXACT)


def test_canonical_correlations_agree_with_repsim():
    repsim = pytest.importorskip("repsim")
    a, b = two_views()
    theirs = repsim.cca([a, b], summary_type="pillai")[0, 1]  # the nuclear norm: the mean correlation
    assert similarity.svcca(a, b, variance=1.0) == pytest.approx(theirs, abs=1e-8)  # ours through squared sigmas


def test_fault_of_repsim_cka_depends_on_scale_and_ours_does_not():
    repsim = pytest.importorskip("repsim")
    a, b = two_views()
    whole, small = (repsim.cka([F, b], kernel_type="linear")[0, 1] for F in (a, a * 1e-8))
    assert small < 1e-6 * whole  # HSIC is held above 1e-12
    assert similarity.linear_cka(a * 1e-8, b) == pytest.approx(similarity.linear_cka(a, b), abs=EXACT)


@pytest.mark.parametrize("estimator", ["song", "lange"])
def test_fault_of_repsim_debiased_cka_of_a_matrix_with_itself_is_below_1_and_ours_is_not(estimator):
    repsim = pytest.importorskip("repsim")
    a, _ = two_views()
    theirs = repsim.cka([a, a.copy()], kernel_type="linear", estimator=estimator)[0, 1]
    assert theirs < 0.99  # the unbiased estimator over the biased one
    assert similarity.linear_cka(a, a, debiased=True) == pytest.approx(1, abs=1e-12)


def test_fault_of_repsim_svcca_of_a_matrix_with_itself_is_below_1_and_ours_is_not():
    repsim = pytest.importorskip("repsim")
    a, _ = two_views()
    constant = np.column_stack([a, np.ones(len(a))])  # 12 directions are left by centring, and 13 are divided by
    assert repsim.svcca([constant])[0, 0] == pytest.approx(12 / 13)
    assert similarity.svcca(constant, constant) == pytest.approx(1, abs=1e-12)


def test_fault_of_repsim_svcca_drops_no_direction_of_little_variance_and_ours_does():
    repsim = pytest.importorskip("repsim")
    a, b = two_views()
    assert repsim.svcca([a, b], "pillai")[0, 1] == pytest.approx(repsim.cca([a, b], "pillai")[0, 1])  # whitened first
    assert abs(similarity.svcca(a, b) - similarity.svcca(a, b, variance=1.0)) > 0.03


# torch-cka: debiased CKA of two networks, batch by batch, in float32


def torch_cka_of(a, b) -> float:
    """By networks that pass their input on, in one batch."""
    package, torch = pytest.importorskip("torch_cka"), pytest.importorskip("torch")
    loaders = [torch.utils.data.DataLoader([(row,) for row in F.astype(np.float32)], batch_size=len(F)) for F in (a, b)]
    networks = [torch.nn.Sequential(torch.nn.Identity()) for _ in "ab"]
    found = package.CKA(*networks, "a", "b", model1_layers=["0"], model2_layers=["0"])
    found.compare(*loaders)
    return float(found.export()["CKA"][0, 0])


def test_debiased_cka_agrees_with_one_batch_of_torch_cka():
    a, b = two_views()
    ours = similarity.linear_cka(a, b, debiased=True)
    assert ours == pytest.approx(torch_cka_of(a, b), abs=1e-4)  # float32 sums over 300 x 300 numbers that cancel


def test_fault_of_torch_cka_a_mean_moves_it_or_ends_it_and_ours_does_not():
    a, _ = two_views()
    try:
        found = torch_cka_of(a + 1000, a)  # 1 is right: float32 kernels, and centring only in the sums
    except AssertionError:  # it ends in NaN, or gives a wrong number: which of the two depends on the processor
        found = float("nan")
    assert not abs(found - 1) < 0.01
    assert similarity.linear_cka(a + 1000, a, debiased=True) == pytest.approx(1, abs=EXACT)


# cca-zoo and scikit-learn: the canonical correlations of SVCCA


def test_svcca_agrees_with_cca_zoo_on_the_same_directions():
    linear = pytest.importorskip("cca_zoo.linear")
    a, b = two_views()
    views = [leading(F, 0.99) for F in (a, b)]
    variates = linear.CCA(n_components=min(view.shape[1] for view in views)).fit(views).transform(views)
    assert similarity.svcca(a, b) == pytest.approx(mean_correlation(*variates), abs=EXACT)


def test_svcca_agrees_with_scikit_learn_on_the_same_directions():
    from sklearn.cross_decomposition import CCA

    a, b = two_views()
    views = [leading(F, 0.99) for F in (a, b)]
    solver = CCA(n_components=min(view.shape[1] for view in views), scale=False, max_iter=5000, tol=1e-12)
    # A power method for each pair of variates, so with its own stopping error.
    assert similarity.svcca(a, b) == pytest.approx(mean_correlation(*solver.fit_transform(*views)), abs=1e-8)


# SciPy and scikit-learn: rotations, spans, neighbours


def test_procrustes_agrees_with_scipy_disparity():
    from scipy.spatial import procrustes

    a, b = two_views(d=(12, 12))
    disparity = procrustes(a, b)[2]  # 1 - cos^2: it also chooses the best scale
    assert similarity.procrustes(a, b) ** 2 == pytest.approx(1 - disparity, abs=EXACT)


@pytest.mark.parametrize("d", SHAPES)
def test_top_span_agrees_with_scipy_subspace_angles(d):
    from scipy.linalg import subspace_angles

    a, b = two_views(d=d)
    spans = [np.linalg.svd(F - F.mean(axis=0), full_matrices=False)[0][:, :10] for F in (a, b)]
    assert similarity.top_span(a, b) == pytest.approx(np.cos(subspace_angles(*spans)).mean(), abs=EXACT)


def test_mutual_knn_agrees_with_scikit_learn_neighbours():
    from sklearn.neighbors import NearestNeighbors

    a, b = two_views()
    found = [NearestNeighbors(n_neighbors=10, metric="cosine").fit(F).kneighbors(return_distance=False) for F in (a, b)]
    shares = [len(set(x) & set(y)) / 10 for x, y in zip(*found, strict=True)]
    assert similarity.mutual_knn(a, b) == pytest.approx(np.mean(shares), abs=EXACT)


# calibrated-similarity: the null, the threshold, the p-value and the calibrated score of `compare`

CALIBRATED = {
    "P-vector |cos|, uncentred": lambda a, b: cosine(p_vector(a, center=False), p_vector(b, center=False)),
    "P-vector |cos|, centred": lambda a, b: cosine(p_vector(a, center=True), p_vector(b, center=True)),
    "linear CKA": similarity.linear_cka,
    "linear CKA, debiased": lambda a, b: similarity.linear_cka(a, b, debiased=True),
    "SVCCA": similarity.svcca,
    "top-10 span": similarity.top_span,
    "Procrustes": similarity.procrustes,
    "mutual 10-NN": similarity.mutual_knn,
}
PERMUTATIONS = 200


def barely_related():
    """Near the threshold, where score and p tell most."""
    rng = np.random.default_rng(3)
    common = rng.standard_normal((120, 3))
    return [0.2 * common @ rng.standard_normal((3, d)) + rng.standard_normal((120, d)) + 1 for d in (12, 15)]


@pytest.fixture(scope="module")
def tables():
    return {
        "related": compare(*two_views(n=120), replicates=20, permutations=PERMUTATIONS).table,
        "barely related": compare(*barely_related(), replicates=20, permutations=PERMUTATIONS).table,
    }


@pytest.mark.parametrize("data", ["related", "barely related"])
@pytest.mark.parametrize("measure", CALIBRATED)
def test_calibration_agrees_with_the_package_within_the_error_of_its_draws(measure, data, tables):
    """The package draws other permutations, so thresholds and p-values differ by what 200 draws leave open."""
    package, torch = pytest.importorskip("calibrated_similarity"), pytest.importorskip("torch")
    a, b = two_views(n=120) if data == "related" else barely_related()
    values = []

    def similar(x, y):
        values.append(CALIBRATED[measure](x.numpy(), y.numpy()))
        return values[-1]

    drawn = torch.Generator().manual_seed(0)
    score, p, threshold = map(
        float, package.calibrate(torch.from_numpy(a), torch.from_numpy(b), similar, K=PERMUTATIONS, generator=drawn)
    )
    row, null = tables[data].loc[measure], np.array(values[1:])
    spread = null.std()
    assert row["estimate"] == pytest.approx(values[0], abs=1e-9)
    assert abs(row["null"] - null.mean()) < 4 * spread * np.sqrt(2 / PERMUTATIONS)
    assert abs(row["p"] - p) < 4 * np.sqrt(2 * max(p * (1 - p), 1 / PERMUTATIONS) / PERMUTATIONS)
    # The 95 % quantile of 200 normal draws has a standard error of 0.15 spreads; their difference, 0.21.
    assert abs(row["null_95"] - threshold) < 4 * 0.21 * spread
    slack = 4 * 0.21 * spread / (1 - max(threshold, row["null_95"]))
    assert abs(row["calibrated"] - score) < slack


def test_calibration_is_that_of_the_package_to_rounding_for_the_same_permutations():
    package, torch = pytest.importorskip("calibrated_similarity"), pytest.importorskip("torch")
    calibrate = calibration.calibrate
    for a, b in (two_views(n=100, d=(6, 8)), barely_related()):
        orders = [np.random.default_rng(i).permutation(len(a)) for i in range(50)]
        drawn = iter(orders)
        score, p, threshold = package.calibrate(
            torch.from_numpy(a),
            torch.from_numpy(b),
            lambda x, y: similarity.linear_cka(x.numpy(), y.numpy()),
            K=50,
            perm_fn=lambda n, device, drawn=drawn: torch.from_numpy(next(drawn)),
        )
        null = np.array([similarity.linear_cka(a, b[order]) for order in orders])
        ours = calibrate(similarity.linear_cka(a, b), null)
        np.testing.assert_allclose(ours, [float(threshold), float(p), float(score)], atol=1e-6)  # float32 there
