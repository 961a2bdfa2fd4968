"""Names of P-vectors: those in published files are read and written as ever, and what is no such name is refused."""

from pathlib import Path

import pytest
from safetensors import safe_open

from pvlib.packed import RANGE
from pvlib.vector_names import DataName, FullName, VectorName

RESULTS = Path(__file__).parents[1] / "results"


@pytest.mark.parametrize("study", sorted(path.name for path in RESULTS.iterdir() if (path / "vectors").is_dir()))
def test_every_published_name_is_read_and_written_as_it_is(study):
    files = sorted((RESULTS / study / "vectors").iterdir())
    for path in [*files[:3], *(path for path in files if path.name.startswith("data-"))]:
        kind = DataName if path.name.startswith("data-") else VectorName
        with safe_open(path, framework="np") as file:
            names = {name.removesuffix(RANGE).removesuffix("/more") for name in file.keys()}  # noqa: SIM118  not a dict
        assert names and {str(kind.parse(name)) for name in names} == names


def test_each_part_is_where_its_name_says():
    name = VectorName(state="share_0.01", split="cifar10-train", layer="output", convention="unit")
    assert str(name) == f"{name}" == "share_0.01/cifar10-train/output/unit"
    assert VectorName.parse(str(name)) == name
    assert str(DataName(layer="pixels", split="test", convention="centred")) == "pixels/test/centred"
    assert str(FullName(split="test", convention="centred")) == "test/centred"
    assert str(VectorName.primary("trained", "centred")) == "trained/train/penultimate/centred"


@pytest.mark.parametrize("text", [
    "", "centred", "train/output/centred", "trained/output/train/centred", "trained/train/output/centered",
    "trained/train/output/centred/more", "trained/train/output/unit#range", "trained/train//centred", "/train/output/unit",
])  # fmt: skip
def test_a_text_that_is_no_name_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match=r"does not name a P-vector: state/split/layer/convention is needed") as error:
        VectorName.parse(text)
    assert repr(text) in str(error.value) and "\n" not in str(error.value)
