"""Residual networks for small images (He et al. 2016)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class PadShortcut(nn.Module):
    """Option A of He et al.: every second pixel, and zeros for the channels that are new. No parameters."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.new = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))


def projection_shortcut(inputs: int, outputs: int) -> nn.Module:
    """Option B of He et al.: a 1x1 convolution with stride 2, and BatchNorm."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two 3x3 convolutions and the shortcut around them; `sum` is what the last ReLU reads."""

    def __init__(self, inputs: int, outputs: int, shortcut):
        super().__init__()
        down = inputs != outputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2 if down else 1, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut(inputs, outputs) if down else nn.Identity()
        self.sum = nn.Identity()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        return self.relu2(self.sum(out + self.shortcut(x)))


class ResNet(nn.Module):
    """A 3x3 convolution, stages of blocks that halve the image and double the channels, mean over positions, head."""

    def __init__(self, shape, head, width: int, *, blocks: tuple[int, ...], shortcut):
        super().__init__()
        self.conv = nn.Conv2d(shape[0], width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        stages, inputs = [], width
        for number, count in enumerate(blocks):
            outputs = width * 2**number
            rest = [Block(outputs, outputs, shortcut) for _ in range(count - 1)]
            stages.append(nn.Sequential(Block(inputs, outputs, shortcut), *rest))
            inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = head(inputs)
        last = f"stages.{len(blocks) - 1}.{blocks[-1] - 1}"
        self.layers = {
            "earlier": f"stages.{len(blocks) - 2}",
            "penultimate_pre": f"{last}.sum",
            "penultimate": f"{last}.relu2",
            "output": "head",
        }
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.relu(self.norm(self.conv(x))))
        return self.head(self.flatten(self.pool(x)))


def resnet20(shape, head, width: int) -> ResNet:
    """He et al. for CIFAR: stages of 16, 32, 64 channels, option-A shortcuts; 269,722 parameters on CIFAR-10."""
    return ResNet(shape, head, width, blocks=(3, 3, 3), shortcut=PadShortcut)


def resnet56(shape, head, width: int) -> ResNet:
    """As ResNet-20 with nine blocks a stage; 853,018 parameters on CIFAR-10."""
    return ResNet(shape, head, width, blocks=(9, 9, 9), shortcut=PadShortcut)


def resnet18(shape, head, width: int) -> ResNet:
    """The four-stage network with the 3x3 stem that is common on CIFAR; 11,173,962 parameters on CIFAR-10."""
    return ResNet(shape, head, width, blocks=(2, 2, 2, 2), shortcut=projection_shortcut)
