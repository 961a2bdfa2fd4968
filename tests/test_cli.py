"""The command line: what users see when things go right, and one clear line when they do not."""

import json

import numpy as np
import pytest

import pvlib
from pvlib.cli import main

RNG = np.random.default_rng(0)


@pytest.fixture
def files(tmp_path):
    a = RNG.normal(size=(60, 5)) + 3
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", a @ np.linalg.qr(RNG.normal(size=(5, 5)))[0])
    np.save(tmp_path / "short.npy", a[:50])
    np.save(tmp_path / "wide.npy", (a @ RNG.normal(size=(5, 90)) + RNG.normal(size=(60, 90))).astype(np.float16))
    np.save(tmp_path / "few.npy", a[:19])
    bad = a.copy()
    bad[7, 2] = np.nan
    np.save(tmp_path / "nan.npy", bad)
    np.save(tmp_path / "zero.npy", np.zeros((4, 3)))
    np.save(tmp_path / "row.npy", np.ones((1, 3)))
    return tmp_path


@pytest.mark.parametrize(
    "command", [[], ["run"], ["plan"], ["status"], ["publish"], ["foreign"], ["measure"], ["compare"]]
)
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert len(capsys.readouterr().out) > 200


@pytest.mark.parametrize("device", ["cuda:77", "gpu", "meta", ""])
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_device_that_cannot_compute_is_named_before_every_run_fails_on_it(command, device, tmp_path, capsys):
    assert main([command, "digits", "--device", device, "--store", str(tmp_path / "store")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pvlib: device {device!r} cannot be used here: ")
    assert not (tmp_path / "store").exists()


def test_a_size_that_foreign_networks_are_not_shown_is_named_before_anything_is_loaded(capsys):
    assert main(["foreign", "--sizes", "64", "100"]) == 1
    assert "100 is not one of 64, 128, 224" in capsys.readouterr().err


def test_measure_prints_spectrum_gap_and_bound(files, capsys):
    assert main(["measure", str(files / "a.npy")]) == 0
    out = capsys.readouterr().out
    for word in ("uncentred", "centred", "sigma1", "bound", "60 samples x 5 features"):
        assert word in out


def test_measure_as_json_agrees_with_svd(files, capsys):
    assert main(["measure", str(files / "a.npy"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    matrix = np.load(files / "a.npy")
    assert rows[0]["sigmas"][0] == pytest.approx(np.linalg.svd(matrix, compute_uv=False)[0])
    assert rows[1]["sigmas"][0] == pytest.approx(np.linalg.svd(matrix - matrix.mean(0), compute_uv=False)[0])


QUICK = ["--replicates", "20", "--permutations", "20"]


def test_compare_as_json_sees_that_a_rotation_changes_nothing_and_what_the_mean_gives(files, capsys):
    assert main(["compare", str(files / "a.npy"), str(files / "b.npy"), "--json", *QUICK]) == 0
    (pair,) = json.loads(capsys.readouterr().out)
    assert (pair["a"], pair["b"], pair["samples"]) == (str(files / "a.npy"), str(files / "b.npy"), 60)
    rows = {row["measure"]: row for row in pair["rows"]}
    uncentred, centred = rows["P-vector |cos|, uncentred"], rows["P-vector |cos|, centred"]
    assert max(uncentred["angle_deg"], centred["angle_deg"]) < 1e-4
    assert 0 <= uncentred["bound_deg"] < 1
    assert 0.9 < uncentred["mean_alone"] < 1
    assert centred["mean_alone"] is None  # not NaN, which is no JSON
    assert rows["linear CKA"]["estimate"] == pytest.approx(1)
    assert rows["linear CKA"]["calibrated"] == pytest.approx(1)


def test_compare_shows_every_pair_with_the_numbers_and_warnings_of_the_library(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert main(["compare", "a.npy", "b.npy", "wide.npy", *QUICK]) == 0
    out = capsys.readouterr().out
    for pair in ("a.npy and b.npy, 60", "a.npy and wide.npy, 60", "b.npy and wide.npy, 60"):
        assert pair in out
    a, wide = np.load("a.npy"), np.load("wide.npy")
    assert str(pvlib.compare(a, wide, names=("a.npy", "wide.npy"), replicates=20, permutations=20)) in out
    assert "! wide.npy has fewer samples (60) than features (90)" in out
    for word in ("calibrated", "bound_deg", "linear CKA, debiased"):
        assert word in out


def test_compare_with_itself_is_not_passed_over(files, capsys):
    assert main(["compare", str(files / "a.npy"), str(files / "a.npy"), "--json", *QUICK]) == 0
    (pair,) = json.loads(capsys.readouterr().out)
    assert all(row["estimate"] == pytest.approx(1) for row in pair["rows"])


@pytest.mark.parametrize(("arguments", "words"), [
    (["measure", "nan.npy"], ["row 7", "column 2"]),
    (["measure", "zero.npy"], ["zero"]),
    (["measure", "row.npy"], ["1 row"]),
    (["measure", "missing.npy"], ["missing.npy", "no such file"]),
    (["compare", "a.npy", "short.npy"], ["a.npy has 60", "short.npy has 50"]),
    (["compare", "a.npy", "b.npy", "short.npy"], ["a.npy has 60", "short.npy has 50"]),
    (["compare", "few.npy", "few.npy"], ["few.npy", "19 samples", "20 or more"]),
    (["compare", "a.npy", "nan.npy"], ["nan.npy", "row 7", "column 2"]),
    (["compare", "a.npy", "b.npy", "--permutations", "5"], ["permutations=5", "20 or more"]),
    (["compare", "a.npy"], ["at least two"]),
    (["run", "quik"], ["quik", "quick"]),
    (["status", "digts"], ["digits"]),
])  # fmt: skip
def test_bad_input_is_one_clear_line_on_stderr(files, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(files)
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err


def test_a_bad_shard_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "digits", "--shard", "3/2"])
    assert stop.value.code == 2
    assert "between 1 and N" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("pvlib.study.runner.run_study", interrupted)
    assert main(["run", "digits"]) == 130
    assert "stored" in capsys.readouterr().err
