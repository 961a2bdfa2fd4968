"""Published studies: found, complete, unchanged; errors say what to do."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from pvlib.report import tables
from pvlib.vector_names import VectorName

from .copies import RESULTS, copy_of, rewrite


@pytest.fixture
def copied(tmp_path):
    return copy_of("digits", tmp_path)


@pytest.mark.parametrize("name", ["digits", "quick", "pool", "trained"])
def test_every_table_can_be_read_and_has_its_columns(name):
    study = tables.load(name, RESULTS)
    for table in tables.TABLES:
        assert tables.lacking(table, getattr(study, table)) == [], table


def test_a_table_without_rows_still_has_its_columns(published):
    """A study without a pool publishes an empty table; nobody should meet a KeyError."""
    pool = published.pool
    assert pool.empty
    assert list(pool[pool["dataset"] == "mnist"]["angle_data_deg"]) == []


def test_a_changed_table_is_not_believed(copied):
    frame = pd.read_parquet(copied / "pairs.parquet")
    frame["cos"] = 1.0
    frame.to_parquet(copied / "pairs.parquet", index=False)
    with pytest.raises(ValueError, match=r"pairs\.parquet does not match its checksum.*git checkout"):
        _ = tables.Study(copied).pairs
    assert len(tables.Study(copied).runs)  # the others are still good


def test_a_damaged_vector_file_is_not_believed(copied):
    file = next((copied / "vectors").glob("data-*"))
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(ValueError, match="checksum"):
        tables.Study(copied).vectors("data-digits")


def test_a_missing_table_is_named(copied):
    (copied / "spans.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"no spans\.parquet; publish it again"):
        _ = tables.Study(copied).spans


def test_a_table_of_another_version_says_which_column_it_lacks(copied):
    rewrite(copied, "pairs", pd.read_parquet(copied / "pairs.parquet").drop(columns="r"))
    with pytest.raises(ValueError, match=r"pairs\.parquet lacks the column r:"):
        _ = tables.Study(copied).pairs


def test_an_unknown_table_names_the_nearest(published):
    with pytest.raises(AttributeError, match="did you mean pairs"):
        _ = published.pair


def test_an_unpublished_study_names_the_nearest_and_the_command():
    with pytest.raises(FileNotFoundError, match=r"did you mean quick\?.*pvlib publish quik"):
        tables.load("quik", RESULTS)


def test_the_environment_variable_says_where_results_are(copied, monkeypatch):
    monkeypatch.setenv("PVLIB_RESULTS", str(copied.parent))
    assert tables.available() == ["digits"]
    assert tables.load("digits").name == "digits"


def test_a_half_published_folder_is_not_available(tmp_path):
    (tmp_path / ".quick.building").mkdir()
    (tmp_path / ".quick.building" / "SHA256SUMS").write_text("")
    (tmp_path / "notes").mkdir()
    assert tables.available(tmp_path) == []


def test_vectors_are_unit_rows_and_agree_with_the_pairs(published):
    chosen = "state_a == 'trained' and state_b == 'trained' and convention == 'centred' and layer == 'penultimate'"
    row = published.pairs.query(chosen).iloc[0]
    name = str(VectorName("trained", row.split, row.layer, "centred"))
    u, v = (published.vectors(run)[name][0] for run in (row.run_a, row.run_b))
    assert u.dtype == np.float64
    assert np.linalg.norm(u) == pytest.approx(1, abs=1e-12)
    assert abs(u @ v) == pytest.approx(row.cos, abs=1e-3)


def test_accepted_accuracies_have_a_source_each():
    found = tables.accepted_accuracies()
    assert found["accuracy"].between(0.2, 1).all() and found["source"].str.len().gt(5).all()
    assert not found.duplicated(["dataset", "architecture", "source"]).any()


def test_reports_need_neither_torch_nor_the_training_code():
    code = ("import sys, pvlib.report.answers.summary, pvlib.report.figures; "
            "print([m for m in sys.modules if m == 'torch' or m.startswith('pvlib.experiment')])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_results_together_stay_below_45_megabytes():
    """They are cloned by everybody, and carried to machines that have no network."""
    assert sum(path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()) < 45e6
