"""What a model can be shown: tensors, NumPy arrays, (x, y), mappings of keyword arguments, data sets and loaders of these."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

Batch = Tensor | dict[str, object]  # a mapping is passed as keyword arguments
LOADED = 64  # samples of a batch that is made of a data set here, where the caller does not say


def batches(inputs: object, batch_size: int | None) -> Iterator[Batch]:
    """One batch after the other; what is an array as a whole is one batch.

    Raises
    ------
    ValueError
        Samples in random order; two arrays that may be (x, y) or two batches.
    TypeError
        Nothing that holds samples.
    """
    if isinstance(inputs, Dataset):
        inputs = DataLoader(inputs, batch_size=batch_size or LOADED)
    _refuse_random_order(inputs)
    if _is_array(inputs) or isinstance(inputs, Mapping) or _is_pair(inputs):
        yield as_batch(inputs)
        return
    if not isinstance(inputs, Iterable):
        raise TypeError(
            f"inputs are a {type(inputs).__name__}: an array, a mapping of arrays, or batches of these are needed"
        )
    yield from map(as_batch, inputs)


def as_batch(batch: object) -> Batch:
    """Tensors; of a tuple or list (x, y, ...) the first."""
    if isinstance(batch, Mapping):
        found = {str(key): _tensor(value) if _is_array(value) else value for key, value in batch.items()}
        lengths = {key: len(value) for key, value in found.items() if isinstance(value, Tensor) and value.ndim}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"the arrays of a batch have no common number of samples: {lengths}")
        return found
    if isinstance(batch, tuple | list) and batch:
        return as_batch(batch[0])
    if _is_array(batch) and batch.ndim:  # type: ignore[attr-defined]
        return _tensor(batch)
    raise TypeError(f"a batch is a {type(batch).__name__}: an array, (x, y), or a mapping of arrays is needed")


def size(batch: Batch) -> int:
    if isinstance(batch, Tensor):
        return len(batch)
    return next(len(value) for value in batch.values() if isinstance(value, Tensor) and value.ndim)


def cut(batch: Batch, start: int, stop: int) -> Batch:
    if isinstance(batch, Tensor):
        return batch[start:stop]
    return {
        key: value[start:stop] if isinstance(value, Tensor) and value.ndim else value for key, value in batch.items()
    }


def moved(batch: Batch, device: torch.device, dtype: torch.dtype | None) -> Batch:
    """On the device, floating-point numbers in the model's own type."""
    if isinstance(batch, Mapping):
        return {key: moved(v, device, dtype) if isinstance(v, Tensor) else v for key, v in batch.items()}
    return batch.to(device, dtype if batch.is_floating_point() else None, non_blocking=True)


def call(model: nn.Module, batch: object) -> object:
    """The model's forward pass.

    Raises
    ------
    ValueError
        The model takes no argument of a name that the mapping holds.
    """
    if not isinstance(batch, Mapping):
        return model(batch)
    taken = inspect.signature(model.forward).parameters
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values())
    if unknown := [key for key in batch if key not in taken and not anything]:
        raise ValueError(
            f"{type(model).__name__} takes no argument {unknown[0]!r} (it takes {', '.join(taken)}): leave it out of the "
            "inputs, or pass a transform that makes the model's input of a batch"
        )
    return model(**batch)


def _is_array(value: object) -> bool:
    return isinstance(value, Tensor | np.ndarray)


def _tensor(value: object) -> Tensor:
    # A copy where torch cannot share the memory: strides below 0, another byte order, read-only arrays.
    if isinstance(value, np.ndarray):
        value = np.require(value, value.dtype.newbyteorder("="), ["C", "W"])
    return torch.as_tensor(value)


def _is_pair(inputs: object) -> bool:
    """Whether two arrays are one batch (x, y): y has another number of dimensions, and as many samples."""
    if not (isinstance(inputs, tuple | list) and len(inputs) == 2 and all(map(_is_array, inputs))):
        return False
    x, y = inputs
    if x.ndim != y.ndim:
        return True
    if isinstance(inputs, tuple) and x.shape == y.shape:
        raise ValueError(
            "inputs are two arrays of one shape: pass the first alone if they are (x, y), or a list of batches"
        )
    return False


def _refuse_random_order(inputs: object) -> None:
    """ValueError for a loader that draws: nobody would know which sample a row of the features belongs to."""
    if not isinstance(inputs, DataLoader):
        return
    sampler = getattr(inputs.batch_sampler, "sampler", inputs.sampler)
    drawing = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)
    if isinstance(sampler, drawing) or getattr(sampler, "shuffle", False) is True:
        raise ValueError(
            f"inputs are a DataLoader with a {type(sampler).__name__}, whose samples come in another order each time, and "
            "features are compared sample by sample: make the DataLoader with shuffle=False"
        )
