"""VGG-16 with BatchNorm, in its common form for CIFAR (Simonyan and Zisserman 2015)."""

from __future__ import annotations

from torch import Tensor, nn

BLOCKS = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))  # channels in units of the width


class VGG16(nn.Module):
    """Thirteen 3x3 convolutions in five blocks with max-pooling, and one linear head instead of three layers.

    `penultimate` is what the head reads, the last ReLU's map after its max-pooling; `earlier` the end of the fourth block.
    """

    layers = {  # noqa: RUF012
        "earlier": "blocks.3",
        "penultimate_pre": "blocks.4.norm3",
        "penultimate": "blocks.4.pool",
        "output": "head",
    }

    def __init__(self, shape, head, width: int):
        super().__init__()
        if min(shape[1:]) < 32:
            raise ValueError(f"vgg16_bn halves the image five times: 32x32 pixels at least, not {shape[1]}x{shape[2]}")
        self.blocks, inputs = nn.Sequential(), shape[0]
        for multiples in BLOCKS:
            block = nn.Sequential()
            for number, multiple in enumerate(multiples, 1):
                block.add_module(f"conv{number}", nn.Conv2d(inputs, multiple * width, 3, padding=1))
                block.add_module(f"norm{number}", nn.BatchNorm2d(multiple * width))
                block.add_module(f"relu{number}", nn.ReLU())
                inputs = multiple * width
            block.add_module("pool", nn.MaxPool2d(2))
            self.blocks.append(block)
        self.flatten = nn.Flatten()
        self.head = head(inputs * (shape[1] // 32) * (shape[2] // 32))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.flatten(self.blocks(x)))
