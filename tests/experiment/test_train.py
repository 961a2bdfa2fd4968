"""Training: same seed same bits, interrupted or not; nothing global is touched; failures say where."""

import math

import pytest
import torch

from pvlib.experiment import precision
from pvlib.experiment.data import load
from pvlib.experiment.evaluate import evaluate
from pvlib.experiment.recipe import Recipe
from pvlib.experiment.train import (
    SHARES,
    DivergedError,
    batches,
    learning_rate,
    make_transform,
    share_step,
    snapshot_steps,
    train,
)

DIGITS = load("digits")
CASES = {
    "mlp-adamw": {"architecture": "mlp", "width": 32},
    "lenet-bfloat16-crop": {"architecture": "lenet", "width": 8, "precision": "bfloat16", "augment": "crop_flip"},
    "resnet20-sgd": {"architecture": "resnet20", "width": 4, "optimiser": "sgd"},
    "conv_dae": {"architecture": "conv_dae", "objective": "reconstruction", "width": 8},
    "mlp_vae": {"architecture": "mlp_vae", "objective": "reconstruction", "width": 8},
    "simclr": {"architecture": "simclr_lenet", "objective": "contrastive", "width": 8, "augment": "views_grey"},
}


GOLDEN_LOSSES = [2.269048, 2.092351, 1.872475, 1.707444, 1.698442]
GOLDEN_METRICS = {"train_loss": 1.371311, "test_loss": 1.219483, "weight_norm": 7.267196}


def recipe(**changes):
    fields = {
        "dataset": "digits",
        "architecture": "mlp",
        "objective": "classification",
        "train_size": 200,
        "epochs": 3,
        "batch_size": 64,
        "optimiser": "adamw",
        "lr": 3e-3,
        "weight_decay": 1e-4,
    }
    return Recipe(**{**fields, **changes})


def same(first, second):
    first, second = first.model.state_dict(), second.model.state_dict()
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_run_ends_with_the_bits_of_one_that_was_not(case):
    chosen = recipe(**CASES[case])
    whole = train(chosen, DIGITS)
    kept = []

    def stop_after_two(checkpoint):
        kept.append(checkpoint)
        if len(kept) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(chosen, DIGITS, save=stop_after_two)
    for checkpoint in kept:
        resumed = train(chosen, DIGITS, resume=checkpoint)
        assert same(whole, resumed)
        assert [row["train_loss"] for row in resumed.history] == [row["train_loss"] for row in whole.history]


def test_a_checkpoint_does_not_move_with_the_training_that_made_it():
    kept = []
    train(recipe(), DIGITS, save=lambda c: kept.append((c, {k: v.clone() for k, v in c.tensors.items()})))
    for checkpoint, copies in kept:
        assert all(torch.equal(checkpoint.tensors[name], copies[name]) for name in copies)
        assert all(value.is_contiguous() for value in checkpoint.tensors.values())
        assert len(checkpoint.meta["history"]) == checkpoint.meta["epoch"]


def test_a_run_that_was_complete_is_not_trained_further():
    kept = []
    whole = train(recipe(), DIGITS, save=kept.append)
    steps = []
    again = train(recipe(), DIGITS, resume=kept[-1], observer=lambda step, *_: steps.append(step))
    assert same(whole, again)
    assert steps == []


def test_a_checkpoint_of_another_recipe_is_refused():
    kept = []
    train(recipe(), DIGITS, save=kept.append)
    with pytest.raises(ValueError, match="another recipe"):
        train(recipe(seed=1), DIGITS, resume=kept[0])


def test_equal_seeds_give_equal_bits_and_other_seeds_do_not():
    assert same(train(recipe(), DIGITS), train(recipe(), DIGITS))
    assert not same(train(recipe(), DIGITS), train(recipe(seed=1), DIGITS))


def test_training_neither_uses_nor_disturbs_the_global_generator():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train(recipe(augment="crop_flip"), DIGITS)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert same(first, train(recipe(augment="crop_flip"), DIGITS))


def test_being_observed_changes_nothing_even_by_an_observer_that_leaves_evaluation_mode_on():
    seen = []

    def observer(step, epoch, model, stats):
        seen.append((step, epoch, stats["train_loss"]))
        model.eval()

    chosen = recipe(architecture="resnet20", width=4)
    outcome = train(chosen, DIGITS, observer=observer)
    assert same(outcome, train(chosen, DIGITS))
    assert [step for step, *_ in seen] == snapshot_steps(outcome.total_steps)
    assert seen[0][:2] == (0, 0.0)
    assert math.isnan(seen[0][2])
    assert seen[-1][:2] == (outcome.total_steps, 3.0)
    assert all(math.isfinite(loss) for *_, loss in seen[1:])


@pytest.mark.parametrize("total", [1, 2, 30, 1000, 100_000])
def test_snapshots_hold_both_ends_and_ascend(total):
    steps = snapshot_steps(total)
    assert steps[0] == 0
    assert steps[-1] == total
    assert steps == sorted(set(steps))
    assert len(steps) <= 25 + len(SHARES)
    assert total < 1000 or len(steps) >= 20


def test_networks_trained_for_different_times_are_watched_at_the_same_shares():
    for total in (700, 2345, 11_730):
        watched = snapshot_steps(total)
        for share in SHARES:
            nearest = min(watched, key=lambda step: abs(step - share * total))
            assert abs(nearest - share * total) <= 1  # to the step
            assert share_step(share, total) in watched


def test_a_run_that_diverges_says_where_before_an_observer_sees_it():
    seen = []
    chosen = recipe(optimiser="sgd", lr=1000.0, epochs=20, warmup=0.0)
    with pytest.raises(DivergedError, match="not finite in epoch") as caught:
        train(chosen, DIGITS, observer=lambda step, epoch, model, stats: seen.append(stats["train_loss"]))
    assert 1 <= caught.value.epoch <= 20
    assert math.ceil(caught.value.step / 4) == caught.value.epoch
    assert all(math.isfinite(loss) for loss in seen[1:])


def test_an_epoch_takes_every_sample_once_in_batches_of_equal_size_and_a_new_order():
    first, second = ([*batches(recipe(), epoch, 201, 4, torch.device("cpu"))] for epoch in (0, 1))
    for epoch in (first, second):
        assert torch.cat(epoch).sort().values.tolist() == list(range(201))
        assert {len(batch) for batch in epoch} <= {50, 51}
    assert not torch.equal(torch.cat(first), torch.cat(second))


def test_the_rate_warms_up_then_falls_as_a_cosine():
    rates = [learning_rate(recipe(lr=1.0), step, 100) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[5] == 1.0
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert 0 < rates[-1] < 0.001
    assert learning_rate(recipe(lr=1.0), 0, 1) == 1.0


def test_what_a_network_is_fed_has_mean_0_and_variance_1_or_lies_in_0_1():
    images = DIGITS.train.images
    standardised = make_transform(recipe(), DIGITS)(images)
    assert standardised.mean().item() == pytest.approx(0, abs=1e-4)
    assert standardised.std().item() == pytest.approx(1, abs=1e-3)
    unit = make_transform(recipe(pixels="unit"), DIGITS)(images)
    assert (unit.min().item(), unit.max().item()) == (0, 1)


def test_without_bfloat16_arithmetic_a_run_goes_on_in_float32_and_says_so(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    with pytest.warns(RuntimeWarning, match="no fast bfloat16"), precision.autocast("cpu", "bfloat16"):
        assert not torch.is_autocast_enabled("cpu")


def test_numbers_of_published_runs_come_out_again():
    """Subset, noise, crop, order and initial weights are all in it.

    If this fails because training was changed on purpose, raise NUMERICS_VERSION and set the new numbers.
    """
    chosen = recipe(train_size=1000, label_noise=0.1, augment="crop", epochs=5, width=64)
    outcome = train(chosen, DIGITS)
    metrics = evaluate(outcome.model, chosen, DIGITS)
    assert [row["train_loss"] for row in outcome.history] == pytest.approx(GOLDEN_LOSSES, rel=1e-3)
    assert {key: metrics[key] for key in GOLDEN_METRICS} == pytest.approx(GOLDEN_METRICS, rel=1e-3)
