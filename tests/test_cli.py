"""The command line: what users see when things go right, and one clear line when they do not."""

import json

import numpy as np
import pytest

from pvlib.cli import main

RNG = np.random.default_rng(0)


@pytest.fixture
def files(tmp_path):
    a = RNG.normal(size=(60, 5)) + 3
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", a @ np.linalg.qr(RNG.normal(size=(5, 5)))[0])
    np.save(tmp_path / "short.npy", a[:50])
    bad = a.copy()
    bad[7, 2] = np.nan
    np.save(tmp_path / "nan.npy", bad)
    np.save(tmp_path / "zero.npy", np.zeros((4, 3)))
    np.save(tmp_path / "row.npy", np.ones((1, 3)))
    return tmp_path


@pytest.mark.parametrize("command", [[], ["run"], ["plan"], ["status"], ["publish"], ["measure"], ["compare"]])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert len(capsys.readouterr().out) > 200


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


def test_compare_sees_that_a_rotation_changes_nothing_and_what_the_mean_gives(files, capsys):
    assert main(["compare", str(files / "a.npy"), str(files / "b.npy"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["angle_deg"] < 1e-4 for row in rows)
    assert 0.9 < rows[0]["mean_direction_share"] < 1
    assert rows[1]["mean_direction_share"] is None


@pytest.mark.parametrize(("arguments", "words"), [
    (["measure", "nan.npy"], ["row 7", "column 2"]),
    (["measure", "zero.npy"], ["zero"]),
    (["measure", "row.npy"], ["1 row"]),
    (["measure", "missing.npy"], ["missing.npy", "no such file"]),
    (["compare", "a.npy", "short.npy"], ["a.npy has 60", "short.npy has 50"]),
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
