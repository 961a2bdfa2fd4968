"""Running statistics of BatchNorm from data, for networks that were never trained."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def calibrate_batchnorm(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the running mean and variance of every BatchNorm to their average over `batches` (network inputs).

    Weights stay as they are, and so does the mode that each module is in.

    Raises
    ------
    ValueError
        No batch was given.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    modes = {module: module.training for module in model.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    try:
        model.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative average
            norm.train()
        count = 0
        for batch in batches:
            model(batch)
            count += 1
        if not count:
            raise ValueError("calibrate_batchnorm needs at least one batch")
    finally:
        for module, training in modes.items():
            module.training = training
        for norm, momentum in momenta.items():
            norm.momentum = momentum
