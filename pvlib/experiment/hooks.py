"""Which modules of a model are meant by which names, and listening to what they return."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from .pooling import LayerError


@dataclass(frozen=True)
class Target:
    """A layer as the caller names it: `path`, or `path:key` for one part of what it returns."""

    name: str
    path: str
    module: nn.Module
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"layer {self.name!r}" + (f" (module {self.path!r})" if self.name != self.path else "")


def modules(model: nn.Module) -> dict[str, nn.Module]:
    """All modules by path; a model compiled by torch has the paths that it had before."""
    found = {}
    for path, module in model.named_modules(remove_duplicate=False):
        found[".".join(part for part in path.split(".") if part != "_orig_mod")] = module
    return found


def target(model: nn.Module, name: str, path: str) -> Target:
    """The layer that is meant.

    Raises
    ------
    LayerError
        There is none of that path; one that is near is named.
    """
    known = modules(model)
    head, *keys = [path] if path in known else path.split(":")
    if head not in known:
        near = difflib.get_close_matches(head, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise LayerError(f"{type(model).__name__} has no layer {head!r}: {hint}pvlib.layers(model, x) lists all")
    return Target(name, path, known[head], tuple(keys))


@contextmanager
def listening(hooks: Sequence[tuple[nn.Module, Callable]]) -> Iterator[None]:
    """Forward hooks in place, also in compiled models, whose compiled code would pass them by; removed at the end."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks]
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(model: nn.Module, device: torch.device | str | None) -> Iterator[torch.device]:
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


def still_training(model: nn.Module) -> list[str]:
    """Modules that evaluation mode does not reach."""
    return [path or type(module).__name__ for path, module in modules(model).items() if module.training]


def as_mapping(layers: str | Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Name -> path; a path is its own name where the caller gave none."""
    if isinstance(layers, str):
        return {layers: layers}
    return dict(layers) if isinstance(layers, Mapping) else {path: path for path in layers}
