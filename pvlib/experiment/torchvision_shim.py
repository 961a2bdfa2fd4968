"""The one place that imports torchvision: lazily, and beside a torch built for another device too."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

_MISSING = "operator torchvision::nms does not exist"
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: list[torch.library.Library] = []  # a declaration lives as long as its library object


def import_torchvision() -> ModuleType:
    """torchvision, with `datasets`, `models` and `transforms.v2` usable.

    A torchvision whose compiled part does not fit torch (a CUDA build beside a CPU torch) stops at import with
    "operator torchvision::nms does not exist". Only then, the schemas of the missing operators are declared: all
    of torchvision that is written in Python works, and its compiled operators still fail when they are called.
    """
    try:
        torchvision = importlib.import_module("torchvision")
    except ImportError as error:
        raise ImportError("torchvision is needed for this: pip install torchvision") from error
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise
        _forget_half_imported()
        if not _library:
            library = torch.library.Library("torchvision", "FRAGMENT")
            for schema in _SCHEMAS:
                library.define(schema)
            _library.append(library)
        torchvision = importlib.import_module("torchvision")
    for name in ("datasets", "models", "transforms.v2"):
        importlib.import_module(f"torchvision.{name}")
    return torchvision


def _forget_half_imported() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
