"""Results: equal when all they hold is equal, saved and loaded without loss, refused when damaged, shown with their numbers."""

import re
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest

import pvlib
from pvlib.measure import Comparison, LayerComparison, PVector, compare, p_vector

from .making import relu_features, with_sigmas

FEW = {"replicates": 20, "permutations": 20}


def made():
    a, b = relu_features(60, 5), relu_features(60, 7)
    return {
        PVector: p_vector(a, center=True, k=2),
        Comparison: compare(a, b, names=("mlp", "cnn"), **FEW),
        LayerComparison: compare({"1": a, "2": b}, {"x": b}, permutations=20),
    }


MADE = made()
kinds = pytest.mark.parametrize("kind", list(MADE), ids=lambda kind: kind.__name__)


@kinds
def test_what_is_saved_is_loaded_without_loss(kind, tmp_path):
    MADE[kind].save(tmp_path / "one.safetensors")
    found = kind.load(tmp_path / "one.safetensors")
    assert type(found) is kind and found == MADE[kind]
    assert str(found) == str(MADE[kind])


@kinds
def test_results_are_equal_when_measured_alike_and_differ_in_any_part(kind):
    one = MADE[kind]
    assert one == made()[kind] and one != "something else"
    changed = {
        PVector: {"centred": False},
        Comparison: {"n": 61},
        LayerComparison: {"null": MADE[kind].null + 1e-9} if kind is LayerComparison else {},
    }
    assert one != replace(one, **changed[kind])
    with pytest.raises(TypeError):
        hash(one)


@kinds
def test_every_kind_can_be_loaded_under_the_name_that_users_import(kind):
    assert getattr(pvlib, kind.__name__) is kind and kind.__name__ in pvlib.__all__


def test_a_p_vector_differs_from_one_with_another_entry():
    one = MADE[PVector]
    other = one.vectors.copy()
    other[3, 0] += 1e-15
    assert one != replace(one, vectors=other)


@kinds
def test_damaged_and_foreign_files_are_refused_with_their_name(kind, tmp_path):
    path = tmp_path / "one.safetensors"
    MADE[kind].save(path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole[:-4] + b"\0\1\0\1", b"\x93NUMPY" + whole[6:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"one\.safetensors: .*copy or save it again"):
            kind.load(path)
    other = next(k for k in MADE if k is not kind)
    MADE[other].save(path)
    with pytest.raises(ValueError, match=rf"one\.safetensors: it holds not one {kind.__name__} but '{other.__name__}'"):
        kind.load(path)


def test_safetensors_own_reader_reads_the_arrays(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    one = MADE[PVector]
    one.save(tmp_path / "one.safetensors")
    arrays = numpy.load_file(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(arrays["PVector.vectors"], one.vectors)
    np.testing.assert_array_equal(arrays["PVector.singular_values"], one.singular_values)


def test_saving_and_loading_take_neither_torch_nor_safetensors(tmp_path):
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'safetensors', 'pandas', 'matplotlib')))\n"
        "import numpy as np; from pvlib import PVector, p_vector\n"
        "one = p_vector(np.eye(4)[:, :2] + 1, center=True); one.save('v.safetensors')\n"
        "assert PVector.load('v.safetensors') == one and one._repr_html_()"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, check=True)


def test_frames_hold_the_numbers():
    one = MADE[PVector]
    frame = one.to_frame()
    assert list(frame.columns) == ["u1", "u2"] and frame.index.name == "sample"
    np.testing.assert_array_equal(frame, one.vectors)
    assert MADE[Comparison].to_frame().equals(MADE[Comparison].table)
    layers = MADE[LayerComparison].to_frame()
    assert list(layers.index) == ["1", "2"] and list(layers.columns) == ["x"]


@kinds
def test_notebooks_show_the_numbers_and_escape_names(kind):
    one = MADE[kind]
    number = {
        PVector: lambda: f"{one.singular_values[0]:.5g}",
        Comparison: lambda: f"{one.table['estimate'].iloc[0]:.4f}",
        LayerComparison: lambda: f"{one.estimates.max():.4f}",
    }[kind]()
    assert number in one._repr_html_() and number in str(one)
    if kind is Comparison:
        assert "<b>" not in replace(one, names=("<b>", "b"))._repr_html_()


@kinds
def test_plots_are_figures_that_open_no_window(kind, tmp_path):
    pytest.importorskip("matplotlib")
    figure = MADE[kind].plot()
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_a_tie_is_told_in_the_notebook_too():
    tied, _ = with_sigmas(100, 8, [2, 2, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = p_vector(tied, center=False)
    assert re.search("undefined: .* tie", found._repr_html_())
