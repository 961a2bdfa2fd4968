"""Publication: complete tables, additive over machines, atomic."""

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from pvlib import published_tables
from pvlib.checksums import listed, sha256
from pvlib.experiment.train import SHARES
from pvlib.report.tables import Study
from pvlib.study import publish as publish_module
from pvlib.study import published as module
from pvlib.study.config import load_study
from pvlib.study.pairs import pair_rows
from pvlib.study.plan import plan
from pvlib.study.publish import publish
from pvlib.study.published import merge, published_keys
from pvlib.study.runner import run_study
from pvlib.study.store import Store
from pvlib.study.vectors import unpack
from pvlib.vector_names import VectorName
from tests.report.copies import rewrite

FILLED = published_tables.TABLES.keys() - {"across"}  # which takes two data sets


@pytest.fixture(scope="module")
def results(trained, tmp_path_factory):
    study, store = trained
    target = tmp_path_factory.mktemp("results") / "tiny"
    publish(study, store, target)
    return target


def table(results, name):
    return pd.read_parquet(results / f"{name}.parquet")


def test_every_table_has_rows(results):
    for name in FILLED:
        assert len(table(results, name)), name


def test_every_table_has_its_columns_in_order_without_rows_too(results):
    assert {path.stem for path in results.glob("*.parquet")} == published_tables.TABLES.keys()
    for name, columns in published_tables.TABLES.items():
        assert list(table(results, name)) == list(columns)
    assert table(results, "across").empty


@pytest.mark.parametrize(("change", "words"), [
    (lambda rows: rows.rename(columns={"lr": "rate"}), "'history' lacks the column 'lr'"),
    (lambda rows: rows.assign(rate=1.0), "has an unknown column 'rate'"),
])  # fmt: skip
def test_a_table_with_other_columns_is_not_published(trained, tmp_path, monkeypatch, change, words):
    made = publish_module.long_rows
    monkeypatch.setattr(publish_module, "long_rows", lambda *given: change(made(*given)))
    with pytest.raises(ValueError, match=words):
        publish(*trained, tmp_path / "tiny")
    assert tree(tmp_path / "tiny") == {}


def test_what_was_published_before_a_column_was_added_is_read_and_published_again(trained, results, tmp_path):
    target = shutil.copytree(results, tmp_path / "tiny")
    for name, later in published_tables.LATER.items():
        rewrite(target, name, table(target, name).drop(columns=list(later)))
    publish(trained[0], Store(tmp_path / "empty"), target)
    for name, later in published_tables.LATER.items():
        expected = table(results, name).drop(columns=list(later))
        pd.testing.assert_frame_equal(getattr(Study(target), name), expected, check_dtype=False)


def test_pairs_agree_with_the_published_vectors(results):
    row = table(results, "pairs").query("state_a == 'trained' and state_b == 'trained' and split == 'train' "
                                        "and layer == 'penultimate' and convention == 'centred'").iloc[0]  # fmt: skip
    u, v = (load_file(results / "vectors" / f"{run}.safetensors")["trained/train/penultimate/centred"][0].astype(float)
            for run in (row.run_a, row.run_b))  # fmt: skip
    assert row.cos == pytest.approx(abs(u @ v) / np.linalg.norm(u) / np.linalg.norm(v), abs=1e-6)


def test_the_uncentred_identity_holds_in_the_table(results):
    rows = table(results, "pairs").query("convention == 'uncentred'")
    constant = rows.r.isna()  # a vector that is constant up to half precision: an untrained autoencoder's output
    assert set(rows[constant].layer) <= {"output"}
    rows = rows[~constant]
    assert len(rows) > 50
    s = np.sqrt((1 - rows.c_a**2) * (1 - rows.c_b**2))
    np.testing.assert_allclose(np.abs(rows.c_a * rows.c_b + s * rows.r), rows.cos, atol=1e-5)


def test_no_network_is_paired_with_itself_and_no_pair_comes_twice(results):
    rows = table(results, "pairs")
    assert (rows.run_a != rows.run_b).all()
    rows = rows.astype(str)
    ends = [tuple(sorted([(a, s), (b, t)])) for a, s, b, t in
            zip(rows.run_a, rows.state_a, rows.run_b, rows.state_b, strict=True)]  # fmt: skip
    places = list(zip(ends, rows.layer, rows.convention, rows.split, strict=True))
    assert len(places) == len(set(places))


def test_the_last_snapshot_is_the_final_state(results):
    rows = table(results, "snapshots")
    last = rows[rows.step == rows.groupby("run").step.transform("max")]
    assert last.angle_own.max() < 0.1
    first = rows[(rows.step == 0) & (rows.layer == "penultimate") & (rows.convention == "centred")]
    assert first.angle_own.min() > 1.0


def test_networks_are_compared_at_the_same_share_of_training_and_end_where_pairs_say(results):
    rows = table(results, "alongside")
    assert set(rows.share) == {0, *SHARES, 1}
    ends = rows[rows.share == 1].merge(table(results, "pairs").query(
        "state_a == 'trained' and state_b == 'trained' and split == 'train' and layer == 'penultimate'"),
        on=["run_a", "run_b", "convention"])  # fmt: skip
    assert len(ends) == len(rows[rows.share == 1])
    np.testing.assert_allclose(ends.cos_x, ends.cos_y, atol=1e-6)


def test_spectra_begin_with_the_singular_values_of_the_p_vector(results):
    spectra = table(results, "spectra").query("state != 'step'")
    finals = table(results, "finals").query("split == 'train'")
    both = spectra.merge(finals, on=["run", "state", "layer", "convention"])
    assert len(both) == len(spectra) > 20
    np.testing.assert_allclose(both.sigmas.map(lambda s: s[0]), both.sigma1, rtol=1e-5)
    np.testing.assert_allclose(both.sigmas.map(lambda s: s[1]), both.sigma2, rtol=1e-3)


def test_spans_are_published_of_untrained_networks_too_and_a_larger_span_holds_more(results):
    rows = table(results, "spans")
    assert set(rows.state) == {"trained", "untrained"}
    wide = rows.pivot(index=["run_a", "run_b", "state"], columns="k")
    assert (wide.best_common[9] >= wide.best_common[2] - 1e-9).all()
    assert (wide.angle_to_span[9] <= wide.angle_to_span[2] + 1e-6).all()


def test_pool_runs_stay_out_of_the_pairs(results):
    pool = set(table(results, "pool").run)
    assert pool
    assert pool.isdisjoint(table(results, "pairs").run_a)


def test_the_test_anchor_is_published_for_the_primary_layer_only(results):
    for name in ("snapshots", "trajectory", "pairs"):
        rows = table(results, name)
        assert set(rows[rows.split == "test"].layer) == {"penultimate"}
        assert len(set(rows[rows.split == "train"].layer)) > 2
    for file in (results / "vectors").glob("[!d]*.safetensors"):
        for name, value in ((VectorName.parse(text), value) for text, value in unpack(load_file(file)).items()):
            assert name.split == "train" or name.layer == "penultimate"
            assert len(value) == 1 or (name.layer, name.convention) == ("penultimate", "centred")


def test_the_pool_has_both_anchors_and_the_stability_of_every_network(results):
    rows = table(results, "pool")
    assert rows[["angle_data_deg", "angle_data_other_deg"]].apply(lambda x: x.between(0, 90)).all(axis=None)
    assert (rows.angle_data_deg != rows.angle_data_other_deg).all()
    assert rows.stability.between(0, 1).all()


def test_runs_published_elsewhere_are_kept(trained, results, tmp_path):
    """Another machine, whose store holds one cell only, adds to what is there and loses nothing."""
    study, store = trained
    target = tmp_path / "tiny"
    shutil.copytree(results, target)
    other = Store(tmp_path / "store")
    key = table(results, "runs").query("cell == 'digits/mlp'").run.iloc[0]
    shutil.copytree(store.folder(key), other.folder(key))
    publish(study, other, target)
    for name in FILLED:
        assert len(table(target, name)) == len(table(results, name)), name
    again = table(target, "pairs").merge(table(results, "pairs"), on=[
        "run_a", "run_b", "state_a", "state_b", "layer", "convention", "split"])  # fmt: skip
    np.testing.assert_allclose(again.cos_x, again.cos_y, atol=1e-6)


def test_rows_published_in_single_precision_are_replaced_and_not_doubled():
    row = {"run_a": "a", "run_b": "b", "share": 0.01, "convention": "centred", "cos": 0.5, "c_product": 0.0}
    old = pd.DataFrame([row]).astype({"share": "float32"})
    both = merge("alongside", old, pd.DataFrame([row | {"cos": 0.6}]))
    assert both[["share", "cos"]].to_numpy().tolist() == [[0.01, 0.6]]


def test_seeds_trained_on_two_machines_are_targets_of_each_other(trained, results, tmp_path):
    """Claim 2 is about other seeds: those that another machine adds later must not be missing at the two ends."""
    study, store = trained
    runs = table(results, "runs").query("role == 'primary'").sort_values(["cell", "seed"])
    first, second = Store(tmp_path / "first"), Store(tmp_path / "second")
    for _, cell in runs.groupby("cell"):
        for number, key in enumerate(cell.run):
            shutil.copytree(store.folder(key), (first if number == 0 else second).folder(key))
    target = tmp_path / "tiny"
    publish(study, first, target)
    publish(study, second, target)
    on = ["run", "step", "layer", "convention", "split", "target_run"]
    both = table(results, "trajectory").merge(table(target, "trajectory"), on=on, how="left")
    whole = table(results, "trajectory")
    last = whole.groupby("run").step.transform("max")
    ends = both[((whole.step == 0) | (whole.step == last)).to_numpy() & (both.layer == "penultimate").to_numpy()]
    assert len(ends) > 8
    np.testing.assert_allclose(ends.angle_y, ends.angle_x, atol=0.05)
    np.testing.assert_allclose(ends.c_product_y, ends.c_product_x, atol=1e-4)


def tree(folder, *, without=()):
    """Every file with its bytes, and every link with where it points."""
    paths = [path for path in folder.rglob("*") if path.relative_to(folder).as_posix() not in without]
    return {
        path.relative_to(folder).as_posix(): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in paths
        if path.is_symlink() or path.is_file()
    }


def test_files_of_the_user_s_stay_as_they_are(trained, tmp_path):
    target = tmp_path / "tiny"
    own = {"NOTES.md": "mine", ".DS_Store": "mine", "notes.parquet": "mine", "vectors/README": "mine", "a/b/c": "mine"}
    for name, content in own.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(content)
    (target / "link").symlink_to("NOTES.md")
    before = tree(target)
    for _ in range(2):
        publish(*trained, target)
        after = tree(target)
        assert {name: after[name] for name in before} == before
    assert published_keys(target)
    assert set(after) == set(before) | {"SHA256SUMS"} | set(listed(target))


@pytest.mark.parametrize("name", ["runs.parquet", "vectors", "data.parquet/x", "provenance.json", "SHA256SUMS"])
def test_a_file_of_the_user_s_in_the_way_is_named_and_nothing_is_touched(trained, tmp_path, name):
    target = tmp_path / "tiny"
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (target / name).write_text("mine")
    before = tree(target)
    with pytest.raises(ValueError, match=re.escape(name.split("/")[0])):
        publish(*trained, target)
    assert tree(target) == before


@pytest.mark.parametrize("line", ["../precious", "/etc/hostname", "debian.iso", "vectors/../../precious", "NOTES.md"])
def test_somebody_else_s_list_of_checksums_is_no_licence_to_remove_what_it_names(trained, results, tmp_path, line):
    """Also where it is our list, with a line too many."""
    (tmp_path / "precious").write_text("mine")
    for known in (False, True):
        target = tmp_path / f"tiny-{known}"
        shutil.copytree(results, target) if known else target.mkdir()
        (target / "vectors").mkdir(exist_ok=True)
        if not line.startswith(("/", "..")):
            (target / line).write_text("mine")
        with open(target / "SHA256SUMS", "a") as file:
            file.write(f"{sha256(tmp_path / 'precious')}  {line}\n")
        before = tree(tmp_path)
        with pytest.raises(ValueError, match=r"SHA256SUMS is not of a publication"):
            publish(*trained, target)
        assert tree(tmp_path, without=(f".tiny-{known}.lock",)) == before


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_the_folder_stays_a_link_and_its_publications_add_up(trained, results, tmp_path, there):
    (tmp_path / "far").mkdir()
    if there:
        (tmp_path / "far" / "tiny").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "far" / "tiny")
    for _ in range(2):
        publish(*trained, link)
        assert link.is_symlink()
        assert published_keys(link) == published_keys(results)
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == [".tiny.lock", "tiny"]


def fewer(study, *, cells=(), lr=None):
    """The study without these cells, or with another learning rate in them."""
    runs = [run for run in study.runs if lr is not None or run.cell not in cells]
    if lr is not None:
        new = [dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, lr=lr)) for run in runs]
        runs = [after if before.cell in cells else before for before, after in zip(runs, new, strict=True)]
    return dataclasses.replace(study, runs=tuple(runs))


@pytest.mark.parametrize("change", [{}, {"lr": 0.5}])
def test_published_runs_that_the_study_lost_are_named_and_dropped_only_on_demand(trained, results, tmp_path, change):
    study, store = trained
    target = tmp_path / "tiny"
    shutil.copytree(results, target)
    smaller = fewer(study, cells=("digits/mlp_ae",), **change)
    before = tree(target)
    with pytest.raises(ValueError, match=r"digits/mlp_ae seed 0, 1;.*--drop"):
        publish(smaller, store, target)
    assert tree(target) == before
    publish(smaller, store, target, drop=True)
    assert set(table(target, "runs").cell) == {run.cell for run in study.runs} - {"digits/mlp_ae"}
    lost = {f"{key}.safetensors" for key in table(results, "runs").query("cell == 'digits/mlp_ae'").run}
    assert lost.isdisjoint(path.name for path in (target / "vectors").iterdir())
    assert published_keys(target) == set(table(target, "runs").run)


@pytest.mark.parametrize("name", ["runs.parquet", "finals.parquet", "pairs.parquet", "a vector"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_file_that_the_checksums_do_not_list_is_not_published_as_sound(trained, results, tmp_path, name, gone):
    target = tmp_path / "tiny"
    shutil.copytree(results, target)
    if name == "a vector":
        name = f"vectors/{table(results, 'runs').run.iloc[0]}.safetensors"
    lines = (target / "SHA256SUMS").read_text().splitlines(keepends=True)
    (target / "SHA256SUMS").write_text("".join(line for line in lines if not line.endswith(f"  {name}\n")))
    if gone:
        (target / name).unlink()
    if gone and name == "pairs.parquet":  # made anew from the vectors
        publish(trained[0], Store(tmp_path / "empty"), target)
        return
    for reading in (lambda: publish(trained[0], Store(tmp_path / "empty"), target), lambda: published_keys(target)):
        with pytest.raises(ValueError, match=name):
            reading()


def test_what_the_project_has_published_is_read_as_before():
    results = Path(__file__).resolve().parents[2] / "results"
    for name, count in (("digits", 106), ("quick", 124), ("pool", 192)):
        assert len(published_keys(results / name)) >= count
        checksums = json.loads((results / name / "provenance.json").read_text())["data"]
        keys = {run.key(checksums[run.recipe.dataset]) for run in load_study(name).runs}
        assert published_keys(results / name) <= keys


def test_an_error_while_writing_leaves_the_old_results(trained, results, tmp_path, monkeypatch):
    target = tmp_path / "tiny"
    shutil.copytree(results, target)
    before = (target / "SHA256SUMS").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(module, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        publish(*trained, target)
    assert (target / "SHA256SUMS").read_bytes() == before


@pytest.mark.parametrize("file", ["finals.parquet", "SHA256SUMS", "vectors"])
def test_damage_to_what_is_published_is_named_and_not_published_again_as_sound(trained, results, tmp_path, file):
    target = tmp_path / "tiny"
    shutil.copytree(results, target)
    path = next((target / file).glob("[!d]*")) if file == "vectors" else target / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of a P-vector: another number, in a file that can be read
    path.write_bytes(b"" if file == "SHA256SUMS" else bytes(content))
    for reading in (lambda: publish(trained[0], Store(tmp_path / "empty"), target), lambda: published_keys(target)):
        with pytest.raises(ValueError, match=rf"{path.name} is missing, or was changed or damaged .*git restore"):
            reading()


def test_nothing_to_publish_is_an_error_that_says_what_to_do(trained, tmp_path):
    with pytest.raises(ValueError, match="pvlib run"):
        publish(trained[0], Store(tmp_path / "empty"), tmp_path / "tiny")


def test_published_runs_are_not_trained_again(trained, results, tmp_path):
    study = trained[0]
    keys = published_keys(results)
    assert run_study(study, Store(tmp_path), published=keys) == {"published": len(study.runs)}
    assert published_keys(tmp_path / "nowhere") == frozenset()


def test_a_plan_names_what_is_left_and_how_long_it_takes(trained, tmp_path):
    study, store = trained
    assert plan(study, store)[1] == 0.0
    text, seconds = plan(study, Store(tmp_path))
    assert 0 < seconds < 600
    for cell in {run.cell for run in study.runs}:
        assert cell in text


def test_a_correlation_without_a_mean_is_the_cosine_and_of_a_constant_vector_is_unknown():
    rng = np.random.default_rng(0)
    centred = rng.normal(size=(4, 2000))
    centred -= centred.mean(axis=1, keepdims=True)
    vectors = {
        f"run{k}": {"trained/train/output/centred": row[None].astype(np.float16)} for k, row in enumerate(centred)
    }
    rows = pair_rows(vectors, dict.fromkeys(vectors, "cell"))
    np.testing.assert_allclose(rows.r, rows.cos, atol=1e-6)
    flat = np.full((1, 2000), 0.02236, dtype=np.float16)
    rows = pair_rows(
        {"a": {"untrained/train/output/uncentred": flat}, "b": {"untrained/train/output/uncentred": -flat}},
        {"a": "cell", "b": "cell"},
    )
    assert rows.cos.iloc[0] == pytest.approx(1)
    assert np.isnan(rows.r.iloc[0])


def test_cells_that_are_planned_and_not_trained_are_published_as_planned(trained, results):
    planned = json.loads((results / "provenance.json").read_text())["planned_cells"]
    assert set(planned) == {run.cell for run in trained[0].runs}
    assert sum(cell["runs"] for cell in planned.values()) == len(trained[0].runs)
