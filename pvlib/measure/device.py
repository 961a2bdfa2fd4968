"""Second moments and left vectors of a tensor on the GPU that holds it: only d x d numbers and the vectors come to the
host. Not for tensors and arrays in main memory (gram), nor for devices without float64.
"""

from contextlib import contextmanager

import numpy as np

from .rows import Rows, float_tensor


def device_moments(rows: Rows, size: int, *, shifted: bool, exact: bool, scale: float) -> dict:
    """Sums of (x - shift) and of its outer product over blocks of `size` rows, with the rounding unit of the products.

    float32 products (float64 for double, or where `exact`), added up in float64 on the device.
    """
    import torch

    matrix, d = rows.matrix, rows.d
    gram = torch.zeros((d, d), dtype=torch.float64, device=matrix.device)
    total = torch.zeros(d, dtype=torch.float64, device=matrix.device)
    shift = None
    with torch.no_grad(), full_float32(matrix.device):
        for start in range(0, rows.n, size):
            block = float_tensor(matrix[start : start + size])
            block = block.double() if exact else block
            block = block * scale if scale != 1.0 else block
            if shift is None and shifted:
                shift = block.mean(dim=0, dtype=torch.float64).to(block.dtype)
            block = block if shift is None else block - shift
            gram += block.T @ block
            total += block.sum(dim=0, dtype=torch.float64)
            rows.advance(len(block))
    return {
        "shift": np.zeros(d) if shift is None else shift.double().cpu().numpy(),
        "total": total.cpu().numpy(),
        "gram": gram.cpu().numpy(),
        "eps": torch.finfo(block.dtype).eps,
    }


def device_apply(rows: Rows, size: int, right: np.ndarray, *, centre, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """One pass in float64: F V (n, k), and F' F V (d, k), of the scaled (centred) rows."""
    import torch

    def there(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(rows.matrix.device)

    columns, centre = there(right), [there(part) for part in centre]
    left, back = [], torch.zeros_like(columns)
    with torch.no_grad(), full_float32(rows.matrix.device):
        for start in range(0, rows.n, size):
            block = float_tensor(rows.matrix[start : start + size]).double() * scale
            for part in centre:
                block = block - part
            left.append(block @ columns)
            back += block.T @ left[-1]
            rows.advance(len(block))
    return torch.cat(left).cpu().numpy(), back.cpu().numpy()


@contextmanager
def full_float32(device):
    """float32 products in float32: without TF32, and outside the caller's autocast; the caller's setting comes back."""
    import torch

    matmul = torch.backends.cuda.matmul
    before, matmul.fp32_precision = matmul.fp32_precision, "ieee"
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        matmul.fp32_precision = before
