"""The number format that a network computes in. Weights, losses and measured features are float32 in any case."""

from __future__ import annotations

import warnings

import torch


def autocast(device: torch.device | str, precision: str) -> torch.autocast:
    """Context in which the network computes in `precision`, "float32" or "bfloat16".

    Where the device has no bfloat16 arithmetic of its own it stays with float32, and a warning says so.
    """
    device = torch.device(device)
    wanted = precision == "bfloat16"
    if wanted and not has_bfloat16(device):
        warnings.warn(f"this {device.type} has no fast bfloat16: computing in float32", RuntimeWarning, stacklevel=2)
        wanted = False
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 pays on this device rather than being emulated."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # it is the current one that torch asks
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return True
