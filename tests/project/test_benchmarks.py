"""The benchmarks run, and their results have the fields that the tables read. Not for speed: no number is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is measured on Linux only")


def results_of(script: str, output: Path, *arguments: str) -> dict:
    """Of a run in a process of its own, as `python benchmarks/...` makes it."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments, "--repeats", "2", "--threads", "1"]
    done = subprocess.run([*command, "--output", str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text())


def check_rows(found: dict, key: str, cases: set[tuple]) -> None:
    """Every case was measured for every peer, accurately, and is summed up."""
    rows = found["results"]
    assert {(row["n"], row["d"], row[key], row["peer"]) for row in rows} == cases
    for row in rows:
        assert "failed" not in row, row
        low, high = row["quartiles_s"]
        assert 0 < row["least_s"] <= low <= row["median_s"] <= high < 60
        assert row["extra_mb"] > -1 and row["repeats"] == len(row["seconds"]) >= 2 and row["threads"] == 1
        assert row["error"] <= found["accurate"], row
    for row in found["summary"]:
        assert row["ratio"] == pytest.approx(row["best_peer_s"] / row["ours_s"])
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert {(row["n"], row["d"], row[key]) for row in found["summary"]} == {case[:3] for case in cases}
    assert found["machine"]["cores"] >= 1 and found["machine"]["versions"]["numpy"] and found["machine"]["commit"]


def test_the_benchmark_of_p_vectors_runs_and_says_what_tables_need(tmp_path):
    command = [
        sys.executable,
        str(ROOT / "benchmarks/pvector.py"),
        "--even-if-busy",
        "--shapes",
        "small",
        "--repeats",
        "2",
    ]
    command += ["--threads", "1", "--dtypes", "float32", "--kernels", "native", "--output", str(tmp_path)]
    done = subprocess.run([*command, "--peers", "pvlib", "numpy gram"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("pvector-*.json")
    found = json.loads(path.read_text())
    assert path.stem == f"pvector-{found['kernel'].lower()}"
    shapes = ((4000, 64), (2000, 300))
    kinds = ("relu", "hard", "centred")
    check_rows(
        found, "kind", {(n, d, kind, peer) for n, d in shapes for kind in kinds for peer in ("pvlib", "numpy gram")}
    )
    assert all(read["read_s"] > 0 for read in found["reads"])
    least, most = (choose(row["ratio"] for row in found["summary"]) for choose in (min, max))
    assert least <= found["geometric_mean"] <= most


def test_the_benchmark_of_p_vectors_does_not_start_beside_a_busy_process(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            command = [sys.executable, str(ROOT / "benchmarks/pvector.py"), "--output", str(tmp_path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        finally:
            other.kill()
    assert done.returncode and f"process {other.pid}" in done.stderr and not list(tmp_path.iterdir())


def test_the_benchmark_of_similarity_runs_and_says_what_tables_need(tmp_path):
    found = results_of("similarity.py", tmp_path / "out.json", "--small", "--peers", "pvlib", "numpy")
    cases = {(600, 48, measure) for measure in ("cka", "cka debiased", "svcca")}
    cases |= {(200, 300, measure) for measure in ("cka", "cka debiased")}  # no SVCCA of more features than samples
    check_rows(found, "measure", {(*case, peer) for case in cases for peer in ("pvlib", "numpy")})
    assert found["left_out"] == []


def test_the_benchmark_of_similarity_tells_a_missing_peer_instead_of_failing(tmp_path, monkeypatch):
    (tmp_path / "repsim.py").write_text("raise ImportError('no repsim here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = results_of("similarity.py", tmp_path / "out.json", "--small", "--peers", "repsim")
    assert all("no repsim here" in row["failed"] for row in found["results"])
    assert found["summary"] == []


def test_the_benchmark_of_streams_runs_and_says_what_the_chapter_needs(tmp_path):
    found = results_of("streaming.py", tmp_path / "out.json", "--rows", "300", "--columns", "64")
    (row,) = found["summary"]
    assert row["ratio"] == pytest.approx(row["stream_gflops"] / row["product_gflops"]) and row["threads"] == 1
    assert found["columns"] == 64 and found["machine"]["cores"] >= 1
