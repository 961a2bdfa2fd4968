"""Multilayer perceptron: two hidden layers."""

from __future__ import annotations

import math

from torch import Tensor, nn


class MLP(nn.Module):
    """C*H*W -> width -> width / 2 -> head, with ReLUs: 784-512-256-10 on MNIST by default."""

    layers = {"earlier": "relu1", "penultimate_pre": "hidden2", "penultimate": "relu2", "output": "head"}  # noqa: RUF012

    def __init__(self, shape, head, width: int):
        super().__init__()
        self.flatten = nn.Flatten()
        self.hidden1 = nn.Linear(math.prod(shape), width)
        self.relu1 = nn.ReLU()
        self.hidden2 = nn.Linear(width, width // 2)
        self.relu2 = nn.ReLU()
        self.head = head(width // 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.hidden1(self.flatten(x)))
        return self.head(self.relu2(self.hidden2(x)))
