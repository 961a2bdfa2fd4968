"""A small convolutional network in the manner of LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from torch import Tensor, nn


class LeNet(nn.Module):
    """Two 5x5 convolutions with pooling, two hidden layers, head.

    Ours, after LeNet-5: ReLU and max-pooling instead of tanh and mean-pooling, padded convolutions (so that 8x8 images
    fit), and channels w, 2w, hidden layers 8w, 4w: 32, 64, 256, 128 by default, instead of 6, 16, 120, 84.
    Pooling comes before the ReLU: the same function, at a quarter of the ReLU's work. `earlier` is the end of the
    convolutional stage.
    """

    layers = {"earlier": "relu2", "penultimate_pre": "hidden2", "penultimate": "relu4", "output": "head"}  # noqa: RUF012

    def __init__(self, shape, head, width: int):
        super().__init__()
        channels, height, breadth = shape
        self.conv1 = nn.Conv2d(channels, width, 5, padding=2)
        self.pool1 = nn.MaxPool2d(2)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, 2 * width, 5, padding=2)
        self.pool2 = nn.MaxPool2d(2)
        self.relu2 = nn.ReLU()
        self.flatten = nn.Flatten()
        self.hidden1 = nn.Linear(2 * width * (height // 4) * (breadth // 4), 8 * width)
        self.relu3 = nn.ReLU()
        self.hidden2 = nn.Linear(8 * width, 4 * width)
        self.relu4 = nn.ReLU()
        self.head = head(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.pool1(self.conv1(x)))
        x = self.relu2(self.pool2(self.conv2(x)))
        x = self.relu3(self.hidden1(self.flatten(x)))
        return self.head(self.relu4(self.hidden2(x)))
