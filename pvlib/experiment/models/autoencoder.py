"""Autoencoders: latent without a ReLU, reconstruction in [0, 1], flat. Denoising ones are the same networks.

The width is that of the latent. A latent without ReLU has no `penultimate_pre`.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

CHANNELS = (32, 64)


class Autoencoder(nn.Module):
    """Encoder, linear latent, decoder with a sigmoid. The output has shape (N, C*H*W), so no position is averaged."""

    def __init__(self, encoder: nn.Module, features: int, width: int, decoder: nn.Module, earlier: str):
        super().__init__()
        self.encoder = encoder
        self.latent = nn.Linear(features, width)
        self.decoder = decoder
        self.output = nn.Sigmoid()
        self.layers = {"earlier": f"encoder.{earlier}", "penultimate": "latent", "output": "output"}

    def decode(self, latent: Tensor) -> Tensor:
        return self.output(self.decoder(latent))

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.latent(self.encoder(x)))


class Variational(Autoencoder):
    """A variational autoencoder (Kingma and Welling 2014): the latent mean is what is decoded and measured."""

    def __init__(self, encoder: nn.Module, features: int, width: int, decoder: nn.Module, earlier: str):
        super().__init__(encoder, features, width, decoder, earlier)
        self.log_variance = nn.Linear(features, width)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latent, (N, width) each."""
        features = self.encoder(x)
        return self.latent(features), self.log_variance(features)


def _mlp_parts(shape, width: int) -> dict:
    """C*H*W -> 4 width -> 2 width -> latent, and back."""
    pixels = math.prod(shape)
    encoder = nn.Sequential()
    encoder.add_module("flatten", nn.Flatten())
    encoder.add_module("hidden1", nn.Linear(pixels, 4 * width))
    encoder.add_module("relu1", nn.ReLU())
    encoder.add_module("hidden2", nn.Linear(4 * width, 2 * width))
    encoder.add_module("relu2", nn.ReLU())
    decoder = nn.Sequential(
        nn.Linear(width, 2 * width),
        nn.ReLU(),
        nn.Linear(2 * width, 4 * width),
        nn.ReLU(),
        nn.Linear(4 * width, pixels),
    )
    return {"encoder": encoder, "features": 2 * width, "width": width, "decoder": decoder, "earlier": "relu2"}


def _conv_parts(shape, width: int) -> dict:
    """Two convolutions that halve the image, 32 and 64 channels, then the latent; and back."""
    channels, height, breadth = shape
    if height % 4 or breadth % 4:
        raise ValueError(f"a convolutional autoencoder needs sides that 4 divides, not {height}x{breadth}")
    first, second = CHANNELS
    small = (second, height // 4, breadth // 4)
    encoder = nn.Sequential()
    encoder.add_module("conv1", nn.Conv2d(channels, first, 3, stride=2, padding=1))
    encoder.add_module("relu1", nn.ReLU())
    encoder.add_module("conv2", nn.Conv2d(first, second, 3, stride=2, padding=1))
    encoder.add_module("relu2", nn.ReLU())
    encoder.add_module("flatten", nn.Flatten())
    decoder = nn.Sequential(
        nn.Linear(width, math.prod(small)),
        nn.ReLU(),
        nn.Unflatten(1, small),
        nn.ConvTranspose2d(second, first, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(first, channels, 4, stride=2, padding=1),
        nn.Flatten(),
    )
    return {"encoder": encoder, "features": math.prod(small), "width": width, "decoder": decoder, "earlier": "relu2"}


class MLPAutoencoder(Autoencoder):
    def __init__(self, shape, head, width: int):
        super().__init__(**_mlp_parts(shape, width))


class ConvAutoencoder(Autoencoder):
    def __init__(self, shape, head, width: int):
        super().__init__(**_conv_parts(shape, width))


class MLPVariational(Variational):
    def __init__(self, shape, head, width: int):
        super().__init__(**_mlp_parts(shape, width))


class ConvVariational(Variational):
    def __init__(self, shape, head, width: int):
        super().__init__(**_conv_parts(shape, width))
