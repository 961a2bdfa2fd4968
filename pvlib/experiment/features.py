"""Features at several layers of any network, in one pass. Not for measuring them, nor for training."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler
from tqdm import tqdm

from .precision import autocast

_PRECISIONS = ("float32", "bfloat16")
# Of exactly these types and no subclass: torchvision's LayerNorm2d is a LayerNorm over the second dimension.
_CHANNELS_FIRST = (
    nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.SyncBatchNorm, nn.InstanceNorm2d, nn.GroupNorm, nn.MaxPool2d,
    nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
)  # fmt: skip
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm)


class LayerError(ValueError):
    """A layer that does not exist, or whose output is not one feature vector or feature map per sample."""


def extract(
    model: nn.Module,
    inputs: Tensor | Iterable[Tensor],
    layers: Mapping[str, str] | Sequence[str],
    *,
    batch_size: int = 512,
    device: torch.device | str | None = None,
    precision: str = "float32",
    transform: Callable[[Tensor], Tensor] | None = None,
    pooling: str | Callable[[object], Tensor] = "mean",
    channels_last: bool | None = None,
    progress: bool = False,
) -> dict[str, Tensor]:
    """Features of every sample at every layer named, from one forward pass in evaluation mode.

    Parameters
    ----------
    model : any module; its training flags, hooks and device are afterwards as they were.
    inputs : tensor (n, ...), uint8 images say, cut into batches here; or an iterable of batches. A DataLoader that
        draws its samples at random is refused: features of two networks are compared sample by sample.
    layers : module paths, such as "net.3" or "layer4.1.conv2", by the name that they get in the result; in a plain
        sequence a path is its own name. "" is the whole model: its output.
    batch_size : samples per forward pass, at most. Halved, for the rest of the call, where memory runs out.
    device : where to compute; default: where the model is.
    precision : "float32", or "bfloat16" (autocast, where the device has it; moves a centred P-vector by
        1 - |cos| of about 1e-5).
    transform : makes the model's input of a batch, on the device (say, uint8 to standardised float).
    pooling : "mean" averages feature maps over their positions; a function makes a tensor (B, d) of whatever the layer
        returns, say `lambda output: output[:, 0]` of the first token.
    channels_last : layout of maps that do not tell it themselves: False for (B, C, H, W), True for (B, H, W, C). A
        convolution, a BatchNorm, a pooling, a linear layer and a LayerNorm over the last dimension do; and so do maps
        that have the shape of the last of these before them, unless there are as many channels as rows or columns.
    progress : bar on stderr.

    Returns
    -------
    dict of name to (n, d) float32 on the CPU. Values are those at the time when the module returned, whatever a later
    in-place operation makes of them.

    Raises
    ------
    LayerError
        Unknown layer (names the nearest), one that the forward pass never reaches or reaches more than once, one
        whose output is not a tensor (B, d) or a map, or a map whose layout nobody tells.
    torch.OutOfMemoryError
        Memory does not even do for one sample at a time.
    """
    paths = dict(layers) if isinstance(layers, Mapping) else {path: path for path in layers}
    modules = {name: _find(model, path) for name, path in paths.items()}
    if precision not in _PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(_PRECISIONS)}, got {precision!r}")
    if pooling != "mean" and not callable(pooling):
        raise ValueError(f'pooling is "mean" or a function of a layer\'s output, got {pooling!r}')
    if channels_last is not None and not isinstance(channels_last, bool):
        raise TypeError(f"channels_last is True, False or None, got {channels_last!r}")
    _refuse_random_order(inputs)
    if batch_size < 1:
        raise ValueError(f"batch_size is at least 1, got {batch_size}")
    collected: dict[str, list[Tensor]] = {name: [] for name in paths}
    with ExitStack() as stack:
        device = stack.enter_context(_evaluating(model, device))
        seen = stack.enter_context(_listening(model, modules, _Pooling(pooling, channels_last)))
        stack.enter_context(torch.inference_mode())
        stack.enter_context(autocast(device, precision))
        forward = _Forward(model, device, transform, seen, batch_size)
        for batch in _batches(inputs, batch_size, progress):
            for size, values in forward(batch):
                for name, path in paths.items():
                    collected[name].append(_single(values[name], size, name, path))
    if not forward.samples:
        raise ValueError("inputs hold no sample")
    return {name: torch.cat(parts) for name, parts in collected.items()}


class _Forward:
    """Runs batches, in pieces as small as memory demands."""

    def __init__(self, model, device, transform, seen, limit: int):
        self.model, self.device, self.transform, self.seen, self.limit = model, device, transform, seen, limit
        self.samples = 0

    def __call__(self, batch: Tensor) -> Iterator[tuple[int, dict[str, list]]]:
        """Pairs of the number of samples in a piece and what the layers returned for it."""
        start = 0
        while start < len(batch):
            piece = batch[start : start + self.limit]
            try:
                values = self._run(piece)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if len(piece) == 1:
                    raise torch.OutOfMemoryError(self._too_large(piece, error)) from error
                self.limit = len(piece) // 2
                print(f"pvlib: out of memory at {len(piece)} samples; going on with {self.limit}", file=sys.stderr)
            else:
                start += len(piece)
                self.samples += len(piece)
                yield len(piece), values
                continue
            _free(self.device)  # after the error, whose traceback keeps the batch alive, is gone

    def _too_large(self, piece: Tensor, error: RuntimeError) -> str:
        size = sum(t.nbytes for group in (self.model.parameters(), self.model.buffers()) for t in group)
        return (
            f"out of memory on {self.device} with one sample of shape {tuple(piece.shape[1:])}, beside a model of "
            f"{size / 1e6:.1f} MB: {error}"
        )

    def _run(self, piece: Tensor) -> dict[str, list]:
        for values in self.seen.values():
            values.clear()
        if piece.dtype == torch.uint8 and self.transform is None:
            raise ValueError("inputs are uint8 images: give a transform that makes the model's input of them")
        piece = piece.to(self.device, non_blocking=True)
        self.model(self.transform(piece) if self.transform else piece)
        return {name: [_to_cpu(v) for v in values] for name, values in self.seen.items()}


def _find(model: nn.Module, path: str) -> nn.Module:
    modules = dict(model.named_modules(remove_duplicate=False))
    if path not in modules:
        near = difflib.get_close_matches(path, modules, n=1, cutoff=0)
        raise LayerError(
            f"{type(model).__name__} has no layer {path!r}: did you mean {near[0]!r}? "
            "`[name for name, _ in model.named_modules()]` lists all"
        )
    return modules[path]


@contextmanager
def _evaluating(model: nn.Module, device: torch.device | str | None) -> Iterator[torch.device]:
    """Evaluation mode on `device`; every module's own training flag, and the device, restored at the end."""
    training = {module: module.training for module in model.modules()}
    tensor = next((t for group in (model.parameters(), model.buffers()) for t in group), None)
    home = tensor.device if tensor is not None else torch.device("cpu")
    device = torch.device(device) if device is not None else home
    try:
        model.eval()
        if device != home:
            model.to(device)
        yield device
    finally:
        if device != home:
            model.to(home)
        for module, flag in training.items():
            module.training = flag


@contextmanager
def _listening(model: nn.Module, modules: Mapping[str, nn.Module], pooling: _Pooling) -> Iterator[dict[str, list]]:
    """Lists, by name, that fill with pooled copies of what the modules return; hooks removed at the end."""
    seen: dict[str, list] = {name: [] for name in modules}

    def listener(name):
        return lambda module, arguments, output: seen[name].append(pooling(module, output))

    telling = [module for module in model.modules() if _told(module) is not None]
    handles = [module.register_forward_hook(pooling.watch) for module in telling]  # before the others: they read it
    handles += [module.register_forward_hook(listener(name)) for name, module in modules.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _told(module: nn.Module) -> bool | None:
    """Whether the maps that a module returns have their channels last, where its type says so."""
    if type(module) in _CHANNELS_FIRST:
        return False
    if type(module) in _CHANNELS_LAST and len(getattr(module, "normalized_shape", (1,))) == 1:
        return True
    return None


class _Pooling:
    """Makes a float32 copy (B, d) of an output; what has another form becomes its description."""

    def __init__(self, pooling: str | Callable[[object], Tensor], channels_last: bool | None):
        self.pooling, self.channels_last = pooling, channels_last
        # Of the last map whose layout its module told.
        self.shape: torch.Size | None = None
        self.last: bool | None = None

    def watch(self, module: nn.Module, arguments, output) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            self.shape, self.last = output.shape, _told(module)

    def __call__(self, module: nn.Module, output) -> Tensor | str:
        if callable(self.pooling):
            output = self.pooling(output)
            if isinstance(output, Tensor) and output.ndim == 2:
                return output.to(torch.float32, copy=True)
            return f"{_form(output)} from the function given as pooling, not a tensor (B, d)"
        if isinstance(output, Tensor) and output.ndim == 2:
            return output.to(torch.float32, copy=True)
        if not isinstance(output, Tensor) or output.ndim != 4:
            return (
                f"{_form(output)}, not a tensor (B, d) or (B, C, H, W); name a layer inside or after it, or pass a "
                "function as pooling"
            )
        last = self._channels_last(module, output.shape)
        if last is None:
            return (
                f"{_form(output)}, a map that does not tell its layout: pass channels_last=False for (B, C, H, W), "
                "channels_last=True for (B, H, W, C), or a function as pooling"
            )
        return output.mean((1, 2) if last else (2, 3), dtype=torch.float32)

    def _channels_last(self, module: nn.Module, shape: torch.Size) -> bool | None:
        """As its own type says; or as the last telling module, where the map has the shape that this one returned, and
        as many channels as neither height nor width: moving them would have changed the shape; or as the caller says.
        """
        if (told := _told(module)) is not None:
            return told
        if shape == self.shape and list(shape[1:]).count(shape[3 if self.last else 1]) == 1:
            return self.last
        return self.channels_last


def _form(output) -> str:
    return f"tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__


def _single(values: list, size: int, name: str, path: str) -> Tensor:
    """The one feature matrix that a layer gave in a forward pass."""
    layer = f"layer {name!r}" if name == path else f"layer {name!r} (module {path!r})"
    if len(values) != 1:
        times = f"used {len(values)} times" if values else "never reached"
        raise LayerError(f"{layer} is {times} in a forward pass; name a module that is used once")
    if not isinstance(values[0], Tensor):
        raise LayerError(f"{layer} returns a {values[0]}")
    if len(values[0]) != size:
        raise LayerError(f"{layer} returns {len(values[0])} rows for {size} samples; one each is needed")
    return values[0]


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


def _batches(inputs: Tensor | Iterable[Tensor], batch_size: int, progress: bool) -> Iterator[Tensor]:
    total = len(inputs) if isinstance(inputs, Sized) else None
    if isinstance(inputs, Tensor):
        batches: Iterable = inputs.split(batch_size)
    else:
        # A loader's total counts batches.
        total, batches = None, (b[0] if isinstance(b, tuple | list) else b for b in inputs)
    with tqdm(total=total, desc="features", unit="", disable=not progress, file=sys.stderr) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch))


def _to_cpu(value):
    return value.cpu() if isinstance(value, Tensor) else value


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the error is a lack of memory: other devices, the CPU and CUDA's libraries raise a RuntimeError."""
    words = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


def _free(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
