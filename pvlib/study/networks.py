"""Trained networks as published: weights with the recipe that made them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ..experiment.data import ImageData
from ..experiment.models import build
from ..experiment.recipe import Recipe
from ..experiment.train import make_transform


@dataclass(frozen=True)
class Network:
    """A published network: the model in evaluation mode, what its input looks like, and the run that made it."""

    model: torch.nn.Module
    transform: Callable[[torch.Tensor], torch.Tensor]
    run: str
    recipe: Recipe


def load_network(path: Path | str, data: ImageData) -> Network:
    """Read `results/STUDY/networks/NAME.safetensors`; `data` is the data set that it was trained on.

    Raises
    ------
    ValueError
        Not such a file, or trained on another data set.
    OSError
        The file is not there or cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(2, "no such network", str(path))
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
        recipe, run = Recipe.from_dict(dict(json.loads(metadata["recipe"]))), metadata["run"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a published network ({error})") from error
    if recipe.dataset != data.name:
        raise ValueError(f"{path} was trained on {recipe.dataset!r}, not on {data.name!r}")
    model = build(recipe.architecture, data.shape, data.num_classes, width=recipe.width, generator_seed=0)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{path} does not hold the weights of its recipe ({' '.join(str(error).split())})") from error
    return Network(model.eval(), make_transform(recipe, data), run, recipe)
