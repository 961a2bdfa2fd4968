"""The number format that a network computes in. Weights, losses and measured features are float32 in any case."""

from __future__ import annotations

import platform
import warnings

import torch


def autocast(device: torch.device | str, precision: str) -> torch.autocast:
    """Context in which the network computes in `precision`, "float32" or "bfloat16".

    Where the device has no bfloat16 arithmetic of its own it stays with float32, and a warning says so.
    """
    device, computed = torch.device(device), effective(precision, device)
    if computed != precision:
        warnings.warn(f"this {device.type} has no fast bfloat16: computing in float32", RuntimeWarning, stacklevel=2)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=computed == "bfloat16")


def effective(precision: str, device: torch.device | str) -> str:
    """The precision, "float32" or "bfloat16", that a network asked for `precision` is computed in on this device."""
    return "bfloat16" if precision == "bfloat16" and has_bfloat16(torch.device(device)) else "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 pays on this device rather than being emulated."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # it is the current one that torch asks
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        supported = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        # oneDNN calls AVX-512 enough, and then emulates: three to four times slower than float32. These have instructions.
        native = [getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile")]
        intel = platform.machine().lower() in ("x86_64", "amd64") and any(native)
        return supported and (not intel or any(ask() for ask in native if ask is not None))
    return True
