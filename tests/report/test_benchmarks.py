"""The chapter on speed must count what was measured, and say what was missed."""

import json
import re

import pytest

from pvlib.report import benchmarks
from pvlib.report.figures import BookFigure, Missing, speed
from pvlib.report.figures.markup import pipe_table


def case(peer, seconds, error, kind="relu"):
    return {"n": 2000, "d": 300, "kind": kind, "peer": peer, "median_s": seconds, "least_s": seconds, "repeats": 3,
            "threads": 1, "error": error, "extra_mb": 4.0}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rows = [case("pvlib", 0.002, 1e-13), case("numpy gram", 0.004, 1e-14), case("torch svd_lowrank", 0.001, 1e-5),
            {"n": 2000, "d": 300, "kind": "relu", "peer": "broken", "failed": "no such solver"},
            {"n": 2000, "d": 300, "kind": "relu", "peer": "slow", "skipped": "more than 5 times slower"}]  # fmt: skip
    summary = [{"n": 2000, "d": 300, "kind": "relu", "ours_s": 0.002, "error": 1e-13, "extra_mb": 20.0, "reads": 5.0,
                "best_peer": "numpy gram", "best_peer_s": 0.004, "ratio": 2.0, "ratio_low": 1.75, "ratio_high": 2.25,
                "target": 3.0}]  # fmt: skip
    machine = {"cores": 2, "processor": "a processor", "load": 0.1, "commit": "0a1b2c", "measured_at": "2026-01-02T03:04:05Z",
               "versions": {"numpy": "2.0", "dask": None}}  # fmt: skip
    content = {"results": rows, "summary": summary, "machine": machine, "accurate": 1e-11, "target_mb": 16,
               "command": "python benchmarks/pvector.py"}  # fmt: skip
    (tmp_path / "pvector.json").write_text(json.dumps(content))
    return tmp_path


def test_what_is_missed_is_said(folder):
    figure = speed.p_vectors(benchmarks.load("pvector", folder))
    assert isinstance(figure, BookFigure)
    assert (
        "in 1 of 1 cases, the geometric mean of the ratios is 2.00" in figure.caption and "Slower" not in figure.caption
    )
    assert "More extra memory than 16 MB: 2,000 × 300 ReLU features" in figure.caption
    assert list(figure.table["accurate"]) == [True, True, False]
    assert not {"broken", "slow"} & set(figure.table["peer"])


def test_a_case_that_is_slower_than_a_peer_is_named(folder):
    path = folder / "pvector.json"
    content = json.loads(path.read_text())
    content["summary"][0]["ratio"] = 0.5
    path.write_text(json.dumps(content))
    assert (
        "Slower than that: 2,000 × 300 ReLU features (0.50)"
        in speed.p_vectors(benchmarks.load("pvector", folder)).caption
    )


def test_every_kernel_is_shown_the_native_one_first_and_the_old_file_only_where_there_is_none(folder):
    (old,) = benchmarks.load_kernels("pvector", folder)
    assert old.name == "pvector"
    for kernel in ("SkylakeX", "Haswell"):
        content = old.content | {"kernel": kernel}
        for part in ("results", "summary"):
            content[part] = [row | {"dtype": dtype} for row in content[part] for dtype in ("float32", "float64")]
        (folder / f"pvector-{kernel.lower()}.json").write_text(json.dumps(content))
    skylake, haswell = benchmarks.load_kernels("pvector", folder)
    assert "kernel Haswell" in haswell.origin and "kernel SkylakeX" in skylake.origin
    assert list(benchmarks.p_vector_table(haswell)["samples × features"]) == [
        "2,000 × 300, float32",
        "2,000 × 300, float64",
    ]
    assert set(speed.p_vectors(haswell).table["dtype"]) == {"float32", "float64"}
    assert benchmarks.load_kernels("nothing", folder) == []


def test_the_table_has_the_ratio(folder):
    row = benchmarks.p_vector_table(benchmarks.load("pvector", folder)).iloc[0]
    assert (row["ratio"], row["fastest as accurate"]) == ("2.00 (1.75–2.25)", "numpy gram")


def test_origin_names_machine_and_versions_that_are_there(folder):
    origin = benchmarks.load("pvector", folder).origin
    assert "at commit 0a1b2c on 2 cores of a processor" in origin
    assert "numpy 2.0" in origin
    assert "dask" not in origin


def test_a_benchmark_that_was_not_run_is_said_to_be_missing(tmp_path):
    assert isinstance(speed.p_vectors(benchmarks.load("pvector", tmp_path)), Missing)


def test_a_damaged_file_is_named(folder):
    (folder / "pvector.json").write_text("{")
    with pytest.raises(ValueError, match=r"pvector\.json is damaged"):
        benchmarks.load("pvector", folder)


def test_a_heading_with_bars_does_not_break_the_table(folder):
    table = benchmarks.p_vector_table(benchmarks.load("pvector", folder))
    head, rule, row = pipe_table(table).myst.split("\n\n")[1].splitlines()
    assert len(set(len(re.split(r"(?<!\\)\|", line)) for line in (head, rule, row))) == 1


def test_shapes_stand_in_order_whatever_was_measured_last(folder):
    path = folder / "pvector.json"
    content = json.loads(path.read_text())
    content["results"] += [case("pvlib", 0.001, 1e-13) | {"d": 64}]
    path.write_text(json.dumps(content))
    assert list(benchmarks.load("pvector", folder).results["d"]) == [64, *[300] * 5]


def test_the_rate_of_a_stream_names_its_size(tmp_path):
    summary = [{"threads": 2, "ratio": 1.237, "target": 0.85}]
    machine = {
        "cores": 2,
        "processor": "a processor",
        "load": 0.1,
        "commit": "0a1b2c",
        "measured_at": "2026-01-02",
        "versions": {},
    }
    content = {"results": summary, "summary": summary, "machine": machine, "columns": 2048}
    (tmp_path / "streaming.json").write_text(json.dumps(content))
    said = speed.streaming(benchmarks.load("streaming", tmp_path))
    assert "2,048 features" in str(said) and "1.24 with 2 threads" in str(said)
    assert "not been measured" in str(speed.streaming(None))


def test_the_table_of_training_has_a_dash_where_a_way_does_not_apply(tmp_path):
    row = {"case": "simclr_views", "ordinary": 2270.1, "ours_f32": 32427.2, "ours_default": 32427.2, "prepared": None,
           "ratio_f32": 14.358, "ratio_f32_low": 13.9, "ratio_f32_high": 15, "ratio_default": 14.358,
           "ratio_default_low": 13.9, "ratio_default_high": 15, "target": 11}  # fmt: skip
    (tmp_path / "training-cpu.json").write_text(json.dumps({"results": [], "summary": [row]}))
    shown = benchmarks.training_table(benchmarks.load("training-cpu", tmp_path)).iloc[0]
    assert (shown["task"], shown["batches prepared beforehand"]) == ("SimCLR views alone", "-")
    assert (shown["ordinary (images/s)"], shown["ratio, float32"]) == ("2,270", "14.36 (13.90–15.00)")
