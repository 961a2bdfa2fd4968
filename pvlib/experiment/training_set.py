"""The samples and labels that a recipe trains on: subset, label noise, random labels."""

from __future__ import annotations

import torch
from torch import Tensor

from .data import ImageData, Split
from .recipe import Recipe


def training_set(recipe: Recipe, data: ImageData) -> Split:
    """The part of the training split that the recipe asks for, with the labels that it is trained on.

    Raises
    ------
    ValueError
        More samples are asked for than there are.
    """
    split = data.train
    if recipe.train_size is not None:
        split = split[stratified_subset(split.labels, recipe.train_size, generator(recipe.draw_stream("subset")))]
    draws = generator(recipe.draw_stream("labels"))
    if recipe.labels == "random":
        return Split(split.images, torch.randint(data.num_classes, (len(split),), generator=draws))
    if recipe.label_noise:
        return Split(split.images, noisy_labels(split.labels, recipe.label_noise, data.num_classes, draws))
    return split


def generator(seed: int) -> torch.Generator:
    """A generator on the CPU, whatever the device: the same draws everywhere."""
    return torch.Generator().manual_seed(seed)


def stratified_subset(labels: Tensor, size: int, draws: torch.Generator) -> Tensor:
    """Ascending ids of `size` random samples that keep the classes' shares (to within one sample)."""
    if size > len(labels):
        raise ValueError(f"train_size {size}: there are only {len(labels)} training samples")
    shuffled = torch.randperm(len(labels), generator=draws)
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    counts = torch.bincount(labels)
    starts = counts.cumsum(0) - counts
    rank = torch.arange(len(labels)) - starts[labels[by_class]]
    position = (rank + 0.5) / counts[labels[by_class]]  # of a sample in its shuffled class, in (0, 1)
    return by_class[position.argsort(stable=True)[:size]].sort().values


def noisy_labels(labels: Tensor, share: float, num_classes: int, draws: torch.Generator) -> Tensor:
    """A copy in which that share of the labels, chosen at random, is another class, each as likely."""
    chosen = torch.randperm(len(labels), generator=draws)[: round(share * len(labels))]
    shift = torch.randint(1, num_classes, (len(chosen),), generator=draws)
    noisy = labels.clone()
    noisy[chosen] = (labels[chosen] + shift) % num_classes
    return noisy
