"""Executing chapters: wrong parameters are refused, pages stay clean, and the same inputs give the same bytes."""

import nbformat
import pytest

from scripts.execute_chapters import main


def write(path, *, code="print(studies)", parameters='studies = "digits"'):
    cell = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="parameters")
    cells = [cell, nbformat.v4.new_code_cell(code, id="work")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def test_a_parameter_that_no_chapter_has_is_refused_with_the_nearest(tmp_path, capsys):
    chapter = write(tmp_path / "01_x.ipynb")
    assert main([str(chapter), "--to", str(tmp_path / "out"), "-p", "study", "quick"]) == 1
    assert "no chapter has a parameter 'study'; did you mean studies?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_chapter_that_is_not_there_is_named(tmp_path, capsys):
    assert main([str(tmp_path / "gone.ipynb"), "--to", str(tmp_path / "out")]) == 1
    assert "gone.ipynb" in capsys.readouterr().err


def test_two_runs_give_the_same_bytes_and_parameters_arrive(tmp_path):
    chapter = write(tmp_path / "01_x.ipynb")
    for folder in ("one", "two"):
        assert main([str(chapter), "--to", str(tmp_path / folder), "-p", "studies", "quick"]) == 0
    one, two = ((tmp_path / folder / "01_x.ipynb").read_bytes() for folder in ("one", "two"))
    assert one == two
    assert b"quick" in one
    assert list((tmp_path / "one").iterdir()) == [tmp_path / "one/01_x.ipynb"]


@pytest.mark.parametrize(
    ("code", "why"),
    [("import warnings; warnings.warn('look')", "wrote to stderr"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_chapter_that_warns_or_fails_gives_no_page(tmp_path, capsys, code, why):
    chapter = write(tmp_path / "01_x.ipynb", code=code)
    assert main([str(chapter), "--to", str(tmp_path / "out")]) == 1
    assert why in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []
