"""Foreign networks: a small one of our own goes the way of those that come in packages, and what is published is sound."""

import contextlib
import json
import pickle
import shutil
import types
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from pvlib.checksums import damaged, listed, sha256
from pvlib.experiment.data import anchor, load
from pvlib.experiment.features import extract
from pvlib.study import foreign, foreign_tables, pairs
from pvlib.study.measuring import data_p_vectors
from pvlib.study.store import Store
from pvlib.study.vectors import unpack
from pvlib.vector_names import PRIMARY, VectorName

ROOT = Path(__file__).parents[2]
SIZES = (12, 16)


def make(size):
    def stage(ins, outs):
        return nn.Sequential(nn.Conv2d(ins, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU())

    return nn.Sequential(stage(1, 8), stage(8, 12), nn.MaxPool2d(2), stage(12, 16), stage(16, 48), nn.Flatten(2))


NETWORK = foreign.ForeignNetwork(
    name="small",
    family="small-family",
    package="small-weights",
    licence="MIT",
    make=make,
    layers={"early": "0", "middle": "1", "late": "3", PRIMARY: "4"},
    mean=(0.5,),
    std=(0.25,),
    trained_size=16,
)


def install(folder, name, files):
    """A package that holds these files, as pip would leave it."""
    module, info = folder / name.replace("-", "_"), folder / f"{name.replace('-', '_')}-1.0.dist-info"
    module.mkdir()
    info.mkdir()
    for file, write in files.items():
        write(module / file)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    info.joinpath("RECORD").write_text("".join(f"{module.name}/{file},,\n" for file in files))


def weights(seed):
    torch.manual_seed(seed)
    return lambda path: save_file(make(16).state_dict(), path)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Packages with the weights of two small networks, found for as long as this module's tests run."""
    folder = tmp_path_factory.mktemp("site-packages")
    install(folder, "small-weights", {"small.safetensors": weights(1)})
    install(folder, "other-weights", {"other.safetensors": weights(2)})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def cells(packages):
    other = foreign.ForeignNetwork(**{**vars(NETWORK), "name": "other", "package": "other-weights"})
    return foreign.cells({"digits": load("digits")}, (NETWORK, other), SIZES)


@pytest.fixture(scope="module")
def store(cells, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    foreign.show(cells, store)
    return store


@pytest.fixture(scope="module")
def beside(trained, tmp_path_factory):
    from pvlib.study.publish import publish

    folder = tmp_path_factory.mktemp("results") / "tiny"
    publish(*trained, folder)
    return folder


@pytest.fixture(scope="module")
def results(cells, store, beside):
    folder = beside.with_name("foreign")
    assert foreign_tables.publish(cells, store, folder, [beside])["missing"] == []
    return folder


def published_vectors(folder):
    return {
        p.stem: unpack(load_file(p)) for p in folder.glob("vectors/*.safetensors") if not p.stem.startswith("data-")
    }


def digits_labels():
    data = load("digits")
    return data.train.labels[anchor(data).train_ids].numpy()


def disagreement(frame, vectors):
    """The largest difference of the cosines in a table from those of vectors."""
    worst = 0.0
    for row in frame.itertuples():
        u, v = (
            vectors[run][str(VectorName(state, "train", layer, row.convention))][0].astype(np.float64)
            for run, state, layer in ((row.run_a, row.state_a, row.layer), (row.run_b, row.state_b, row.layer_b))
        )
        u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
        c = [abs(x.sum()) / np.sqrt(len(x)) for x in (u, v)]
        worst = max(worst, abs(abs(u @ v) - row.cos), abs(c[0] - row.c_a), abs(c[1] - row.c_b))
    return worst


def test_the_tables_say_what_the_published_vectors_say(results, beside):
    assert listed(results) and not damaged(results)
    vectors = published_vectors(results) | published_vectors(beside)
    for of, found in data_p_vectors(load("digits")).items():
        name = VectorName("data", of.split, "pixels", of.convention)
        vectors.setdefault(of.layer, {})[str(name)] = found.vector[None]
    assert disagreement(pd.read_parquet(results / "agreement.parquet"), vectors) < 1e-6


def test_every_network_meets_every_other_and_the_data_at_every_depth_and_in_every_state(results):
    frame = pd.read_parquet(results / "agreement.parquet")
    trained = frame[(frame["state_a"] == "trained") & (frame["convention"] == "centred")]
    for layer in foreign_tables.DEPTHS:
        here = trained[trained["layer"] == layer]
        assert (here["study_b"] == "foreign").sum() >= 6  # two networks at two sizes
        assert set(here["family_b"]) == {"small-family", "classifier", "autoencoder", "data"}
        assert set(here[here["study_b"] == "tiny"]["layer_b"]) == {PRIMARY}
    assert {"trained", "untrained", "untrained_raw"} == set(frame["state_a"])
    same = frame[(frame["study_b"] == "foreign") & (frame["layer"] != PRIMARY)]
    assert (same["state_a"] == same["state_b"]).all()  # calibrated is not compared with uncalibrated


def test_controls_stand_beside_trained_pairs_of_the_primary_layer_only(results):
    frame = pd.read_parquet(results / "agreement.parquet")
    pair = (frame["state_a"] == "trained") & (frame["state_b"] == "trained") & (frame["layer"] == PRIMARY)
    names = ["within_class", "within_class_hi", "span_rotation", "residual_cos"]
    assert frame.loc[pair, names].notna().all(axis=None) and frame.loc[~pair, names].isna().all(axis=None)
    expected = pairs.control_rows(published_vectors(results), digits_labels())
    both = frame.merge(expected, on=["run_a", "run_b", "layer", "convention"], suffixes=("", "_expected"))
    both = both[(both["state_a"] == "trained") & (both["state_b"] == "trained")]
    assert len(both) == len(expected) > 0
    for name in names:
        np.testing.assert_allclose(both[name], both[f"{name}_expected"], atol=1e-6)


def test_each_state_is_told_apart_by_its_weights(results):
    frame = pd.read_parquet(results / "networks.parquet").set_index(["run", "state"])
    trained = frame.xs("trained", level="state")
    assert trained["weights_sha256"].str.len().eq(64).all() and trained["seed"].isna().all()
    for state in ("untrained", "untrained_raw"):
        copies = frame.xs(state, level="state")
        assert copies["seed"].notna().all() and copies["weights_sha256"].isna().all()
        assert copies.groupby("network")["seed"].nunique().eq(1).all() and copies["seed"].nunique() == 2
    assert (frame["parameters"] == sum(p.numel() for p in make(16).parameters())).all()


def test_the_rows_of_final_states_have_the_columns_of_other_studies(results, beside):
    own, theirs = (pd.read_parquet(folder / "finals.parquet") for folder in (results, beside))
    assert set(own.columns) == set(theirs.columns)
    stable = own[(own["state"] == "trained") & (own["layer"] == PRIMARY)]
    assert stable["stability"].between(0, 1).all()
    spectra = pd.read_parquet(results / "spectra.parquet")
    assert len(spectra) == len(own) and (spectra["sigmas"].map(len) <= 32).all()


def test_calibration_changes_the_untrained_network_and_its_weights_are_the_same_at_every_size(cells, store):
    by_size = [cell for cell in cells if cell.network.name == "small"]
    state = torch.get_rng_state()
    first, second = (foreign.fresh(cell).state_dict() for cell in by_size)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), state)
    vectors = store.tensors(by_size[0].key, "vectors")
    calibrated, raw = (
        vectors[str(VectorName.primary(s, "centred"))].float()[0] for s in ("untrained", "untrained_raw")
    )
    assert abs(float(calibrated @ raw)) < 1 - 1e-4


def test_what_is_stored_or_published_is_not_computed_again(cells, store, results, tmp_path, monkeypatch):
    def refuse(cell):
        raise AssertionError(f"{cell.key} is computed again")

    monkeypatch.setattr(foreign, "measured", refuse)
    foreign.show(cells, store)
    foreign.show(cells, Store(tmp_path), foreign_tables.held(results))


def test_what_is_published_stays_where_the_store_lacks_it(cells, results, beside, tmp_path):
    before = pd.read_parquet(results / "agreement.parquet")
    foreign_tables.publish(cells, Store(tmp_path), results, [beside])
    pd.testing.assert_frame_equal(pd.read_parquet(results / "agreement.parquet"), before)


def test_a_cut_loses_the_cell_that_it_interrupts_and_no_other(cells, tmp_path, monkeypatch):
    store, real, done = Store(tmp_path), foreign.measured, []

    def interrupted(cell):
        if done:
            raise KeyboardInterrupt
        done.append(cell.key)
        return real(cell)

    monkeypatch.setattr(foreign, "measured", interrupted)
    with pytest.raises(KeyboardInterrupt):
        foreign.show(cells, store)
    assert store.record(done[0]) is not None
    summary = foreign_tables.publish(cells, store, tmp_path / "foreign")
    assert summary["runs"] == 1 and len(summary["missing"]) == len(cells) - 1


def test_a_damaged_publication_is_neither_trusted_nor_published_again(cells, store, results, tmp_path):
    folder = shutil.copytree(results, tmp_path / "foreign")
    (folder / "finals.parquet").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"finals\.parquet is missing, or was changed"):
        foreign_tables.held(folder)
    with pytest.raises(ValueError, match=r"finals\.parquet is missing, or was changed"):
        foreign_tables.publish(cells, store, folder)


class Harmful:
    def __reduce__(self):
        return Path.touch, (Path("harmed"),)


@pytest.mark.parametrize("value", [Harmful(), types.SimpleNamespace(a=1), [torch.zeros(2)], {"step": 3}])
def test_a_pickle_that_is_not_weights_is_refused_and_not_executed(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, write in enumerate((lambda v, p: torch.save(v, p), lambda v, p: p.write_bytes(pickle.dumps(v)))):
        path = tmp_path / f"{number}.pth"
        write(value, path)
        with pytest.raises(ValueError, match="tensors"):
            foreign.read_weights(path)
    assert not Path("harmed").exists()


def test_a_file_that_belies_the_checksum_in_its_name_is_refused(tmp_path, monkeypatch):
    install(tmp_path, "belied-weights", {"net-0123abcd.safetensors": weights(1)})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="does not match the checksum in its name"):
        foreign.weights_file("belied-weights")


def test_a_package_with_several_files_of_weights_is_refused(tmp_path, monkeypatch):
    install(tmp_path, "two-weights", {"a.safetensors": weights(1), "b.safetensors": weights(2)})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="one file of weights"):
        foreign.weights_file("two-weights")


def test_a_missing_package_is_named_and_the_others_are_shown(packages, capsys):
    absent = foreign.ForeignNetwork(**{**vars(NETWORK), "name": "absent", "package": "absent-weights"})
    data = {"digits": load("digits")}
    assert [cell.network.name for cell in foreign.cells(data, (absent, NETWORK), (16,))] == ["small"]
    assert "absent is left out: the package absent-weights is not installed" in capsys.readouterr().err
    with pytest.raises(foreign.MissingPackage, match="absent-weights"):
        foreign.cells(data, (absent,), (16,))


def test_networks_measured_on_other_samples_are_not_compared(cells, store, beside, tmp_path):
    folder = shutil.copytree(beside, tmp_path / "tiny")
    summary = json.loads((folder / "provenance.json").read_bytes())
    summary["data"]["digits"] = "another"
    old, sums = sha256(folder / "provenance.json"), folder / "SHA256SUMS"
    (folder / "provenance.json").write_text(json.dumps(summary))
    sums.write_text(sums.read_text().replace(old, sha256(folder / "provenance.json")))
    with pytest.raises(ValueError, match="of other samples"):
        foreign_tables.publish(cells, store, tmp_path / "foreign", [folder])
    with pytest.raises(ValueError, match="no published study"):
        foreign_tables.publish(cells, store, tmp_path / "foreign", [tmp_path / "nothing"])


def test_images_are_enlarged_before_they_are_normalised():
    flat = torch.full((2, 3, 8, 8), 51, dtype=torch.uint8)  # 0.2
    found = foreign.enlarged(flat, 16, (0.1, 0.2, 0.3), (0.5, 0.5, 0.5))
    assert found.shape == (2, 3, 16, 16)
    assert torch.allclose(found.mean((0, 2, 3)), torch.tensor([0.2, 0.0, -0.2]), atol=1e-6)


WIDTHS = {"efficientnet-lite0": (24, 80, 320), "efficientnet-lite1": (24, 80, 320), "efficientnet-lite2": (24, 88, 352),
          "mobilenet-v2": (24, 64, 320)}  # fmt: skip


@pytest.mark.parametrize("network", foreign.NETWORKS, ids=lambda network: network.name)
def test_the_networks_of_the_packages_load_and_their_depths_are_the_ends_of_stages(network):
    try:
        path = foreign.weights_file(network.package)
        model = network.make(64)
    except foreign.MissingPackage as error:
        pytest.skip(f"NOT TESTED: {error}")
    model.load_state_dict(foreign.read_weights(path))
    found = extract(model, torch.zeros(2, 3, 64, 64), network.layers)
    assert tuple(value.shape[1] for value in found.values()) == (*WIDTHS[network.name], 1280)
    modules, names = dict(model.named_modules()), list(network.layers.values())
    for depth in names[:2]:  # the next block has another width
        parent, _, number = depth.rpartition(".")
        after = f"{parent}.{int(number) + 1}"
        wider = extract(model, torch.zeros(1, 3, 64, 64), [depth, after])
        assert after in modules and wider[depth].shape != wider[after].shape


PUBLISHED = ROOT / "results/foreign"


def test_the_published_study_is_small_and_agrees_with_its_vectors():
    assert listed(PUBLISHED) and not damaged(PUBLISHED), "results/foreign is not published, or damaged"
    assert sum(path.stat().st_size for path in PUBLISHED.rglob("*")) < 3e6
    networks = pd.read_parquet(PUBLISHED / "networks.parquet")
    assert set(networks["network"]) == {network.name for network in foreign.NETWORKS}
    frame = pd.read_parquet(PUBLISHED / "agreement.parquet")
    vectors = published_vectors(PUBLISHED)
    among = frame[frame["study_b"] == "foreign"]
    assert set(among["run_a"]) | set(among["run_b"]) == set(vectors) == set(networks["run"])
    assert disagreement(among.sample(300, random_state=0), vectors) < 1e-6


def test_the_packages_that_were_used_are_those_that_the_extra_pins():
    networks = pd.read_parquet(PUBLISHED / "networks.parquet")
    text = (ROOT / "pyproject.toml").read_text()
    for package, version in set(networks[["package", "version"]].itertuples(index=False, name=None)):
        assert f"{package}=={version}" in text
        with contextlib.suppress(metadata.PackageNotFoundError):
            assert metadata.version(package) == version


def test_the_ledger_does_not_take_foreign_networks_for_a_study_that_trained_some(results):
    from pvlib.report import tables

    assert tables.available(results.parent) == ["tiny"]
    study = tables.load("foreign", results.parent)
    assert study.path("agreement.parquet").is_file() and len(study.finals)
