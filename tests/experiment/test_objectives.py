"""Losses against their definitions, written out slowly."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pvlib.experiment.models import build
from pvlib.experiment.objectives import OBJECTIVES, augmented, nt_xent, variational
from pvlib.experiment.recipe import Recipe


def recipe(architecture, objective, augment="none", **changes):
    return Recipe(
        dataset="digits",
        architecture=architecture,
        objective=objective,
        augment=augment,
        epochs=1,
        batch_size=8,
        optimiser="sgd",
        lr=0.1,
        weight_decay=0.0,
        **changes,
    )


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=6, channels=1):
    return torch.randint(0, 256, (count, channels, 8, 8), dtype=torch.uint8, generator=seeded())


def standardise(x):
    return ((x.float() / 255 if x.dtype == torch.uint8 else x) - 0.4) / 0.3


def loss(chosen, model, batch=None, labels=None, seed=0):
    batch = images() if batch is None else batch
    labels = torch.arange(len(batch)) if labels is None else labels
    return OBJECTIVES[chosen.objective](
        model, batch, labels, recipe=chosen, transform=standardise, generator=seeded(seed)
    )


class Fixed(nn.Module):
    """Answers with what it is given at the start, and remembers what it was fed."""

    def __init__(self, answer, noise=0.0):
        super().__init__()
        self.answer, self.noise = answer, noise

    def forward(self, x):
        self.fed = x
        return self.answer


def test_classification_is_the_mean_cross_entropy():
    model = build("mlp", (1, 8, 8), 10, generator_seed=0)
    expected = F.cross_entropy(model(standardise(images())), torch.arange(6))
    torch.testing.assert_close(loss(recipe("mlp", "classification"), model), expected)


def test_the_target_of_a_reconstruction_is_pixels_in_0_1_whatever_the_network_is_fed():
    pixels = images().flatten(1) / 255
    model = Fixed(pixels)
    assert loss(recipe("mlp_ae", "reconstruction"), model).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(model.fed, standardise(images()))
    assert loss(recipe("mlp_ae", "reconstruction"), Fixed(pixels + 0.5)).item() == pytest.approx(0.25)


def test_denoising_adds_noise_to_the_input_and_not_to_the_target():
    pixels = images(600).flatten(1) / 255
    model = Fixed(pixels, noise=0.2)
    assert loss(recipe("mlp_dae", "reconstruction"), model, images(600)).item() == pytest.approx(0, abs=1e-12)
    assert ((model.fed - standardise(images(600))) * 0.3).std().item() == pytest.approx(0.2, rel=0.02)


def test_a_variational_code_equal_to_the_prior_costs_nothing():
    model = build("mlp_vae", (1, 8, 8), 10, width=4, generator_seed=0)
    for layer in (model.latent, model.log_variance):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    target = torch.rand(5, 64, generator=seeded(1))
    found = variational(model, torch.rand(5, 1, 8, 8), target, seeded())
    sampled = model.decode(torch.randn(5, 4, generator=seeded()))
    torch.testing.assert_close(found, F.mse_loss(sampled, target))
    nn.init.constant_(model.latent.bias, 2.0)
    moved = variational(model, torch.rand(5, 1, 8, 8), target, seeded())
    sampled = model.decode(torch.randn(5, 4, generator=seeded()) + 2)
    torch.testing.assert_close(moved, F.mse_loss(sampled, target) + 4 * 2**2 / 2 / 64)


def test_nt_xent_is_its_definition():
    z = torch.randn(6, 4, generator=seeded(), dtype=torch.float64)
    total = 0.0
    for i in range(6):
        partner = (i + 3) % 6
        cos = [F.cosine_similarity(z[i], z[j], dim=0).item() for j in range(6)]
        total -= math.log(math.exp(cos[partner] / 0.5) / sum(math.exp(cos[j] / 0.5) for j in range(6) if j != i))
    assert nt_xent(z, 0.5).item() == pytest.approx(total / 6, rel=1e-5)


def test_nt_xent_ignores_the_length_of_a_projection():
    z = torch.randn(6, 4, generator=seeded())
    torch.testing.assert_close(nt_xent(z, 0.5), nt_xent(z * torch.arange(1, 7)[:, None], 0.5))


def test_nt_xent_under_autocast_keeps_float32_similarities():
    z = torch.randn(64, 16, generator=seeded())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = nt_xent(z, 0.1)
    assert torch.equal(found, nt_xent(z, 0.1))


@pytest.mark.parametrize(("augment", "channels"), [("views_grey", 1), ("views", 3)])
def test_contrastive_networks_see_two_different_views_in_one_batch(augment, channels):
    model = Fixed(torch.randn(12, 4, generator=seeded()))
    loss(recipe("simclr_lenet", "contrastive", augment), model, images(channels=channels))
    first, second = model.fed.split(6)
    assert first.shape == (6, channels, 8, 8)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", ["crop", "crop_flip"])
def test_augmentation_follows_the_generator_and_leaves_the_data_alone(name):
    batch = images(32)
    kept = batch.clone()
    first, again, other = (augmented(batch, name, seeded(s)) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(batch, kept)


def test_no_loss_uses_the_global_generator():
    chosen = (
        recipe("mlp", "classification", "crop_flip"),
        recipe("mlp_dae", "reconstruction"),
        recipe("mlp_vae", "reconstruction"),
        recipe("simclr_lenet", "contrastive", "views_grey"),
    )
    before = torch.get_rng_state()
    for one in chosen:
        model = build(one.architecture, (1, 8, 8), 10, generator_seed=0)
        assert loss(one, model).isfinite()
    assert torch.equal(torch.get_rng_state(), before)
