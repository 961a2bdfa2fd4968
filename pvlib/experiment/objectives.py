"""What is minimised: a loss per objective, from raw uint8 images to a scalar.

Each takes the network, a batch of images (B, C, H, W) uint8 with labels, the recipe, the transform that makes the
network's input of pixels, and the generator of everything random.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from . import augment
from .models.autoencoder import Variational
from .recipe import Recipe


def classification(
    model: nn.Module, images: Tensor, labels: Tensor, *, recipe: Recipe, transform, generator: Generator
) -> Tensor:
    """Mean cross-entropy."""
    return F.cross_entropy(model(transform(augmented(images, recipe.augment, generator))).float(), labels)


def reconstruction(
    model: nn.Module, images: Tensor, labels: Tensor, *, recipe: Recipe, transform, generator: Generator
) -> Tensor:
    """Mean squared error per pixel against the pixels in [0, 1], whatever the network is fed.

    A denoising autoencoder is fed those pixels plus Gaussian noise; a variational one is charged for its code too.
    """
    pixels = augment.to_unit(augmented(images, recipe.augment, generator))
    noise = float(model.noise)  # type: ignore[arg-type]  # a number of the registry
    shown = pixels + noise * _normal(pixels.shape, generator, pixels.device) if noise else pixels
    if isinstance(model, Variational):
        return variational(model, transform(shown), pixels.flatten(1), generator)
    return F.mse_loss(model(transform(shown)).float(), pixels.flatten(1))


def variational(model: Variational, inputs: Tensor, target: Tensor, generator: Generator) -> Tensor:
    """Squared error of a sampled reconstruction plus divergence of the posterior from N(0, 1), per pixel.

    The negative evidence bound of Kingma and Welling (2014) for pixels with noise of variance 1/2.
    """
    mean, log_variance = (part.float() for part in model.posterior(inputs))
    latent = mean + (log_variance / 2).exp() * _normal(mean.shape, generator, mean.device)
    squared = (model.decode(latent).float() - target).square().sum(1)
    divergence = (log_variance.exp() + mean.square() - 1 - log_variance).sum(1) / 2
    return (squared + divergence).mean() / target.shape[1]


def contrastive(
    model: nn.Module, images: Tensor, labels: Tensor | None, *, recipe: Recipe, transform, generator: Generator
) -> Tensor:
    """NT-Xent between two views of each image; labels are not used."""
    view = augment.views_grey if recipe.augment == "views_grey" else augment.views
    both = torch.cat([view(images, generator), view(images, generator)])
    return nt_xent(model(transform(both)), recipe.temperature)


def nt_xent(projections: Tensor, temperature: float) -> Tensor:
    """Normalised-temperature cross-entropy (Chen et al. 2020) of (2 B, d): row i and row i + B are views of one image.

    Every row has to pick its partner out of the 2 B - 1 other rows by cosine.
    """
    with torch.autocast(projections.device.type, enabled=False):
        unit = F.normalize(projections.float(), dim=1)
        similarity = (unit @ unit.T) / temperature
    similarity.fill_diagonal_(-torch.inf)
    rows = len(projections)
    partner = torch.arange(rows, device=projections.device).roll(rows // 2)
    return F.cross_entropy(similarity, partner)


OBJECTIVES = {"classification": classification, "reconstruction": reconstruction, "contrastive": contrastive}


def augmented(images: Tensor, name: str, generator: Generator) -> Tensor:
    """Crop (padded by an eighth of the side: 4 of 32, 3 of 28) and flip, as the recipe names them."""
    if name in ("crop", "crop_flip"):
        return augment.crop(images, images.shape[3] // 8, generator, flip=name == "crop_flip")
    return images


def _normal(shape, generator: Generator, device: torch.device) -> Tensor:
    """Standard normal numbers; on a GPU drawn there, since as many as pixels are slow to draw here and to carry over."""
    if device.type == "cuda":
        seed = int(torch.randint(2**62, (), generator=generator))
        generator = torch.Generator(device).manual_seed(seed)
    return augment.to_device(torch.randn(shape, generator=generator, device=generator.device), device)
