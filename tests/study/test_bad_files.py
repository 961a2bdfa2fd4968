"""Damaged, foreign and hostile files: one line that names the file, exit code 1, nothing run, no end of memory or time."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from pvlib.cli import main
from pvlib.one_line import one_line
from pvlib.study.formats import Refused
from pvlib.study.matrices import read_matrix

from .bad_files import BAD

pytestmark = pytest.mark.timeout(60)
MATRIX = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(autouse=True)
def nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", BAD, ids=[one_line(name)[:60] for name in BAD])
def test_a_bad_file_is_one_line(tmp_path, name):
    make, said = BAD[name]
    make(tmp_path / name)
    code, out, err = run("measure", tmp_path / name, "--json")
    assert (code, out) == (1, "")
    assert err.startswith("pvlib: ") and err.endswith("\n") and len(err.splitlines()) == 1
    assert one_line(name)[:60] in err and said in err
    assert not any(word in err for word in ("allow_pickle", "weights_only", "please report", "Traceback"))
    assert err[:-1].isprintable()


def test_the_table_has_every_kind_of_file_that_once_ended_in_a_traceback():
    assert len(BAD) > 200


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    np.save(tmp_path / "m.npy", MATRIX)
    (tmp_path / "m.npy").chmod(0)
    code, _, err = run("measure", tmp_path / "m.npy")
    assert code == 1 and "m.npy: permission denied" in err


@pytest.mark.parametrize("name", ["folder.npy", "pipe.csv", "bomb.npz", "object.pt", "device.parquet"])
def test_compare_refuses_them_too(tmp_path, name):
    if name not in BAD:
        pytest.skip("no pipes on this system")
    BAD[name][0](tmp_path / name)
    np.save(tmp_path / "good.npy", MATRIX)
    code, out, err = run("compare", tmp_path / "good.npy", tmp_path / name)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert name in err


def test_in_a_process_of_its_own_nothing_else_is_printed(tmp_path):
    name = os.fsdecode(b"caf\xe9\n.npz") if sys.platform == "linux" else "line\nfeed.npz"
    BAD["crc.npz"][0](tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "pvlib", "measure", tmp_path / name],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"CRC" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux alone")
def test_memory_that_ends_while_a_file_is_read_is_one_line(tmp_path):
    np.savez_compressed(tmp_path / "m.npz", np.zeros((25_000_000, 1)))  # 200 MB in 0.2
    code = (
        "import resource, sys; from pvlib.cli import main; import pvlib.study.measure_report\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 100_000_000, -1))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "measure", tmp_path / "m.npz"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "m.npz: not enough memory" in done.stderr


@cache
def good_files() -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place, tensor, frame = Path(folder), torch.from_numpy(MATRIX), pd.DataFrame(MATRIX, columns=list("abc"))
        np.save(place / "m.npy", MATRIX)
        np.savez(place / "m.npz", MATRIX)
        np.savez_compressed(place / "compressed.npz", MATRIX)
        save_file({"features": MATRIX}, place / "m.safetensors")
        torch.save(tensor, place / "m.pt")
        torch.save(tensor, place / "legacy.pt", _use_new_zipfile_serialization=False)
        frame.to_parquet(place / "m.parquet", write_page_checksum=True)
        frame.to_csv(place / "m.csv", index=False)
        return {path.name: path.read_bytes() for path in sorted(place.iterdir())}


NAMES = ["m.npy", "m.npz", "compressed.npz", "m.safetensors", "m.pt", "legacy.pt", "m.parquet", "m.csv"]
CHECKED = {"m.npz", "compressed.npz", "m.pt"}  # hold checksums: what comes out of them is what was put in


@pytest.mark.parametrize("name", [name for name in NAMES if name != "m.csv"])
def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path, name):
    content = good_files()[name]
    path = tmp_path / name
    for length in range(0, len(content), max(1, len(content) // 300)):
        path.write_bytes(content[:length])
        with pytest.raises(Refused, match=name):
            read_matrix(path)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_matrix(path), MATRIX)


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_flipped_bits_give_the_matrix_or_one_line(tmp_path, name, data):
    content = bytearray(good_files()[name])
    flips = data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(1, 255)), min_size=1, max_size=4)
    )
    for place, bits in flips:
        content[place] ^= bits
    path = tmp_path / name
    path.write_bytes(content)
    try:
        found = read_matrix(path)
    except (Refused, MemoryError) as error:
        assert name in str(error)
        return
    assert found.ndim == 2 and found.dtype.kind in "fiub"
    if name in CHECKED:
        np.testing.assert_array_equal(found, MATRIX)
    if name == "m.safetensors":
        with safe_open(path, framework="np") as file:  # what the format's own reader refuses, we refuse
            assert len(list(file.keys())) == 1
