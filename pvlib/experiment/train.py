"""The training loop, one for all objectives. An observer is called at log-spaced steps.

The whole data set lies on the device as uint8; batches are taken by index and augmented as tensors. Everything random
comes from generators seeded by the recipe, one per purpose and epoch, so a checkpoint needs no random state.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .augment import normalise, to_unit
from .data import ImageData
from .models import build
from .objectives import OBJECTIVES
from .precision import autocast
from .recipe import Recipe
from .training_set import generator, training_set

SNAPSHOTS = 25
# Shares of all steps at which every network is watched, however long it trains: there, different networks are compared.
SHARES = (0.001, 0.01, 0.05, 0.2, 0.5)
Observer = Callable[[int, float, nn.Module, dict], None]


class DivergedError(RuntimeError):
    """The loss is no longer finite.

    Attributes
    ----------
    epoch : in which it happened, from 1.
    step : optimiser step, from 1.
    """

    def __init__(self, epoch: int, step: int):
        super().__init__(f"training diverged: the loss is not finite in epoch {epoch}, step {step}; lower the lr")
        self.epoch = epoch
        self.step = step


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on as if nothing had happened: copies of tensors by name, and JSON-able facts."""

    tensors: dict[str, Tensor]
    meta: dict


@dataclass(frozen=True)
class Outcome:
    """A trained network in evaluation mode.

    `history` has a dict per epoch: epoch (from 1), train_loss (mean over its steps), lr (of its last step), seconds
    (the observer's included).
    """

    model: nn.Module
    history: list[dict]
    total_steps: int


def train(
    recipe: Recipe,
    data: ImageData,
    *,
    device: str | torch.device = "cpu",
    observer: Observer | None = None,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
) -> Outcome:
    """Train as the recipe says.

    Parameters
    ----------
    observer : called as `observer(step, epoch, model, stats)` at about 25 log-spaced optimiser steps, before the first
        (0) and after the last included; `epoch` is a fraction, `stats["train_loss"]` the loss of that step's batch
        (NaN at step 0). It may change the network's mode, not its weights.
    resume : continues after that checkpoint's epoch; on a CPU, with as many threads, to the same bits.
    save : called with a checkpoint after every epoch, once the observer has seen it.

    Raises
    ------
    DivergedError
        The loss became NaN or infinite.
    ValueError
        The checkpoint is of another recipe or other data.
    """
    device = torch.device(device)
    split = training_set(recipe, data)
    images, labels = split.images.to(device), split.labels.to(device)
    model = make_model(recipe, data, device)
    optimiser = make_optimiser(recipe, model)
    context: dict[str, Any] = {"recipe": recipe, "transform": make_transform(recipe, data)}
    per_epoch = math.ceil(len(images) / recipe.batch_size)
    total = per_epoch * recipe.epochs
    history = restore(resume, recipe, data, model, optimiser) if resume else []
    step = len(history) * per_epoch
    watched = set(snapshot_steps(total)) if observer else set()
    if observer and step == 0:
        observer(0, 0.0, model, {"train_loss": math.nan})

    for epoch in range(len(history), recipe.epochs):
        start = time.perf_counter()
        model.train()
        losses = torch.zeros(per_epoch, device=device)
        context["generator"] = generator(recipe.stream("augment", epoch))
        for number, batch in enumerate(batches(recipe, epoch, len(images), per_epoch, device)):
            lr = learning_rate(recipe, step, total)
            for group in optimiser.param_groups:
                group["lr"] = lr
            with autocast(device, recipe.precision):
                chosen = images.index_select(0, batch)  # whole images are copied: 4 times as fast as images[batch]
                loss = OBJECTIVES[recipe.objective](model, chosen, labels[batch], **context)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            losses[number] = loss.detach()
            step += 1
            if observer and step in watched:
                check_finite(losses[: number + 1], epoch, step)
                observer(step, step / per_epoch, model, {"train_loss": loss.item()})
                model.train()
        check_finite(losses, epoch, step)
        seconds = time.perf_counter() - start
        history.append({"epoch": epoch + 1, "train_loss": losses.mean().item(), "lr": lr, "seconds": seconds})
        if save:
            save(checkpoint(recipe, data, model, optimiser, history, step))
    return Outcome(model.eval(), history, total)


def make_model(recipe: Recipe, data: ImageData, device: torch.device | str) -> nn.Module:
    """The recipe's network as initialised; convolutions lie channels-last, which is faster on every device."""
    seed = recipe.stream("init")
    model = build(recipe.architecture, data.shape, data.num_classes, width=recipe.width, generator_seed=seed)
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def make_transform(recipe: Recipe, data: ImageData) -> Callable[[Tensor], Tensor]:
    """What makes the network's input of uint8 images (or of floats in [0, 1]), on their own device."""
    if recipe.pixels == "unit":
        return to_unit
    return partial(normalise, mean=data.mean, std=data.std)


def make_optimiser(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser, over all parameters alike; the rate is set at every step."""
    settings: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=0.9, nesterov=True, **settings)
    return torch.optim.AdamW(model.parameters(), **settings)


def learning_rate(recipe: Recipe, step: int, total: int) -> float:
    """Rate of the step (from 0): linear warm-up, then a cosine that would reach zero after the last step."""
    warmup = round(recipe.warmup * total)
    if step < warmup:
        return recipe.lr * (step + 1) / warmup
    return recipe.lr * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


def batches(recipe: Recipe, epoch: int, size: int, count: int, device: torch.device) -> Iterator[Tensor]:
    """Ids of each batch of an epoch: a new order, every sample once, sizes within one of each other."""
    order = torch.randperm(size, generator=generator(recipe.stream("order", epoch)))
    yield from order.to(device).tensor_split(count)


def snapshot_steps(total: int, count: int = SNAPSHOTS) -> list[int]:
    """About `count` ascending steps, evenly spaced in their logarithm: 0, 1, ..., `total`; and those of the `SHARES`."""
    spaced = (round(total ** (i / (count - 2))) for i in range(count - 1))
    return sorted({0, total, *spaced, *(share_step(share, total) for share in SHARES)})


def share_step(share: float, total: int) -> int:
    """The step at which that share of the training is done, 1 at least."""
    return max(1, round(share * total))


def check_finite(losses: Tensor, epoch: int, step: int) -> None:
    """Raise DivergedError at the first loss that is not finite; the last of `losses` is that of `step`."""
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        raise DivergedError(epoch + 1, step - len(losses) + 1 + int(bad[0]))


def checkpoint(recipe, data, model, optimiser, history, step) -> Checkpoint:
    """Copies on the CPU, contiguous, of weights, buffers and the optimiser's state."""
    found = {f"model/{name}": value for name, value in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        found |= {f"optimiser/{index}/{name}": value for name, value in state.items()}
    tensors = {
        name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in found.items()
    }
    meta = {
        "epoch": len(history),
        "step": step,
        "history": [dict(row) for row in history],
        "recipe": recipe.to_dict(),
        "data": data.checksum,
    }
    return Checkpoint(tensors, meta)


def restore(found: Checkpoint, recipe, data, model, optimiser) -> list[dict]:
    """Put a checkpoint back into network and optimiser, in place; returns the history so far."""
    if (found.meta["recipe"], found.meta["data"]) != (recipe.to_dict(), data.checksum):
        raise ValueError("the checkpoint is of another recipe or other data: remove it, or train its own recipe")
    state: dict[int, dict] = {}
    for name, value in found.tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimiser":
            index, _, key = rest.partition("/")
            state.setdefault(int(index), {})[key] = value
    weights = {name.removeprefix("model/"): v for name, v in found.tensors.items() if name.startswith("model/")}
    model.load_state_dict(weights)
    for number, parameter in enumerate(model.parameters()):
        for key, value in state[number].items():
            # Fused optimisers walk the memory of all tensors alike, so the state takes the parameter's layout.
            like = torch.empty_like(parameter) if value.shape == parameter.shape else torch.empty_like(value)
            state[number][key] = like.detach().copy_(value)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return [dict(row) for row in found.meta["history"]]
