"""From what a layer returns to one feature vector a sample: which part of it, and how positions are pooled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

POOLINGS = ("mean", "cls", "flatten")
# Of exactly these types and no subclass: torchvision's LayerNorm2d is a LayerNorm over the second dimension.
_CHANNELS_FIRST = (
    nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.GroupNorm, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d,
)  # fmt: skip
_CHANNELS_LAST = (
    nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding, nn.LSTM, nn.GRU, nn.RNN, nn.MultiheadAttention,
    nn.TransformerEncoderLayer, nn.TransformerEncoder,
)  # fmt: skip


class LayerError(ValueError):
    """A layer that does not exist, or whose output does not give one feature vector for each sample."""


def told(module: nn.Module) -> bool | None:
    """Whether the maps that a module returns have their channels last, where its type says so."""
    if type(module) in _CHANNELS_FIRST:
        return False
    if type(module) in _CHANNELS_LAST and len(getattr(module, "normalized_shape", (1,))) == 1:
        return True
    return None


def parts(output: object) -> Iterator[tuple[str, object]]:
    """The parts of an output that is a tuple, a list, a mapping or a dataclass, each with its key."""
    if isinstance(output, Mapping):
        yield from ((str(key), value) for key, value in output.items())
    elif isinstance(output, tuple | list):
        yield from ((str(place), value) for place, value in enumerate(output))
    elif dataclasses.is_dataclass(output):
        yield from ((field.name, getattr(output, field.name)) for field in dataclasses.fields(output))


def part(output: object, keys: tuple[str, ...]) -> object:
    """The part that `layer:key:key` names.

    Raises
    ------
    LayerError
        There is no such part; those that there are are named.
    """
    for key in keys:
        found = dict(parts(output))
        if key not in found and hasattr(output, "_asdict"):
            found = output._asdict()  # a named tuple has names as well as places
        if key not in found:
            raise LayerError(f"returns {form(output)}, which has no part {key!r}")
        output = found[key]
    return output


def form(output: object) -> str:
    """What an output is, in a few words."""
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    names = ", ".join(key for key, _ in parts(output))
    return f"a {type(output).__name__}" + (f" of {names}" if names else "")


class Pooling:
    """Makes a float32 copy (B, d) of an output.

    It also hears what modules whose type tells their layout return (`watch`): what comes after them in the same shape has
    the same layout.
    """

    def __init__(
        self, model: nn.Module, rule: str | Callable[[object], Tensor] | None = None, channels_last: bool | None = None
    ):
        if rule is not None and rule not in POOLINGS and not callable(rule):
            raise ValueError(
                f"pooling is {', '.join(map(repr, POOLINGS))} or a function of a layer's output, got {rule!r}"
            )
        if channels_last is not None and not isinstance(channels_last, bool):
            raise TypeError(f"channels_last is True, False or None, got {channels_last!r}")
        self.rule, self.channels_last = rule, channels_last
        # Of the last map whose layout its module told.
        self.shape: torch.Size | None = None
        self.last: bool | None = None
        self.batch_second = any(getattr(module, "batch_first", True) is False for module in model.modules())

    def watch(self, module: nn.Module, arguments, output) -> None:
        if isinstance(output, tuple) and output:
            output = output[0]
        if isinstance(output, Tensor) and output.ndim in (3, 4) and told(module) is not None:
            self.shape, self.last = output.shape, told(module)

    def __call__(self, module: nn.Module, output: object) -> Tensor:
        """The features, a copy: what a later in-place operation does to the output does not reach them.

        Raises
        ------
        LayerError
            Its text continues the words "layer X".
        """
        if callable(self.rule):
            output = self.rule(output)
            if not isinstance(output, Tensor) or output.ndim != 2:
                raise LayerError(f"returns {form(output)} from the function given as pooling, not a tensor (B, d)")
        if not isinstance(output, Tensor):
            raise LayerError(
                f"returns {form(output)}, not a tensor: name one part, as in 'layer:{_example(output)}', or pass a function "
                "as pooling"
            )
        if output.ndim < 2:
            raise LayerError(f"returns {form(output)}, not features (B, d)")
        if output.ndim == 2:
            return output.to(torch.float32, copy=True)
        if output.ndim == 3 and self.batch_second:
            raise LayerError(
                f"returns {form(output)}, and the model has modules with batch_first=False: which dimension holds the samples "
                "cannot be told; pass a function as pooling, and inputs with the samples first"
            )
        if self.rule == "flatten":
            return output.flatten(1).to(torch.float32, copy=True)
        return self._pooled(module, output)

    def _pooled(self, module: nn.Module, output: Tensor) -> Tensor:
        sequence = output.ndim == 3
        if output.ndim > 4 or (sequence and self.rule is None):
            rules = '"mean", "cls" (the first token), "flatten"' if sequence else '"flatten"'
            raise LayerError(
                f"returns {form(output)}: say how to pool its positions with pooling={rules} or a function"
            )
        last = self._channels_last(module, output.shape)
        if last is None:
            shapes = ("(B, C, L)", "(B, T, C)") if sequence else ("(B, C, H, W)", "(B, H, W, C)")
            raise LayerError(
                f"returns {form(output)}, a map that does not tell its layout: pass channels_last=False for {shapes[0]}, "
                f"channels_last=True for {shapes[1]}, or a function as pooling"
            )
        if self.rule == "cls":
            if not (sequence and last):
                raise LayerError(f'returns {form(output)}: pooling="cls" takes the first of the tokens of (B, T, d)')
            return output[:, 0].to(torch.float32, copy=True)
        positions = range(1, output.ndim - 1) if last else range(2, output.ndim)
        return output.mean(tuple(positions), dtype=torch.float32)

    def _channels_last(self, module: nn.Module, shape: torch.Size) -> bool | None:
        """As its own type says; or as the last telling module, where the map has the shape that this one returned, and
        no other dimension as long as the channels: moving them would have changed the shape; or as the caller says.
        """
        if (own := told(module)) is not None:
            return own
        if shape == self.shape and list(shape[1:]).count(shape[-1 if self.last else 1]) == 1:
            return self.last
        return self.channels_last


def _example(output: object) -> str:
    return next((key for key, value in parts(output) if isinstance(value, Tensor)), "KEY")
