"""Twins: a network with one layer more, between its penultimate features and its head, that takes their mean away.

What a P-vector owes to the mean of the features is then seen by intervention: everything else is the same.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class SubtractMean(nn.BatchNorm1d):
    """x - mean over the batch in training, x - running mean in evaluation; nothing is scaled or learned.

    A BatchNorm by its class, so that its running mean is kept, calibrated and stored like any other.
    """

    def __init__(self, features: int):
        super().__init__(features, affine=False)

    running_mean: Tensor
    num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x - self.running_mean
        mean = x.mean(0)
        with torch.no_grad():
            self.num_batches_tracked += 1
            weight = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), torch.as_tensor(weight, dtype=torch.float32))
        return x - mean


def standardise(features: int) -> nn.Module:
    """BatchNorm without scale and shift: the mean is taken away and every feature gets unit variance."""
    return nn.BatchNorm1d(features, affine=False)


def with_layer(make: Callable[..., nn.Module], layer: Callable[[int], nn.Module]) -> Callable[..., nn.Module]:
    """`make` with `layer` in front of its head; the layer's output is what the twin calls penultimate."""

    def twin(shape, head, width: int) -> nn.Module:
        model = make(shape, lambda features: nn.Sequential(layer(features), head(features)), width)
        model.layers = {**model.layers, "penultimate": "head.0"}  # type: ignore[dict-item, assignment]  # of the registry
        return model

    return twin
