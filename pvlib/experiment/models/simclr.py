"""SimCLR (Chen et al. 2020): an encoder is a classifier's trunk, whose head is a projection instead of logits."""

from __future__ import annotations

from torch import nn

PROJECTION = 64


def projection_head(features: int) -> nn.Module:
    """Two layers: features -> features -> 64, with a ReLU between."""
    return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, PROJECTION))
