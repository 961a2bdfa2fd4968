"""A published network must come back as it was, and nothing else may pass for one."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import save_file

from pvlib.experiment.data import load
from pvlib.experiment.models import build
from pvlib.experiment.recipe import Recipe
from pvlib.study.networks import load_network

RECIPE = Recipe(dataset="digits", architecture="resnet20", objective="classification", epochs=1, batch_size=64,
                optimiser="sgd", lr=1e-3, weight_decay=0.0)  # fmt: skip


def published(path, recipe=RECIPE):
    data = load("digits")
    model = build(recipe.architecture, data.shape, data.num_classes, generator_seed=7)
    note = {"run": "0123456789ab", "recipe": json.dumps(recipe.to_dict())}
    save_file(model.state_dict(), path, note)
    return data, model.eval()


def test_a_network_read_back_gives_the_same_outputs(tmp_path):
    data, model = published(tmp_path / "n.safetensors")
    network = load_network(tmp_path / "n.safetensors", data)
    batch = network.transform(data.test.images[:8])
    with torch.inference_mode():
        assert torch.equal(network.model(batch), model(batch))
    assert network.run == "0123456789ab" and not network.model.training


def test_a_network_of_another_data_set_is_refused(tmp_path):
    data, _ = published(tmp_path / "n.safetensors")
    data = dataclasses.replace(data, name="mnist")
    with pytest.raises(ValueError, match="trained on 'digits', not on 'mnist'"):
        load_network(tmp_path / "n.safetensors", data)


def test_a_file_without_a_recipe_is_named(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors is not a published network"):
        load_network(tmp_path / "other.safetensors", load("digits"))


@pytest.mark.parametrize("recipe", ["3", "[1]", "{", '{"dataset": "digits"}', '"x"', "null"])
def test_a_recipe_that_is_none_is_refused_in_one_line_that_names_the_file(tmp_path, recipe):
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors", {"run": "x", "recipe": recipe})
    with pytest.raises(ValueError, match=r"other\.safetensors is not a published network") as refused:
        load_network(tmp_path / "other.safetensors", load("digits"))
    assert "\n" not in str(refused.value)


def test_weights_of_another_network_are_refused_in_one_line_that_names_the_file(tmp_path):
    note = {"run": "x", "recipe": json.dumps(RECIPE.to_dict())}
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors", note)
    with pytest.raises(ValueError, match=r"other\.safetensors does not hold the weights") as refused:
        load_network(tmp_path / "other.safetensors", load("digits"))
    assert "\n" not in str(refused.value)


def test_a_missing_network_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such network"):
        load_network(tmp_path / "none.safetensors", load("digits"))
