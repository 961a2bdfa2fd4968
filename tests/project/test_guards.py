"""Sentences of the book are checked: with results that say something else, every chapter stops at a guard."""

import sys
import types
from pathlib import Path

import nbformat
import numpy as np
import pytest

from pvlib.report import tables
from pvlib.report.guard import UntrueSentence

ROOT = Path(__file__).parents[2]
CHAPTERS = ["00_summary", "01_p_vector", "03_architectures", "04_labels", "05_along_training", "06_data_p_vector",
            "07_generalization", "08_controls", "11_definitions"]  # fmt: skip


def upside_down(frame, table):
    """Every number that a chapter may rest on, the other way round; what identifies a row stays."""
    frame = frame.copy()
    shares = ("cos", "overlap", "best_common", "value", "cos_data", "within_class", "cos_constant", "c_a", "c_b")
    for column in frame.columns.intersection(shares):
        frame[column] = 1 - frame[column].astype(float)
    for column in frame.columns.intersection(("angle", "angle_own", "angle_data")):
        frame[column] = 90 - frame[column].astype(float)
    if table == "pool":
        frame["test_error"] = frame["test_error"].to_numpy()[np.random.default_rng(0).permutation(len(frame))]
    return frame


@pytest.fixture
def other_results(monkeypatch):
    """All published studies, as they would be if everything had come out otherwise."""
    read, vectors = tables.Study._read, tables.Study.vectors

    def turned(self, run):
        """P-vectors whose sign changes from sample to sample: none is positive."""
        return {
            name: value * np.where(np.arange(value.shape[1]) % 2, 1, -1) for name, value in vectors(self, run).items()
        }

    monkeypatch.setattr(tables.Study, "_read", lambda self, table: upside_down(read(self, table), table))
    monkeypatch.setattr(tables.Study, "vectors", turned)


def run(chapter, monkeypatch, tables_dir):
    """The code of a chapter, as a plain program; its tables go to `tables_dir`, away from the book's."""
    monkeypatch.chdir(ROOT / "notebooks")
    glue = types.ModuleType("myst_nb")
    glue.glue = lambda *_, **__: None
    monkeypatch.setitem(sys.modules, "myst_nb", glue)
    space = {}
    for cell in nbformat.read(f"{chapter}.ipynb", 4).cells:
        if cell.cell_type == "code":
            source = cell.source.replace('"../build/results"', '"nowhere"')
            source = source.replace("fresh_dir=fresh_dir", f"fresh_dir=fresh_dir, tables_dir={str(tables_dir)!r}")
            exec(compile(source, chapter, "exec"), space)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_with_other_results_the_chapter_stops_and_names_the_sentence(chapter, other_results, monkeypatch, tmp_path):
    with pytest.raises(UntrueSentence, match="no longer true: "):
        run(chapter, monkeypatch, tmp_path)


def test_networks_that_all_miss_their_floor_do_not_let_sentences_pass_unchecked(monkeypatch, tmp_path):
    read = tables.Study._read
    low = {"score": 0.01}
    monkeypatch.setattr(
        tables.Study, "_read", lambda self, t: read(self, t).assign(**low) if t == "runs" else read(self, t)
    )
    with pytest.raises(UntrueSentence, match="have networks that reached their floor"):
        run("03_architectures", monkeypatch, tmp_path)
