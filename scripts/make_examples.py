"""Write the example files of the page "Try your own features": what networks make of the digits' test images.

    python scripts/make_examples.py

The published ResNet-20, a multilayer perceptron of the same study, trained here in seconds, and a ResNet-20 that never learned;
the digit of every image as labels. Float16: half the size, and a check that the page reads it. Another processor trains the
perceptron to slightly other numbers, so these files are made when they are to change, and not by every build.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from pvlib import extract
from pvlib.experiment.data import anchor, load
from pvlib.experiment.models.batchnorm import calibrate_batchnorm
from pvlib.experiment.train import make_model, make_transform, train
from pvlib.study.config import load_study
from pvlib.study.networks import load_network

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "book" / "_try" / "examples"
LAYER = "penultimate"
CALIBRATION = 64  # images of a batch


def main() -> None:
    torch.set_num_threads(1)
    data = load("digits")
    ids = anchor(data).test_ids
    images = data.test.images[ids]
    published = load_network(ROOT / "results/digits/networks/resnet20-digits.safetensors", data)
    recipe = next(run.recipe for run in load_study("digits").runs if run.recipe.architecture == "mlp")
    untrained = make_model(published.recipe, data, "cpu")
    transform = make_transform(published.recipe, data)
    calibrate_batchnorm(untrained, (transform(batch) for batch in data.train.images.split(CALIBRATION)))
    networks = {
        "resnet20_trained": (published.model, published.transform),
        "mlp_trained": (train(recipe, data).model, make_transform(recipe, data)),
        "resnet20_untrained": (untrained.eval(), transform),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (model, transform) in networks.items():
        features = extract(model, images, model.layers[LAYER], transform=transform, check=False)
        np.save(FOLDER / f"{name}.npy", features.numpy().astype(np.float16))
    labels = "\n".join(map(str, data.test.labels[ids].tolist()))
    (FOLDER / "digit.csv").write_text(f"digit\n{labels}\n")


if __name__ == "__main__":
    main()
