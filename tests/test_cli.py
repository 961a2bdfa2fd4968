"""The command line: what users see when things go right, and one clear line when they do not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import pvlib
from pvlib.checksums import sha256
from pvlib.cli import main

ROOT = Path(__file__).parents[1]

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
    np.save(tmp_path / "tie.npy", np.eye(60)[:, :5])
    save_file({"kept": a}, tmp_path / "there.safetensors")
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
    assert rows[0]["singular_values"][0] == pytest.approx(np.linalg.svd(matrix, compute_uv=False)[0])
    assert rows[1]["singular_values"][0] == pytest.approx(np.linalg.svd(matrix - matrix.mean(0), compute_uv=False)[0])


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
    (["compare", "a.npy", "b.npy", "--permutations", "-5"], ["permutations=-5", "20 or more"]),
    (["compare", "a.npy", "b.npy", "--permutations", "0"], ["permutations=0", "20 or more"]),
    (["compare", "a.npy", "b.npy", "--permutations", f"{10**12}"], ["--permutations 1000000000000", "at most"]),
    (["compare", "a.npy", "b.npy", "--replicates", f"{10**12}"], ["--replicates 1000000000000", "at most"]),
    (["compare", "a.npy", "b.npy", "--replicates", "-1"], ["replicates=-1", "20 or more"]),
    (["measure", "row.npy"], ["row.npy"]),
    (["measure", "zero.npy"], ["zero.npy"]),
    (["measure", "nan.npy"], ["nan.npy"]),
    (["measure", "C:\\no\\m.npz:layer4"], ["C:\\no\\m.npz:layer4", "no such file"]),
    (["measure", "a.npy", "b.npy", "--out", "v.safetensors"], ["v.safetensors", "one file"]),
    (["measure", "a.npy", "--out", "v.npy"], ["v.npy", ".safetensors"]),
    (["measure", "a.npy", "--out", "there.safetensors"], ["there.safetensors", "already"]),
    (["measure", "a.npy", "--out", "a.npy/v.safetensors"], ["a.npy/v.safetensors", "no such folder"]),
    (["measure", "nan.npy", "--out", "v.safetensors"], ["nan.npy", "row 7"]),
    (["compare", "a.npy"], ["at least two"]),
    (["compare", "tie.npy", "a.npy"], ["tie.npy"]),
    (["run", "quik"], ["quik", "quick"]),
    (["status", "digts"], ["digits"]),
])  # fmt: skip
def test_bad_input_is_one_clear_line_on_stderr(files, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(files)
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert not (files / "v.safetensors").exists()
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


def test_several_files_are_measured_and_one_that_fails_stops_no_other(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert main(["measure", "a.npy", "nan.npy", "missing.npy", "b.npy"]) == 1
    told = capsys.readouterr()
    assert "a.npy: 60 samples" in told.out and "b.npy: 60 samples" in told.out
    nan, missing = told.err.splitlines()
    assert "nan.npy" in nan and "missing.npy" in missing
    assert main(["measure", "a.npy", "nan.npy", "b.npy", "--json"]) == 1
    assert [row["file"] for row in json.loads(capsys.readouterr().out)] == ["a.npy", "a.npy", "b.npy", "b.npy"]


def test_json_holds_no_infinity(tmp_path, capsys):
    np.save(tmp_path / "one.npy", np.arange(1.0, 31)[:, None])  # one feature: no second singular value
    assert main(["measure", str(tmp_path / "one.npy"), "--json"]) == 0

    def refuse(constant):
        raise AssertionError(constant)

    rows = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert rows[0]["ratio"] is None


def test_vectors_are_written_with_their_singular_values_and_where_they_come_from(files, capsys):
    from safetensors import safe_open

    out = files / "vectors.safetensors"
    assert main(["measure", f"{files / 'there.safetensors'}:kept", "--out", str(out)]) == 0
    stored, matrix = load_file(out), np.load(files / "a.npy")
    for convention, center in (("uncentred", False), ("centred", True)):
        found = pvlib.p_vector(matrix, center=center)
        np.testing.assert_array_equal(stored[f"{convention}.vectors"][:, 0], found.vector)
        np.testing.assert_array_equal(stored[f"{convention}.singular_values"], found.singular_values)
        assert pvlib.PVector.load(out, convention) == found
    with safe_open(out, framework="np") as file:
        note = file.metadata()
    assert note["sha256"] == sha256(files / "there.safetensors") and note["pvlib"] == pvlib.__version__
    assert json.loads(note["measured"])[0]["file"].endswith("there.safetensors:kept")
    before = out.read_bytes()
    assert main(["measure", str(files / "b.npy"), "--out", str(out)]) == 1
    assert out.read_bytes() == before


def test_what_looks_wrong_in_a_file_is_said_below_its_table_and_in_json(tmp_path, capsys):
    matrix = np.random.default_rng(0).standard_normal((30, 4))
    matrix[:, 2], matrix[7] = 0, matrix[3]
    np.save(tmp_path / "f.npy", matrix)
    assert main(["measure", str(tmp_path / "f.npy")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("! ")]
    assert len(lines) == 2 and all("f.npy" in line for line in lines)
    assert "1 of 4 features" in lines[0] and "1 of 30 rows" in lines[1]
    assert main(["measure", str(tmp_path / "f.npy"), "--json"]) == 0
    assert [f"! {line}" for line in json.loads(capsys.readouterr().out)[0]["warnings"]] == lines


def test_what_is_unexpected_is_one_line_that_says_how_to_report_it(files, monkeypatch, capsys):
    def broken(*_args, **_kwargs):
        raise KeyError("a\nfault of ours")

    monkeypatch.setattr("pvlib.measure.p_vector", broken)
    assert main(["measure", str(files / "a.npy")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for word in ("unexpected KeyError", "fault of ours", "please report it", "PVLIB_DEBUG=1"):
        assert word in told
    monkeypatch.setenv("PVLIB_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["measure", str(files / "a.npy")])


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        (["Repository, https://host.example/book"], " at https://host.example/book/issues"),
        (["Home, https://home.example"], ""),
        ([], ""),
    ],
)
def test_reports_go_where_the_project_is_published_or_nowhere(monkeypatch, urls, said):
    from email.message import Message
    from importlib import metadata

    from pvlib.cli import _where

    message = Message()
    for url in urls:
        message["Project-URL"] = url
    monkeypatch.setattr(metadata, "metadata", lambda _: message)
    assert _where() == said


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory:\nframe 1")])
def test_a_lack_of_memory_is_one_line(files, monkeypatch, capsys, error):
    def full(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("pvlib.measure.p_vector", full)
    assert main(["measure", str(files / "a.npy")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "memory" in told and "report" not in told


def test_a_warning_is_one_line_and_what_overflows_on_the_way_is_none(files, monkeypatch, capsys):
    import warnings

    def warned(*arguments, **options):
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)
        warnings.warn("mind\nthis", UserWarning, stacklevel=1)
        return pvlib.measure.pvector.p_vector(*arguments, **options)

    monkeypatch.setattr("pvlib.measure.p_vector", warned)
    assert main(["measure", str(files / "a.npy")]) == 0
    assert set(capsys.readouterr().err.splitlines()) == {"pvlib: warning: mind this"}


def pvlib_process(*arguments, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run([sys.executable, "-m", "pvlib", *arguments], env=environment, **options)


def test_python_m_pvlib_says_its_version():
    done = pvlib_process("--version", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"pvlib {pvlib.__version__}\n")


def test_measuring_takes_neither_torch_nor_pandas(files):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'torchvision', 'safetensors', 'pandas', 'pyarrow', 'tqdm')))\n"
        "from pvlib.cli import main\n"
        "sys.exit(main(['measure', 'a.npy', '--out', 'v.safetensors'])"
        " or main('compare a.npy b.npy --json --replicates 20 --permutations 20'.split()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=files, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_one_line(files):
    with open("/dev/full", "w") as full:
        done = pvlib_process("measure", files / "a.npy", stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_a_reader_that_stops_reading_is_no_error(files):
    reading, writing = os.pipe()
    os.close(reading)
    done = pvlib_process("measure", files / "a.npy", stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_a_name_that_the_terminal_cannot_show_is_escaped(tmp_path):
    for name, shown in (
        (os.fsdecode(b"caf\xe9.npy"), "caf\\xe9.npy: 6 samples"),
        ("é\n.npy", "\\xe9\\n.npy: 6 samples"),
    ):
        np.save(tmp_path / name, RNG.normal(size=(6, 3)))
        done = pvlib_process("measure", tmp_path / name, capture_output=True, env={"PYTHONIOENCODING": "ascii"})
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout.decode("ascii")


class TestAnchorAndPlace:
    """From the anchor's images to a place among the published networks, with files alone."""

    @pytest.fixture
    def images(self, tmp_path, capsys):
        assert (
            main(["anchor", "digits", "--to", str(tmp_path / "images.npy"), "--labels", str(tmp_path / "labels.npy")])
            == 0
        )
        assert "1000 images 8x8x1, uint8" in capsys.readouterr().out
        return tmp_path

    def test_the_images_are_those_of_the_anchor_in_its_order(self, images):
        from pvlib.experiment.data import anchor, load

        data = load("digits")
        ids = anchor(data).train_ids
        np.testing.assert_array_equal(np.load(images / "images.npy")[..., 0], data.train.images[ids][:, 0].numpy())
        np.testing.assert_array_equal(np.load(images / "labels.npy"), data.train.labels[ids].numpy())

    def test_features_are_placed_by_family_with_the_classes_at_the_ends(self, images, capsys):
        pixels = np.load(images / "images.npy").reshape(1000, -1) / 255
        np.save(images / "features.npy", pixels)
        plot = images / "place.svg"
        assert main(["place", str(images / "features.npy"), "--dataset", "digits", "--plot", str(plot)]) == 0
        out = capsys.readouterr().out
        assert out.count("mean |cos| with the published networks") == 2
        assert "autoencoders" in out and "the data (pixels)" in out and "classes of the 20 images" in out
        assert plot.read_text().lstrip().startswith("<?xml")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["anchor", "digits", "--to", "images.npz"], "must end in .npy"),
            (["anchor", "digits", "--to", "nowhere/images.npy"], "no such folder"),
            (["anchor", "digit", "--to", "images.npy"], "did you mean 'digits'"),
            (["place", "short.npy", "--dataset", "digits"], "100 entries, the published ones 1000.*pvlib anchor"),
            (["place", "short.npy", "--dataset", "imagenet"], "nothing is published of 'imagenet'"),
        ],
    )
    def test_what_cannot_be_done_is_one_line(self, tmp_path, monkeypatch, capsys, arguments, message):
        monkeypatch.setenv("PVLIB_RESULTS", str(Path(__file__).parents[1] / "results"))
        monkeypatch.chdir(tmp_path)
        np.save("short.npy", np.random.default_rng(0).random((100, 5)))
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert re.search(message, said) and len(said.splitlines()) == 1

    def test_a_file_that_is_there_is_not_written_over(self, images, capsys):
        assert main(["anchor", "digits", "--to", str(images / "images.npy")]) == 1
        assert "such a file already" in capsys.readouterr().err
