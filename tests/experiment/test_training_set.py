"""What a recipe trains on: subsets, noisy labels, random labels."""

import pytest
import torch

from pvlib.experiment.data import load
from pvlib.experiment.recipe import Recipe
from pvlib.experiment.training_set import generator, noisy_labels, stratified_subset, training_set

DIGITS = load("digits")


def recipe(**changes):
    return Recipe(
        dataset="digits",
        architecture="mlp",
        objective="classification",
        epochs=1,
        batch_size=64,
        optimiser="sgd",
        lr=0.1,
        weight_decay=0.0,
        **changes,
    )


def test_without_a_word_the_training_split_is_taken_as_it_is():
    assert training_set(recipe(), DIGITS) is DIGITS.train


def test_a_subset_keeps_the_shares_of_unequal_classes():
    labels = torch.tensor([0] * 600 + [1] * 300 + [2] * 100)
    chosen = stratified_subset(labels, 100, generator(0))
    assert torch.bincount(labels[chosen]).tolist() == [60, 30, 10]
    assert len(chosen.unique()) == 100


def test_a_subset_is_a_random_one():
    labels = torch.zeros(1000, dtype=torch.int64)
    first, second = (stratified_subset(labels, 100, generator(s)) for s in (0, 1))
    assert len(set(first.tolist()) & set(second.tolist())) < 40
    assert (first > 500).sum() > 25


def test_a_class_that_is_absent_does_no_harm():
    labels = torch.tensor([0, 0, 2, 2])
    assert labels[stratified_subset(labels, 2, generator(0))].tolist() == [0, 2]


def test_more_samples_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="only 1437"):
        training_set(recipe(train_size=5000), DIGITS)


def test_noise_changes_exactly_its_share_of_labels_to_another_class():
    labels = torch.randint(10, (1000,), generator=generator(1))
    noisy = noisy_labels(labels, 0.2, 10, generator(0))
    assert (noisy != labels).sum() == 200
    assert set(noisy.tolist()) == set(range(10))


def test_random_labels_know_nothing_of_the_image():
    random = training_set(recipe(labels="random"), DIGITS)
    agreement = (random.labels == DIGITS.train.labels).float().mean().item()
    assert 0.06 < agreement < 0.14
    assert random.images is DIGITS.train.images


def test_noise_leaves_the_data_set_s_own_labels_alone():
    before = DIGITS.train.labels.clone()
    training_set(recipe(label_noise=0.5), DIGITS)
    assert torch.equal(DIGITS.train.labels, before)


@pytest.mark.parametrize(("draw", "equal"), [("shared", True), ("seed", False)])
def test_seeds_share_a_draw_only_where_the_recipe_says_so(draw, equal):
    first, second = (training_set(recipe(labels="random", train_size=500, draw=draw, seed=s), DIGITS) for s in (0, 1))
    assert torch.equal(first.labels, second.labels) is equal
    assert torch.equal(first.images, second.images) is equal
