"""What one array must be to be measured: real numbers, all of them there, in two dimensions."""

import reprlib
import sys

import numpy as np


def boolean(value, name: str) -> bool:
    """A strict boolean: any string, even "False", is true to Python."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={reprlib.repr(value)} is a {type(value).__name__}: True or False is needed")
    return bool(value)


def is_tensor(value) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_dask(value) -> bool:
    dask_array = sys.modules.get("dask.array")
    return dask_array is not None and isinstance(value, dask_array.Array)


def is_sparse(value) -> bool:
    """Whether it is a sparse matrix or array of SciPy (or one with its methods)."""
    return hasattr(value, "toarray") and hasattr(value, "nnz")


def checked(array, name: str):
    """The array itself (a tensor detached; lists made an array; Dask not computed) if it is a real, two-dimensional,
    non-empty matrix.
    """
    array = real(array, name)
    if array.ndim != 2:
        hint = (
            "average feature maps over positions or flatten them first"
            if array.ndim > 2
            else "use x[:, None] for one feature"
        )
        raise ValueError(
            f"{name} has shape {tuple(array.shape)}: samples x features, two dimensions, are needed; {hint}"
        )
    if array.shape[0] == 0:
        raise ValueError(f"{name} is empty (shape {tuple(array.shape)}): there is not one row to measure")
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no columns (shape {tuple(array.shape)})")
    return array


def real(array, name: str):
    """The array itself, as in `checked`, of any shape: real numbers, all of them there.

    TypeError for sparse matrices, for tensors that hold no plain numbers and for other types; ValueError for masks.
    """
    if is_sparse(array):
        raise TypeError(f"{name} is a sparse {type(array).__name__}: call toarray() on it (or on blocks of its rows)")
    if is_tensor(array):
        array = array.detach()
        numeric, kind = not array.is_complex(), str(array.dtype)
    else:
        parts = array if isinstance(array, list | tuple) else [array]
        if any(np.ma.is_masked(part) for part in parts):
            raise ValueError(f"{name} is a masked array with masked entries: fill them, or drop their rows or columns")
        try:
            array = array if is_dask(array) else np.asanyarray(array)
        except (RuntimeError, TypeError) as error:  # a list of tensors on a GPU, or of nested ones
            raise TypeError(
                f"{name} cannot be read as an array: pass one tensor, or batches of two dimensions"
            ) from error
        array = array.data if isinstance(array, np.ma.MaskedArray) else array
        numeric, kind = array.dtype.kind in "fiub", str(array.dtype)
    if not numeric:
        raise TypeError(
            f"{name} has dtype {kind}: real numbers are needed (convert it, or drop its non-numeric columns)"
        )
    if is_tensor(array):
        try:
            to_float(array[(slice(0, 1),) * array.ndim])
        except (RuntimeError, TypeError, IndexError) as error:
            raise TypeError(
                f"{name} is a {type(array).__name__} of {kind} ({array.layout}, on {array.device}) that cannot be read "
                "as plain numbers: make it a float32 tensor first, by to_dense(), dequantize() or to()"
            ) from error
    return array


def float_tensor(block):
    """The tensor as float32, or float64 where float32 does not hold it; itself where it is one of these."""
    import torch

    if block.dtype in (torch.float32, torch.float64):
        return block
    narrow = block.dtype.is_floating_point or block.dtype in (torch.bool, torch.uint8, torch.int8, torch.int16)
    return block.to(torch.float32 if narrow else torch.float64)


def to_float(block) -> np.ndarray:
    """float32 or float64 on the host; a view where the block is already that."""
    if is_tensor(block):
        return float_tensor(block).numpy(force=True)
    block = np.asarray(block)
    if block.dtype in (np.float32, np.float64):
        return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))
    narrow = block.dtype == np.float16 or (block.dtype.kind in "iub" and block.dtype.itemsize <= 2)
    return block.astype(np.float32 if narrow else np.float64)
