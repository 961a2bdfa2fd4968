"""A tensor on a GPU, multiplied where it is: only d x d numbers and the vectors come to the host. The blocks of devices
without float64 come there too (`rows.ArrayRows`).
"""

from contextlib import contextmanager

import numpy as np

from .bounds import image_rounding, product_rounding
from .entries import float_tensor, is_tensor
from .moments import Applied, Moments, Right, block_rows
from .rows import ArrayRows


def multiplies(matrix) -> bool:
    """Whether it is a tensor on a CUDA (or ROCm) device."""
    return is_tensor(matrix) and matrix.device.type == "cuda"


class TensorRows(ArrayRows):
    """A tensor of such a device."""

    pickable = False  # one reading there costs less than thin products here

    def moments(self, *, shifted: bool, exact: bool, scale: float = 1.0) -> Moments:
        """float32 products (float64 for double, or where `exact`), added up in float64 on the device."""
        import torch

        size = max(4096, block_rows(self.d))
        gram = torch.zeros((self.d, self.d), dtype=torch.float64, device=self.matrix.device)
        total, shift = gram.new_zeros(self.d), None
        with self.reading("second moments"), torch.no_grad(), full_float32(self.matrix.device):
            for start in range(0, self.n, size):
                block = float_tensor(self.matrix[start : start + size])
                block = block.double() if exact else block
                block = block * scale if scale != 1.0 else block
                if shift is None and shifted:
                    shift = (block[0] + (block - block[0]).mean(dim=0, dtype=torch.float64)).to(block.dtype)
                block = block if shift is None else block - shift
                gram += block.T @ block
                total += block.sum(dim=0, dtype=torch.float64)
                self.advance(len(block))
        return Moments(
            shift=np.zeros(self.d) if shift is None else shift.double().cpu().numpy(),
            scale=scale,
            sums=shifted,
            n=self.n,
            total=total.cpu().numpy(),
            gram=gram.cpu().numpy(),
            rounding=product_rounding(min(size, self.n), torch.finfo(block.dtype).eps),
            exact=block.dtype == torch.float64,
        )

    def apply(self, right: Right) -> Applied:
        import torch

        def there(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(self.matrix.device)

        columns, centre = there(right.vectors), [there(part) for part in right.centre]
        size, left, back = block_rows(self.d), [], torch.zeros_like(columns)
        with self.reading("left vectors"), torch.no_grad(), full_float32(self.matrix.device):
            for start in range(0, self.n, size):
                block = float_tensor(self.matrix[start : start + size]).double() * right.scale
                for part in centre:
                    block = block - part
                left.append(block @ columns)
                back += block.T @ left[-1]
                self.advance(len(block))
        rounding = image_rounding(self.d, size) * right.energy
        return Applied(torch.cat(left).cpu().numpy(), back.cpu().numpy(), right.energy, rounding)

    def whole(self) -> ArrayRows:
        """For engines without a kernel of their own here."""
        return ArrayRows(self.matrix, self)


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
