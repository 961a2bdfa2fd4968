"""The installed package, far from any checkout: what it finds, and what it asks for."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pvlib import __version__

ROOT = Path(__file__).resolve().parents[2]
BUILDERS = ("pip", "setuptools", "wheel")
ABSENT = [name for name in BUILDERS if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(ABSENT), reason=f"no wheel can be built offline without {', '.join(ABSENT)}")
TINY = """\
study: tiny
cells:
  - name: tiny/mlp
    label: MLP
    role: primary
    seeds: 1
    recipe: {dataset: digits, architecture: mlp, objective: classification, width: 16, epochs: 1, lr: 2.0e-3,
             optimiser: adamw, batch_size: 256, weight_decay: 0.0, augment: none, precision: float32}
"""


def call(*command, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PVLIB_RESULTS")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: setuptools leaves its traces beside what it builds."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "pvlib", source / "pvlib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index")
    code, _, error = call(*pip, "--wheel-dir", "wheels", cwd=source)
    assert code == 0, error
    (found,) = (source / "wheels").iterdir()
    return found


def installed(wheel, folder, *visible: Path):
    """An environment with the wheel alone, and then the packages in the folders `visible`."""
    venv.create(folder, with_pip=False)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps", "--no-index", wheel)
    code, _, error = call(*pip, cwd=folder)
    assert code == 0, error
    (site,) = folder.rglob("site-packages")
    (site / "visible.pth").write_text("\n".join(map(str, visible)))
    return scripts


@pytest.fixture(scope="module")
def full(wheel, tmp_path_factory):
    paths = sysconfig.get_paths()
    return installed(wheel, tmp_path_factory.mktemp("full"), Path(paths["purelib"]), Path(paths["platlib"]))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """NumPy and SciPy alone."""
    packages = tmp_path_factory.mktemp("packages")
    for name in ("numpy", "scipy"):
        home = Path(importlib.util.find_spec(name).origin).parent
        for part in home.parent.glob(f"{name}*"):  # with the libraries that a wheel brings beside the package
            (packages / part.name).symlink_to(part)
    return installed(wheel, tmp_path_factory.mktemp("bare"), packages)


def test_the_wheel_holds_the_studies_and_the_mark_of_hints(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"pvlib/studies/{path.name}" for path in (ROOT / "pvlib/studies").glob("*.yml")} <= set(names)
    assert "pvlib/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "scripts", "studies"))]


def test_the_version_is_that_of_the_wheel(wheel, full, tmp_path):
    code, out, error = call(full / "python", "-c", "import pvlib; print(pvlib.__version__)", cwd=tmp_path)
    assert code == 0, error
    assert f"-{out.strip()}-" in wheel.name


def test_from_an_empty_folder_the_commands_know_the_studies_and_train_measure_and_publish(full, tmp_path):
    store = {"PVLIB_STORE": str(tmp_path / "store")}
    where = tmp_path / "empty"
    where.mkdir()
    code, out, _ = call(full / "python", "-c", "import pvlib; print(pvlib.__file__)", cwd=where)
    assert code == 0
    assert Path(out.strip()).is_relative_to(full.parent), "another pvlib is tested"
    code, out, error = call(full / "pvlib", "--help", cwd=where)
    assert (code, error) == (0, "")
    code, out, error = call(full / "pvlib", "status", "digits", cwd=where, **store)
    assert code == 0, error
    assert "digits" in out
    assert list(where.iterdir()) == []

    (tmp_path / "tiny.yml").write_text(TINY)
    code, _, error = call(full / "pvlib", "run", tmp_path / "tiny.yml", cwd=where, **store)
    assert code == 0, error
    code, _, error = call(full / "pvlib", "publish", tmp_path / "tiny.yml", cwd=where, **store)
    assert code == 0, error
    # Not the commit of a repository that happens to lie around the environment.
    assert json.loads((where / "results/tiny/provenance.json").read_text())["commit"] == f"v{__version__}"

    np.save(where / "f.npy", np.random.default_rng(0).random((50, 8)))
    code, out, error = call(full / "pvlib", "measure", "f.npy", cwd=where)
    assert code == 0, error
    assert "50 samples x 8 features" in out


def test_measuring_needs_numpy_and_scipy_alone(bare, tmp_path):
    one, two = np.random.default_rng(0).random((2, 60, 8))
    for name, matrix in (("one", one), ("two", two)):
        np.save(tmp_path / f"{name}.npy", matrix)
    code, out, error = call(bare / "pvlib", "measure", "one.npy", cwd=tmp_path)
    assert code == 0, error
    code, out, error = call(bare / "pvlib", "compare", "one.npy", "two.npy", cwd=tmp_path)
    assert code == 0, error
    code, out, error = call(
        bare / "python",
        "-c",
        "import pvlib, numpy; print(pvlib.p_vector(numpy.eye(5, 3) + 1, center=False).n)",
        cwd=tmp_path,
    )
    assert (code, out.strip()) == (0, "5"), error


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (("pvlib", "run", "digits"), "yaml|torch", "train"),
        (("pvlib", "measure", "f.parquet"), "pandas|pyarrow", "files"),
        (("pvlib", "measure", "f.pt"), "torch", "train"),
        (("python", "-c", "from pvlib import extract"), "torch", "train"),
        (("python", "-c", "import pvlib.experiment.data"), "torch", "train"),
        (("python", "-c", "import pvlib.report.tables"), "pandas", "files"),
    ],
)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(bare, tmp_path, command, package, extra):
    (tmp_path / "f.parquet").write_bytes(b"PAR1" + bytes(64) + b"PAR1")
    with zipfile.ZipFile(tmp_path / "f.pt", "w") as file:
        file.writestr("f/data.pkl", bytes(64))
    code, _, error = call(bare / command[0], *command[1:], cwd=tmp_path)
    assert code == 1
    last = error.strip().splitlines()[-1]
    assert any(name in last for name in package.split("|"))
    assert f"pip install 'pvector-book[{extra}]'" in last
    if command[0] == "pvlib":
        assert len(error.splitlines()) == 1
