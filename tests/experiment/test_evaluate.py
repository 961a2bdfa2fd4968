"""Metrics on networks whose answers are known, and on short real runs."""

import pytest
import torch
from torch import nn

from pvlib.experiment.data import ImageData, Split, load
from pvlib.experiment.evaluate import evaluate, probe, score, weight_norm
from pvlib.experiment.models import build
from pvlib.experiment.recipe import Recipe
from pvlib.experiment.train import train
from pvlib.experiment.training_set import training_set

DIGITS = load("digits")


def recipe(architecture="mlp", objective="classification", **changes):
    fields = {"epochs": 8, "batch_size": 64, "optimiser": "adamw", "lr": 3e-3, "weight_decay": 1e-4, "pixels": "unit"}
    return Recipe(dataset="digits", architecture=architecture, objective=objective, **{**fields, **changes})


class Answer(nn.Module):
    """A network with a given function of its input, and features for a probe."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.features = nn.Flatten()
        self.layers = {"penultimate": "features"}

    def forward(self, x):
        return self.function(self.features(x))


def test_a_classifier_that_always_says_three_is_right_on_the_threes():
    logits = torch.eye(10)[3] * 20
    metrics = evaluate(Answer(lambda x: logits.expand(len(x), 10)), recipe(), DIGITS)
    for split, part in (("train", DIGITS.train), ("test", DIGITS.test)):
        share = (part.labels == 3).float().mean().item()
        assert metrics[f"{split}_accuracy"] == pytest.approx(share, abs=1e-6)
        assert metrics[f"{split}_loss"] == pytest.approx(20 * (1 - share), rel=1e-4)


def test_training_samples_count_with_the_labels_they_were_trained_on():
    chosen = recipe(labels="random", train_size=300)
    labels = training_set(chosen, DIGITS).labels
    answers = torch.cat([labels, torch.zeros(360, dtype=torch.int64)])
    place = iter(answers.split([300, 360]))
    metrics = evaluate(Answer(lambda x: torch.eye(10)[next(place)]), chosen, DIGITS)
    assert metrics["train_accuracy"] == 1
    assert score(metrics, chosen) == ("train_accuracy", 1.0)
    assert metrics["test_accuracy"] == pytest.approx((DIGITS.test.labels == 0).float().mean().item())


def test_explained_variance_is_one_for_a_copy_and_zero_for_the_mean_image():
    chosen = recipe("mlp_ae", "reconstruction")
    copy = evaluate(Answer(lambda x: x), chosen, DIGITS)
    assert copy["train_explained_variance"] == pytest.approx(1)
    assert copy["test_loss"] == pytest.approx(0, abs=1e-12)
    mean = DIGITS.train.images.flatten(1).double().mean(0) / 255
    constant = evaluate(Answer(lambda x: mean.float().expand(len(x), 64)), chosen, DIGITS)
    assert constant["train_explained_variance"] == pytest.approx(0, abs=1e-6)
    assert constant["test_explained_variance"] == pytest.approx(0, abs=1e-6)
    assert score(copy, chosen)[0] == "test_explained_variance"


def test_a_probe_finds_the_classes_in_raw_pixels_and_nothing_in_noise():
    chosen = recipe("mlp_ae", "reconstruction")
    assert probe(Answer(lambda x: x), chosen, DIGITS) > 0.94
    shuffled = ImageData.from_splits(
        "shuffled",
        Split(DIGITS.train.images, DIGITS.train.labels[torch.randperm(1437, generator=torch.Generator())]),
        DIGITS.test,
        DIGITS.class_names,
    )
    assert probe(Answer(lambda x: x), chosen, shuffled) < 0.25


def test_a_probe_standardises_so_that_the_scale_of_features_does_not_matter():
    chosen = recipe("mlp_ae", "reconstruction")
    small = Answer(lambda x: x)
    small.features = nn.Sequential(nn.Flatten(), Scale(1e-4))
    assert probe(small, chosen, DIGITS) == pytest.approx(probe(Answer(lambda x: x), chosen, DIGITS), abs=0.006)


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


@pytest.mark.parametrize(
    ("chosen", "name", "floor"),
    [
        (recipe("mlp", width=64), "test_accuracy", 0.93),
        (recipe("mlp_ae", "reconstruction", width=32, epochs=15), "test_explained_variance", 0.5),
        (recipe("simclr_lenet", "contrastive", width=16, augment="views_grey"), "probe_accuracy", 0.8),
    ],
    ids=["classification", "reconstruction", "contrastive"],
)
def test_a_short_training_scores_well_and_twice_the_same(chosen, name, floor):
    model = train(chosen, DIGITS).model
    before = torch.get_rng_state()
    metrics = evaluate(model, chosen, DIGITS)
    assert metrics == evaluate(model, chosen, DIGITS)
    assert torch.equal(torch.get_rng_state(), before)
    assert score(metrics, chosen) == (name, metrics[name])
    assert metrics[name] > floor


def test_evaluation_leaves_weights_and_statistics_alone():
    chosen = recipe("resnet20")
    model = build("resnet20", DIGITS.shape, 10, width=4, generator_seed=0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    evaluate(model, chosen, DIGITS)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_the_weight_norm_counts_matrices_and_kernels_only():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].weight.data = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    model[0].bias.data.fill_(100.0)
    assert weight_norm(model) == pytest.approx(5)
