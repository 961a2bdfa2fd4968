"""torchvision: imported late, and made usable beside a torch of another build without hiding other errors."""

import subprocess
import sys

import pytest

from pvlib.experiment import torchvision_shim


def test_importing_our_packages_does_not_import_torchvision():
    code = (
        "import sys, pvlib.experiment.data, pvlib.experiment.augment, pvlib.experiment.features;"
        "sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_datasets_models_and_transforms_work():
    torchvision = torchvision_shim.import_torchvision()
    assert torchvision_shim.import_torchvision() is torchvision
    assert torchvision.datasets.MNIST and torchvision.transforms.v2.RandomCrop
    assert torchvision.models.resnet18(weights=None).fc.out_features == 1000


def test_other_errors_are_not_swallowed(monkeypatch):
    def fail(name):
        raise RuntimeError("something else")

    monkeypatch.setattr(torchvision_shim.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_shim.import_torchvision()


def test_absent_torchvision_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match="pip install torchvision"):
        torchvision_shim.import_torchvision()
