"""Networks by name: one line each. A new architecture is a class and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from ...nearest import nearest
from .autoencoder import ConvAutoencoder, ConvVariational, MLPAutoencoder, MLPVariational
from .lenet import LeNet
from .mlp import MLP
from .resnet import resnet18, resnet20, resnet56
from .simclr import projection_head
from .twins import SubtractMean, standardise, with_layer
from .vgg import VGG16

# Standard deviation of the noise that a denoising autoencoder is fed, in pixels of [0, 1].
DENOISING_NOISE = 0.2


@dataclass(frozen=True)
class Architecture:
    """How a network is made: `make(shape, head_or_None, width)`, for which objective, and its default width.

    `noise` is the standard deviation of what is added to the input in training.
    """

    make: Callable[..., nn.Module]
    objective: str
    width: int
    noise: float = 0.0


ARCHITECTURES = {
    "mlp": Architecture(MLP, "classification", 512),
    "lenet": Architecture(LeNet, "classification", 32),
    "resnet20": Architecture(resnet20, "classification", 16),
    "resnet56": Architecture(resnet56, "classification", 16),
    "resnet18": Architecture(resnet18, "classification", 64),
    "vgg16_bn": Architecture(VGG16, "classification", 64),
    "mlp_centred": Architecture(with_layer(MLP, SubtractMean), "classification", 512),
    "mlp_standardised": Architecture(with_layer(MLP, standardise), "classification", 512),
    "lenet_centred": Architecture(with_layer(LeNet, SubtractMean), "classification", 32),
    "lenet_standardised": Architecture(with_layer(LeNet, standardise), "classification", 32),
    "resnet20_centred": Architecture(with_layer(resnet20, SubtractMean), "classification", 16),
    "resnet20_standardised": Architecture(with_layer(resnet20, standardise), "classification", 16),
    "mlp_ae": Architecture(MLPAutoencoder, "reconstruction", 64),
    "conv_ae": Architecture(ConvAutoencoder, "reconstruction", 64),
    "mlp_dae": Architecture(MLPAutoencoder, "reconstruction", 64, DENOISING_NOISE),
    "conv_dae": Architecture(ConvAutoencoder, "reconstruction", 64, DENOISING_NOISE),
    "mlp_vae": Architecture(MLPVariational, "reconstruction", 64),
    "conv_vae": Architecture(ConvVariational, "reconstruction", 64),
    "simclr_lenet": Architecture(LeNet, "contrastive", 32),
    "simclr_resnet20": Architecture(resnet20, "contrastive", 16),
    "simclr_resnet18": Architecture(resnet18, "contrastive", 64),
}


def build(
    name: str, input_shape: tuple[int, int, int], num_classes: int, *, width: int | None = None, generator_seed: int
) -> nn.Module:
    """A freshly initialised network on the CPU, in training mode.

    Parameters
    ----------
    name : a key of `ARCHITECTURES`.
    input_shape : (C, H, W) of an image.
    num_classes : number of logits; autoencoders and contrastive networks have none.
    width : main width of the architecture (None: its default; `Architecture.width`).
    generator_seed : initial weights follow from it alone; torch's global generator is left as it was.

    Returns
    -------
    nn.Module
        With `.layers` (layer of the protocol -> path of the module; only layers that it has) and `.noise`
        (standard deviation of what training adds to the input).

    Raises
    ------
    ValueError
        Unknown name, or an input that the architecture cannot take.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {name!r}: {nearest(name, ARCHITECTURES)}")
    entry = ARCHITECTURES[name]
    heads = {
        "classification": lambda features: nn.Linear(features, num_classes),
        "contrastive": projection_head,
        "reconstruction": None,
    }
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(generator_seed)  # torch.manual_seed would reseed GPUs too
        model = entry.make(tuple(input_shape), heads[entry.objective], width or entry.width)
    model.noise = entry.noise  # type: ignore[assignment]
    return model
