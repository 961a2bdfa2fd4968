"""Features at any layers of any network, in one pass; and which layers there are."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..doctor import FeatureWarning, blocks_of, examine
from .forward import Forward
from .hooks import Target, as_mapping, evaluating, listening, modules, still_training, target
from .inputs import Batch, batches, cut, size
from .pooling import LayerError, Pooling, form, part, parts, told
from .precision import autocast

_PRECISIONS = ("float32", "bfloat16")
SAME = {"float32": 1e-3, "bfloat16": 0.1}  # relative to the largest feature: far above rounding


@overload
def extract(model: nn.Module, inputs: object, layers: str, **options) -> Tensor: ...
@overload
def extract(
    model: nn.Module, inputs: object, layers: Mapping[str, str] | Sequence[str], **options
) -> dict[str, Tensor]: ...
def extract(  # type: ignore[misc]  # the overloads leave the options to it
    model: nn.Module,
    inputs: object,
    layers: str | Mapping[str, str] | Sequence[str],
    *,
    pooling: str | Callable[[object], Tensor] | None = None,
    channels_last: bool | None = None,
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    precision: str = "float32",
    transform: Callable[..., object] | None = None,
    check: bool = True,
    progress: bool = False,
) -> Tensor | dict[str, Tensor]:
    """Features of every sample at the layers named, from one forward pass in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Any model, compiled or not. Its training flags, hooks and device are afterwards as they were.
    inputs : tensor, array, mapping, data set, or iterable of batches
        A tensor or NumPy array (n, ...); a mapping of these, such as a tokenizer gives, whose entries are passed as
        keyword arguments; a pair (x, y), of which x is used; a torch Dataset; or an iterable of batches of any of these
        forms, such as a DataLoader. One that draws its samples at random is refused.
    layers : str, sequence of str, or mapping of str to str
        The path of a module, as `pvlib.layers` lists them; "" is the model itself. Of a module that returns several
        things, `path:key` is one part, by its place or its name: "lstm:0", "encoder:last_hidden_state".
        A single name gives a tensor, a sequence a dict under these names, a mapping of new names to paths a dict under the new names.
    pooling : {"mean", "cls", "flatten"} or callable, optional
        How the positions of a layer become one vector: "mean" averages over them, "cls" takes the first token of
        (B, T, d), "flatten" keeps all. A function gets what the layer returns and gives a tensor (B, d). Without it, maps of images are
        averaged, and sequences are refused.
    channels_last : bool, optional
        Layout of maps that do not tell it themselves: False for (B, C, H, W) and (B, C, L), True for (B, H, W, C) and (B, T, d).
        Convolutions, linear layers and the like do, and so do maps that have the shape of the last of these before them.
    batch_size : int, optional
        Samples in a forward pass, at most; halved where memory runs out. By default what suits the device: on a CPU as many as
        keep the largest activation in its cache.
    device : torch.device or str, optional
        Where to compute; by default where the model is.
    precision : {"float32", "bfloat16"}
        "bfloat16" is autocast, where the device has it; it moves a centred P-vector by 1 - cos of about 1e-5.
    transform : callable, optional
        Makes the model's input of a batch, on the device: uint8 to standardised float, say.
    check : bool
        Look at the features and warn of what is wrong with them, one line each.
    progress : bool
        A bar on stderr.

    Returns
    -------
    Tensor, or dict of str to Tensor
        (n, d) float32 on the CPU. Values are those at the time when the module returned, whatever a later in-place
        operation makes of them.

    Raises
    ------
    LayerError
        A layer that does not exist, that the forward pass never reaches or reaches more than once, or whose output is not
        one vector for each sample under the pooling given.
    torch.OutOfMemoryError
        Memory does not even do for one sample at a time.

    Warns
    -----
    FeatureWarning
        Features that are not finite, constant or dead; duplicated rows; modules that stay in training mode; and
        features of a sample that change from one forward pass to the next, or with the samples beside it.

    Examples
    --------
    >>> import torch
    >>> from pvlib import extract
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10))
    >>> images = torch.rand(20, 1, 8, 8)
    >>> extract(model, images, "3").shape
    torch.Size([20, 10])
    >>> extract(model, images, {"map": "0", "output": ""})["map"].shape  # averaged over 6 x 6 positions
    torch.Size([20, 4])
    """
    targets = [target(model, name, path) for name, path in as_mapping(layers).items()]
    if precision not in _PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(_PRECISIONS)}, got {precision!r}")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size is at least 1, got {batch_size}")
    heard = _Heard(targets, Pooling(model, pooling, channels_last))
    collected: dict[str, list[Tensor]] = {each.name: [] for each in targets}
    notes: list[str] = []
    inner = modules(model)[""]  # without the wrapper that compiling puts around it
    with ExitStack() as stack:
        device = stack.enter_context(evaluating(model, device))
        if check and (training := still_training(model)):
            notes.append(f"{training[0]} stays in training mode: its train() does not follow the model's eval()")
        stack.enter_context(torch.inference_mode())
        stack.enter_context(autocast(device, precision))
        forward = Forward(inner, device, transform, batch_size, heard.clear)
        stack.enter_context(listening(heard.hooks(inner)))
        total = len(inputs) if isinstance(inputs, Tensor | np.ndarray) else None
        bar = stack.enter_context(tqdm(total=total, desc="features", unit="", disable=not progress, file=sys.stderr))
        first: Batch | None = None
        for batch in batches(inputs, batch_size):
            first = batch if first is None and size(batch) else first
            for samples in forward.pieces(batch):
                for name, features in heard.features(samples):
                    collected[name].append(features)
                bar.update(samples)
        if first is None:
            raise ValueError("inputs hold no sample")
        if check:
            alone = cut(first, 0, min(2, size(first), forward.limit or 2))
            forward.run(alone)
            for name, features in heard.features(size(alone)):
                notes += _changed(name, features, collected[name], SAME[precision])
    found = {name: torch.cat(parts) for name, parts in collected.items()}
    if check:
        for name, features in found.items():
            notes += examine(blocks_of(features.numpy()), f"layer {name!r}").lines
    for note in notes:
        warnings.warn(note, FeatureWarning, stacklevel=2)
    return found[layers] if isinstance(layers, str) else found


class _Heard:
    """What the layers returned in the last forward pass, pooled."""

    def __init__(self, targets: Sequence[Target], pooling: Pooling):
        self.targets, self.pooling = targets, pooling
        self.values: dict[str, list[Tensor]] = {}

    def clear(self) -> None:
        self.values = {each.name: [] for each in self.targets}

    def hooks(self, model: nn.Module) -> list:
        telling = [(module, self.pooling.watch) for module in model.modules() if told(module) is not None]
        return telling + [(each.module, self._listener(each)) for each in self.targets]  # in this order

    def _listener(self, each: Target) -> Callable:
        def listen(module, arguments, output):
            try:
                self.values[each.name].append(self.pooling(module, part(output, each.keys)).cpu())
            except LayerError as error:
                raise LayerError(f"{each} {error}") from None

        return listen

    def features(self, samples: int):
        """Name and features of each layer, one row for each of so many samples; they are heard once."""
        for each in self.targets:
            values, self.values[each.name] = self.values[each.name], []
            if len(values) != 1:
                times = f"used {len(values)} times" if values else "never reached"
                raise LayerError(f"{each} is {times} in a forward pass; name a module that is used once")
            if len(values[0]) != samples:
                raise LayerError(f"{each} returns {len(values[0])} rows for {samples} samples; one each is needed")
            yield each.name, values[0]


def _changed(name: str, alone: Tensor, batches: list[Tensor], tolerance: float) -> list[str]:
    before = torch.cat([part[: len(alone)] for part in batches[:2]])[: len(alone)]
    largest = torch.maximum(before.abs().max(), alone.abs().max())
    if before.shape == alone.shape and not (before - alone).abs().max() > tolerance * largest:
        return []
    return [
        f"layer {name!r} gives a sample other features the next time, or beside other samples: something is random, or "
        "computed over the batch, in evaluation mode too"
    ]


@dataclass(frozen=True)
class Layer:
    """A layer that can be named, the shape of what it returns for two samples, and what `extract` would make of it."""

    name: str
    kind: str
    shape: tuple[int, ...]
    note: str


class Layers(list):
    """Layers in the order in which they return; printed as a table."""

    def __repr__(self) -> str:
        cells = [("name", "module", "shape", "")] + [(repr(e.name), e.kind, str(e.shape), e.note) for e in self]
        widths = [max(len(row[column]) for row in cells) for column in range(3)]
        return "\n".join("  ".join([*map(str.ljust, row, widths), row[3]]).rstrip() for row in cells)


def layers(model: nn.Module, inputs: object, *, transform: Callable[..., object] | None = None) -> Layers:
    """All layers whose features can be read, with the shape of what they return, and whether they need pooling.

    Parameters
    ----------
    model : torch.nn.Module
    inputs : as for `extract`
        Two samples of them, at most, go through the model.
    transform : callable, optional
        Makes the model's input of a batch.

    Returns
    -------
    Layers
        A list of `Layer`: name, kind, shape, and a note that says what `extract` makes of it without options, or what it
        needs. Prints as a table.

    Examples
    --------
    >>> import torch
    >>> from pvlib import layers
    >>> layers(torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten()), torch.rand(20, 1, 8, 8))
    name  module      shape
    '0'   Conv2d      (2, 4, 6, 6)  averaged over positions
    '1'   Flatten     (2, 144)
    ''    Sequential  (2, 144)
    """
    pooling, found, counts = Pooling(model), Layers(), dict[str, int]()

    def listener(path: str) -> Callable:
        def listen(module, arguments, output):
            counts[path] = counts.get(path, 0) + 1
            if counts[path] == 1:
                found.extend(_described(path, module, output, pooling))

        return listen

    inner = modules(model)[""]
    telling = [(module, pooling.watch) for module in inner.modules() if told(module) is not None]
    named = [(module, listener(path)) for path, module in modules(model).items()]
    with evaluating(model, None) as device, torch.inference_mode(), listening(telling + named):
        for batch in batches(inputs, 2):
            Forward(inner, device, transform, None, found.clear).run(cut(batch, 0, 2))
            break
    return Layers(
        Layer(e.name, e.kind, e.shape, f"used {times} times: cannot be read") if times > 1 else e
        for e in found
        for times in [counts[e.name.partition(":")[0]]]
    )


def _described(path: str, module: nn.Module, output: object, pooling: Pooling) -> list[Layer]:
    if not isinstance(output, Tensor):
        return [each for key, value in parts(output) for each in _described(f"{path}:{key}", module, value, pooling)]
    kind = type(module).__name__
    try:
        note = "averaged over positions" if pooling(module, output).ndim < output.ndim else ""
    except LayerError as error:
        note = str(error).removeprefix(f"returns {form(output)}").lstrip(":, ")
    return [Layer(path, kind, tuple(output.shape), note)]
