"""Recipes: every mistake is named, and every random stream is its own."""

import pytest

from pvlib.experiment.recipe import Recipe

FIELDS = {
    "dataset": "digits",
    "architecture": "mlp",
    "objective": "classification",
    "epochs": 2,
    "batch_size": 64,
    "optimiser": "adamw",
    "lr": 1e-3,
    "weight_decay": 0.0,
}

GOLDEN_STREAM = 8150889993513927658


def recipe(**changes):
    return Recipe.from_dict({**FIELDS, **changes})


def test_a_recipe_survives_its_dictionary():
    first = recipe(train_size=100, label_noise=0.2, seed=3)
    assert Recipe.from_dict(first.to_dict()) == first


def test_a_misspelt_key_is_named_with_the_right_one():
    with pytest.raises(ValueError, match=r"'optimizer'.*did you mean optimiser"):
        recipe(optimizer="sgd")


def test_missing_keys_are_all_named():
    with pytest.raises(ValueError, match="lacks objective, epochs"):
        Recipe.from_dict({k: v for k, v in FIELDS.items() if k not in ("objective", "epochs")})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "resnet"}, "did you mean resnet"),
        ({"augment": "cropflip"}, "did you mean crop_flip"),
        ({"precision": "float16"}, "did you mean"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"epochs": 2.0}, "epochs must be a whole number"),
        ({"batch_size": 1}, "batch_size must be"),
        ({"seed": -1}, "seed must be"),
        ({"train_size": 0}, "train_size must be"),
        ({"width": True}, "width must be"),
        ({"lr": "1e-3"}, "lr must be a number"),
        ({"lr": 0.0}, "lr must be a number from"),
        ({"lr": float("nan")}, "lr must be a number from"),
        ({"label_noise": 1.5}, "label_noise must be a number from 0 to 1"),
        ({"objective": "reconstruction"}, "'mlp' is made for classification"),
        ({"augment": "views"}, "only it does"),
        ({"architecture": "simclr_lenet", "objective": "contrastive"}, "needs one of views"),
        ({"architecture": "mlp_ae", "objective": "reconstruction", "labels": "random"}, "mean nothing"),
        ({"labels": "random", "label_noise": 0.1}, "leave one of them out"),
    ],
)
def test_a_bad_value_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        recipe(**changes)


def test_a_whole_number_and_its_float_are_one_recipe_and_not_two_runs():
    assert recipe(lr=1).to_dict() == recipe(lr=1.0).to_dict()
    assert recipe(lr=1).stream("init") == recipe(lr=1.0).stream("init")


def test_no_two_streams_are_shared():
    streams = [
        r.stream(name, *extra)
        for r in (recipe(), recipe(seed=1), recipe(lr=2e-3), recipe(width=64))
        for name, extra in (("init", ()), ("order", (0,)), ("order", (1,)), ("augment", (0,)), ("labels", ()))
    ]
    assert len(set(streams)) == len(streams)
    assert all(0 <= s < 2**63 for s in streams)


def test_streams_stay_what_they_were_when_runs_were_published():
    assert recipe().stream("init") == GOLDEN_STREAM


def test_a_shared_draw_is_the_same_for_all_seeds_and_architectures():
    shared = {"labels": "random", "draw": "shared", "train_size": 500}
    seeds = [recipe(**shared, seed=s).draw_stream("labels") for s in (0, 1)]
    other = recipe(**shared, architecture="lenet", lr=1e-2).draw_stream("labels")
    assert seeds[0] == seeds[1] == other
    assert recipe(**{**shared, "train_size": 400}).draw_stream("labels") != other


def test_an_own_draw_differs_between_seeds():
    assert recipe(seed=0).draw_stream("subset") != recipe(seed=1).draw_stream("subset")
