"""What the project is installed with: one list of needs, told the same way to pip, conda and the lock."""

import ast
import hashlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import pvlib
from pvlib.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base", "seaborn": "seaborn-base"}


def needs(*extras: str) -> dict[str, Requirement]:
    """What pip installs for these extras, each of which may name others."""
    found = {need.name: need for need in map(Requirement, PROJECT["dependencies"])}
    for need in (Requirement(text) for extra in extras for text in PROJECT["optional-dependencies"][extra]):
        found |= needs(*need.extras) if need.name == PROJECT["name"] else {need.name: need}
    return found


def conda() -> dict[str, Requirement]:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return {need.name: need for need in (Requirement(entry) for entry in entries if isinstance(entry, str))}


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements/lock.txt").read_text().splitlines()
    return dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))


def test_conda_asks_for_what_pyproject_asks_for():
    # Without `workflow`: Snakemake lives in another channel, and Binder opens chapters, it does not build the book.
    wanted = {CONDA_NAMES.get(name, name): need.specifier for name, need in needs("book").items()}
    found = conda()
    assert found.pop("python").specifier == PROJECT["requires-python"]
    found.pop("pip")
    assert {name: need.specifier for name, need in found.items()} == wanted


def test_lock_satisfies_pyproject():
    versions = locked()
    assert [name for name, need in needs("all", "test").items() if versions.get(name, "0") not in need.specifier] == []


def test_lock_holds_the_pair_of_torch_builds_that_was_tried():
    assert (locked()["torch"], locked()["torchvision"]) == ("2.13.0", "0.28.0")


def test_lock_is_exact_and_builds_without_the_network():
    versions = locked()
    assert all(re.fullmatch(r"[0-9][\w.]*", version) for version in versions.values())
    assert "setuptools" in versions  # the editable install uses the locked one


def test_pvlib_is_ours_and_not_the_photovoltaics_package():
    assert Path(pvlib.__file__).resolve().parent == ROOT / "pvlib"
    conda_pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    assert "pvlib" not in {*needs("all", "test"), *locked(), *conda(), *conda_pip}


@pytest.mark.parametrize("folder", ["fflate", "mathjax", "papaparse", "plotly"])
def test_vendored_assets_are_what_they_say_and_carry_their_licence(folder):
    vendor = ROOT / "book/_vendor"
    sums = dict(line.split("  ")[::-1] for line in (vendor / "SHA256SUMS").read_text().splitlines())
    files = {str(p.relative_to(vendor)) for p in (vendor / folder).rglob("*") if p.is_file()}
    assert files == {name for name in sums if name.startswith(f"{folder}/")}
    assert f"{folder}/LICENSE" in files
    assert [n for n in files if hashlib.sha256((vendor / n).read_bytes()).hexdigest() != sums[n]] == []


def test_vendored_plotly_is_the_one_that_the_locked_package_speaks_to():
    from plotly.offline import get_plotlyjs

    def version(text: str) -> str:
        return re.search(r"plotly\.js (?:\(basic - minified\) )?v([\d.]+)", text[:400])[1]

    assert version((ROOT / "book/_vendor/plotly/plotly-basic.min.js").read_text()) == version(get_plotlyjs())


def test_every_package_that_is_named_when_it_is_missing_is_brought_by_the_extra_that_is_named():
    distributions = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
    for package, extra in EXTRAS.items():
        assert distributions.get(package, package) in needs(extra), (package, extra)
        assert distributions.get(package, package) not in needs(), package


def test_measuring_is_installed_with_numpy_and_scipy_alone():
    assert set(needs()) == {"numpy", "scipy"}


def test_the_citation_names_the_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == pvlib.__version__


def test_lazy_names_are_the_names_that_a_type_checker_sees():
    (block,) = (n for n in ast.parse((ROOT / "pvlib/__init__.py").read_text()).body if isinstance(n, ast.If))
    seen = {name.asname: f"{line.module}" for line in block.body for name in line.names}
    assert seen == pvlib._MODULE
    assert all(getattr(pvlib, name) is not None for name in pvlib.__all__)
