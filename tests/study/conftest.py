"""A study small enough for tests: two cells, two seeds, a few epochs on the embedded digits."""

import pytest
import yaml

RECIPE = {"dataset": "digits", "epochs": 3, "batch_size": 128, "optimiser": "adamw", "lr": 2e-3, "weight_decay": 0.0,
          "augment": "none"}  # fmt: skip
TINY = {
    "study": "tiny",
    "defaults": RECIPE,
    "cells": [
        {"name": "digits/mlp", "label": "MLP", "role": "primary", "seeds": 2,
         "recipe": {"architecture": "mlp", "objective": "classification", "width": 32}},
        {"name": "digits/mlp_ae", "label": "MLP autoencoder", "role": "primary", "seeds": 2,
         "recipe": {"architecture": "mlp_ae", "objective": "reconstruction", "width": 8}},
        {"name": "digits/pool-mlp", "label": "MLP, pool", "role": "pool", "seeds": 1, "grid": {"lr": [1e-3, 4e-3]},
         "recipe": {"architecture": "mlp", "objective": "classification", "width": 16, "train_size": 200}},
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "tiny.yml"
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture(scope="session")
def trained(tiny_file, tmp_path_factory):
    """The tiny study and a store in which all of it is trained."""
    from pvlib.study.config import load_study
    from pvlib.study.runner import run_study
    from pvlib.study.store import Store

    study, store = load_study(tiny_file), Store(tmp_path_factory.mktemp("store"))
    assert run_study(study, store) == {"done": len(study.runs)}
    return study, store
