"""How good a trained network is, in the terms of its objective."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from .data import ImageData, Split
from .features import extract
from .objectives import contrastive
from .precision import autocast
from .recipe import Recipe
from .train import make_transform
from .training_set import generator, stratified_subset, training_set

BATCH = 512
PROBE_SAMPLES = 10_000


def evaluate(
    model: nn.Module, recipe: Recipe, data: ImageData, *, device: str | torch.device = "cpu"
) -> dict[str, float]:
    """Metrics of a trained network, without augmentation and in evaluation mode.

    Returns
    -------
    dict
        Always train_loss, test_loss (of the objective; squared error per pixel for every autoencoder) and weight_norm
        (root of the sum of squares over all weight matrices and kernels, biases and BatchNorm left out).
        classification: train_accuracy, test_accuracy; training samples count with the labels that they were trained
        on, test samples with the true ones.
        reconstruction: train_explained_variance, test_explained_variance, 1 - (sum of squared errors) / (sum of squared
        differences from the mean training image); probe_accuracy.
        contrastive: probe_accuracy; its losses are over one pair of views of an image, in batches of the recipe's
        size, of 10,000 samples at most.
    """
    device = torch.device(device)
    model = model.to(device).eval()
    split = training_set(recipe, data)
    measures = {"classification": _classification, "reconstruction": _reconstruction, "contrastive": _contrastive}
    measure = measures[recipe.objective]
    metrics: dict[str, float] = {}
    with torch.inference_mode():
        for name, part in (("train", split), ("test", data.test)):
            metrics |= {f"{name}_{key}": value for key, value in measure(model, recipe, data, part, device).items()}
    if recipe.objective != "classification":
        metrics["probe_accuracy"] = probe(model, recipe, data, device=device)
    metrics["weight_norm"] = weight_norm(model)
    return metrics


def score(metrics: dict[str, float], recipe: Recipe) -> tuple[str, float]:
    """The metric that a floor applies to: its name and value."""
    names = {
        "classification": "train_accuracy" if recipe.labels == "random" else "test_accuracy",
        "reconstruction": "test_explained_variance",
        "contrastive": "probe_accuracy",
    }
    name = names[recipe.objective]
    return name, metrics[name]


def probe(model: nn.Module, recipe: Recipe, data: ImageData, *, device: str | torch.device = "cpu") -> float:
    """Test accuracy of a linear classifier on the frozen penultimate features.

    Multinomial logistic regression (L2, C = 1, not tuned) on features standardised by the training samples, of which
    it gets a stratified 10,000 at most; tested on the whole test split.
    """
    train = data.train
    if len(train) > PROBE_SAMPLES:
        train = train[stratified_subset(train.labels, PROBE_SAMPLES, generator(recipe.stream("probe")))]
    features = [
        extract(
            model,
            split.images,
            {"penultimate": model.layers["penultimate"]},  # type: ignore[index, dict-item]  # of the registry
            device=device,
            precision=recipe.precision,
            transform=make_transform(recipe, data),
            channels_last=False,
            batch_size=512,
            check=False,
        )["penultimate"]
        .double()
        .numpy()
        for split in (train, data.test)
    ]
    scaler = StandardScaler().fit(features[0])
    classifier = LogisticRegression(max_iter=300, tol=1e-3).fit(scaler.transform(features[0]), train.labels.numpy())
    return float(classifier.score(scaler.transform(features[1]), data.test.labels.numpy()))


def weight_norm(model: nn.Module) -> float:
    """Root of the sum of squares over all parameters with two dimensions or more."""
    return sum(p.detach().double().square().sum().item() for p in model.parameters() if p.ndim > 1) ** 0.5


def _outputs(model, recipe: Recipe, data: ImageData, split: Split, device) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Output (float32), images and labels of a split, batch by batch, on the device."""
    transform = make_transform(recipe, data)
    for images, labels in zip(split.images.split(BATCH), split.labels.split(BATCH), strict=True):
        images = images.to(device)
        with autocast(device, recipe.precision):
            output = model(transform(images))
        yield output.float(), images, labels.to(device)


def _classification(model, recipe: Recipe, data: ImageData, split: Split, device) -> dict[str, float]:
    loss = correct = 0.0
    for logits, _, labels in _outputs(model, recipe, data, split, device):
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
    return {"loss": loss / len(split), "accuracy": correct / len(split)}


def _reconstruction(model, recipe: Recipe, data: ImageData, split: Split, device) -> dict[str, float]:
    mean = _mean_image(data.train.images).to(device)
    error = variance = 0.0
    for output, images, _ in _outputs(model, recipe, data, split, device):
        pixels = images.flatten(1).double() / 255
        error += (output - pixels).square().sum().item()
        variance += (pixels - mean).square().sum().item()
    return {"loss": error / (len(split) * mean.numel()), "explained_variance": 1 - error / variance}


def _contrastive(model, recipe: Recipe, data: ImageData, split: Split, device) -> dict[str, float]:
    draws = generator(recipe.stream("evaluate"))
    images = split.images[torch.randperm(len(split), generator=draws)[:PROBE_SAMPLES]]
    context: dict[str, Any] = {"recipe": recipe, "transform": make_transform(recipe, data), "generator": draws}
    total = 0.0
    for batch in images.tensor_split(-(-len(images) // recipe.batch_size)):
        with autocast(device, recipe.precision):
            total += len(batch) * contrastive(model, batch.to(device), None, **context).item()
    return {"loss": total / len(images)}


def _mean_image(images: Tensor) -> Tensor:
    """Mean of uint8 images over samples, (C*H*W,) float64 in [0, 1]: exact."""
    return images.flatten(1).sum(0, dtype=torch.int64).double() / (255 * len(images))
