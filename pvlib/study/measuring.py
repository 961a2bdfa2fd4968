"""What is measured of a network: the anchor's P-vectors along training, and everything else at the end.

This is where training and measuring meet: training calls an observer, and `Bench.snapshot` is that observer's measure.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import scipy.linalg
import torch

from .. import measure
from ..experiment.data import ImageData, anchor
from ..experiment.features import extract
from ..experiment.models import build, calibrate_batchnorm
from ..experiment.recipe import Recipe
from ..experiment.train import make_transform
from ..vector_names import ALONG, CONVENTIONS, PRIMARY, SPLITS, DataName, FullName, VectorName

# Networks trained on one of these are also shown the training anchor of the other (protocol 4).
OTHER = {"cifar10": "cifar100", "cifar100": "cifar10"}
SPAN = 9  # directions kept of the primary layer, centred, at least: spans of 2, 9 and classes - 1 are compared (protocol 6)
SPECTRUM = 32  # singular values kept
BOOTSTRAPS = 100


class NotFinite(RuntimeError):
    """The network gives NaN or infinite features: it has diverged."""


def convene(features: np.ndarray, convention: str) -> tuple[np.ndarray, bool]:
    """The matrix and the `center` argument that a convention asks for."""
    matrices = {
        "uncentred": lambda: features,
        "centred": lambda: features,
        "standardised": lambda: standardised(features),
        "unit": lambda: measure.unit_rows(features),
        "unit_centred": lambda: measure.unit_rows(features),
    }
    return matrices[convention](), convention not in ("uncentred", "unit")


def standardised(features: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1 in float64; a column that does not vary is dropped (all of them: one of zeros)."""
    columns = np.asarray(features, dtype=np.float64)
    columns = columns[:, np.ptp(columns, axis=0) > 0]
    if not columns.shape[1]:
        return np.zeros((len(columns), 1))
    return (columns - columns.mean(0)) / columns.std(0)


def p_vector(features: np.ndarray, convention: str, k: int = 1) -> measure.PVector | None:
    """The P-vector under a convention; None where there is none (no variance left, or all zero)."""
    matrix, center = convene(features, convention)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", measure.TieWarning)  # ties are a column of the tables
            return measure.p_vector(matrix, center=center, k=min(k, *matrix.shape))
    except measure.NoDirection:
        return None


@dataclass
class Bench:
    """The anchor of one data set as one recipe's networks see it, with the data's own P-vectors."""

    recipe: Recipe
    data: ImageData
    device: str = "cpu"
    other: ImageData | None = None  # whose training anchor trained networks are shown, too
    images: dict = field(init=False)
    labels: dict = field(init=False)
    brightness: dict = field(init=False)
    ids: dict = field(init=False)
    pixels: dict = field(init=False)

    def __post_init__(self):
        chosen = anchor(self.data)
        self.ids = {"train": chosen.train_ids, "test": chosen.test_ids}
        parts = {"train": self.data.train, "test": self.data.test}
        self.images = {split: parts[split].images[self.ids[split]] for split in SPLITS}
        self.labels = {split: parts[split].labels[self.ids[split]].numpy() for split in SPLITS}
        self.brightness = {split: self.images[split].float().mean(dim=(1, 2, 3)).numpy() for split in SPLITS}
        self.pixels = data_p_vectors(self.data)
        self.transform = make_transform(self.recipe, self.data)

    @property
    def span(self) -> int:
        """Directions kept of the primary layer, centred: classes - 1 where twice as many fit into its width."""
        return max(SPAN, self.data.num_classes - 1)

    def features(self, model: torch.nn.Module, split: str) -> dict[str, np.ndarray]:
        """Features of the anchor at every layer that the network names: layer -> (n, d) float32."""
        return self._extract(model, self.images[split], dict(model.layers))  # type: ignore[arg-type]  # of the registry

    def _extract(self, model, images: torch.Tensor, layers: dict[str, str]) -> dict[str, np.ndarray]:
        found = extract(
            model,
            images,
            layers,
            device=self.device,
            precision=self.recipe.precision,
            transform=self.transform,
            channels_last=False,
            batch_size=512,
            check=False,
        )
        for layer, value in found.items():
            if not torch.isfinite(value).all():
                raise NotFinite(f"features at {layer} are not finite")
        return {layer: value.numpy() for layer, value in found.items()}

    def snapshot(self, model: torch.nn.Module, step: int) -> tuple[dict[str, torch.Tensor], list[dict]]:
        """P-vectors by name, (n,) float32 each, and a row of scalars for each."""
        vectors, rows = {}, []
        for split in SPLITS:
            for name, features, found in directions(self.features(model, split), str(step), split, ALONG):
                vectors[str(name)] = torch.from_numpy(found.vector.astype(np.float32))
                row = {part: value for part, value in asdict(name).items() if part != "state"}
                row |= spectrum(found) | against_data(found.vector, name, self.pixels)
                if (split, name.layer) == ("train", PRIMARY):
                    row["sigmas"] = singular_values(features, name.convention == "centred")
                rows.append(row)
        return vectors, rows

    def finals(self, model: torch.nn.Module, state: str) -> tuple[dict[str, torch.Tensor], list[dict]]:
        """P-vectors by name, all conventions at all layers, (k, n) float16 each, and rows."""
        vectors, rows = {}, []
        for split in SPLITS:
            seed = self.recipe.stream("bootstrap") if (state, split) == ("trained", "train") else None
            about = {"pixels": self.pixels, "brightness": self.brightness[split], "labels": self.labels[split]}
            for name, features, found in directions(self.features(model, split), state, split, CONVENTIONS):
                spanned = name.layer == PRIMARY and name.convention == "centred"
                vectors[str(name)] = half(self._span(features, found) if spanned else found.vectors)
                rows.append(final_row(name, features, found, **about, bootstrap=seed))
        return vectors, rows

    def _span(self, features: np.ndarray, found: measure.PVector) -> np.ndarray:
        """(n, k) the first centred directions: as many as spans are compared of, or the P-vector alone of a thin layer."""
        k = self.span if 2 * self.span <= features.shape[1] else SPAN
        more = p_vector(features, "centred", k=k) if k <= min(features.shape) else None
        return found.vectors if more is None else more.vectors

    def elsewhere(self, model: torch.nn.Module, state: str) -> tuple[dict[str, torch.Tensor], list[dict]]:
        """P-vectors on the training anchor of the other data set, fed as the network's own: as `finals`, nothing if none."""
        if self.other is None:
            return {}, []
        vectors, rows = {}, []
        images = self.other.train.images[anchor(self.other).train_ids]
        layers = self._extract(model, images, dict(model.layers))  # type: ignore[arg-type]  # of the registry
        for name, features, found in directions(layers, state, f"{self.other.name}-train", ALONG):
            vectors[str(name)] = half(found.vectors)
            rows.append(first_columns(name, features, found))
        return vectors, rows

    def untrained(self) -> dict[str, torch.nn.Module]:
        """The network before training: as initialised where it has BatchNorm, and with its statistics calibrated."""

        def fresh():
            return build(
                self.recipe.architecture,
                self.data.shape,
                self.data.num_classes,
                width=self.recipe.width,
                generator_seed=self.recipe.stream("init"),
            ).to(self.device)

        model = fresh()
        if not any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in model.modules()):
            return {"untrained": model}
        calibrated = fresh()
        calibrate_batchnorm(calibrated, [self.transform(self.images["train"].to(self.device))])
        return {"untrained": calibrated, "untrained_raw": model}

    def whole(self, model: torch.nn.Module) -> tuple[dict[str, torch.Tensor], list[dict]]:
        """P-vectors of the full splits at the primary layer, and how far each is from the anchor's own."""
        vectors, rows = {}, []
        for split, part in (("train", self.data.train), ("test", self.data.test)):
            primary = {PRIMARY: model.layers[PRIMARY]}  # type: ignore[index]  # of the registry
            features = self._extract(model, part.images, primary)[PRIMARY]  # type: ignore[arg-type]
            for convention in ALONG:
                full, own = p_vector(features, convention), p_vector(features[self.ids[split]], convention)
                if full is None or own is None:
                    continue
                name = FullName(split, convention)
                vectors[str(name)] = torch.from_numpy(full.vector.astype(np.float32))
                kept = full.vector[self.ids[split]]
                rows.append({**asdict(name), "cos_anchor": measure.cosine(kept / np.linalg.norm(kept), own.vector)})
        return vectors, rows

    def similarity_to_data(self, model: torch.nn.Module) -> float:
        """Linear CKA between the primary layer and the pixels, on the training anchor (baseline of claim 3)."""
        return float(measure.linear_cka(self.features(model, "train")[PRIMARY], flat(self.images["train"])))


def directions(
    features: Mapping[str, np.ndarray], state: str, split: str, conventions: Sequence[str]
) -> Iterator[tuple[VectorName, np.ndarray, measure.PVector]]:
    """Every P-vector that the layers have, with its name and the features that it is of."""
    for layer, matrix in features.items():
        for convention in conventions:
            if (found := p_vector(matrix, convention)) is not None:
                yield VectorName(state, split, layer, convention), matrix, found


def first_columns(name: VectorName, features: np.ndarray, found: measure.PVector) -> dict:
    return {**asdict(name), "n": features.shape[0], "d": features.shape[1], **spectrum(found)}


def final_row(name: VectorName, features, found, *, pixels, brightness, labels, bootstrap: int | None) -> dict:
    """A row of the finals: what a P-vector goes with, data, brightness, norms, classes; its stability where there is a seed for the bootstrap.

    pixels : the data P-vectors, as `data_p_vectors` gives them. brightness, labels : of the same samples.
    """
    row = {
        **first_columns(name, features, found),
        "bound_deg": math.degrees(found.error_bound),
        "defined": bool(found.defined),
        **against_data(found.vector, name, pixels),
        "r_brightness": _pearson(found.vector, brightness),
        "r_norm": _pearson(found.vector, np.linalg.norm(features, axis=1)),
        "cos_mean_feature": mean_feature_cosine(features, found.vector),
        "eta2": float(measure.between_class_share(found.vector, labels)),
        "stability": math.nan,
    }
    if name.split == "train" and name.convention in ALONG:
        row["sigmas"] = singular_values(features, name.convention == "centred")
    if bootstrap is not None:
        matrix, center = convene(features, name.convention)
        row["stability"] = float(
            measure.stability(matrix, center=center, replicates=BOOTSTRAPS, seed=bootstrap).median_cos
        )
    return row


def against_data(vector: np.ndarray, name: VectorName, pixels: Mapping[DataName, measure.PVector]) -> dict:
    """|cos| with the data P-vector of the same convention (others: uncentred or centred, as they are)."""
    convention = "uncentred" if name.convention in ("uncentred", "unit") else "centred"
    return {
        column: measure.cosine(vector, pixels[DataName(layer, name.split, convention)].vector)
        for column, layer in (("cos_data", "pixels"), ("cos_data_standardised", "pixels_standardised"))
    }


def half(vectors: np.ndarray) -> torch.Tensor:
    """Columns (n, k) as rows (k, n) of half precision, as vectors are stored."""
    return torch.from_numpy(np.ascontiguousarray(vectors.T).astype(np.float16))


def mean_feature_cosine(features: np.ndarray, vector: np.ndarray) -> float:
    """|cos| of the P-vector with F mean(F), the projection of every sample on the mean feature; NaN where that is zero."""
    projected = features @ features.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(projected)
    return float(abs(projected @ vector) / length) if length > 0 else math.nan


def singular_values(features: np.ndarray, center: bool, count: int = SPECTRUM) -> list[float]:
    """The first `count` singular values of the (centred) matrix, by the eigenvalues of its smaller product in float64."""
    matrix = np.asarray(features, dtype=np.float64)
    matrix = matrix - matrix.mean(0) if center else matrix
    product = matrix.T @ matrix if matrix.shape[0] > matrix.shape[1] else matrix @ matrix.T
    size = len(product)
    values = scipy.linalg.eigvalsh(product, subset_by_index=(max(0, size - count), size - 1))[::-1]
    return np.sqrt(np.maximum(values, 0.0)).tolist()


def spectrum(found: measure.PVector) -> dict:
    """The columns that every table of P-vectors has."""
    constant = 1 / math.sqrt(len(found.vector))
    return {
        "sigma1": float(found.singular_values[0]),
        "sigma2": float(found.singular_values[1]),
        "ratio": float(found.ratio),
        "explained": float(
            found.singular_values[0] ** 2 * found.explained / np.sum(found.singular_values[: found.k] ** 2)
        ),
        "cos_constant": abs(float(found.vector.sum() * constant)),
    }


def flat(images: torch.Tensor) -> np.ndarray:
    """Pixels in [0, 1], one row an image: (N, C, H, W) uint8 -> (N, C*H*W) float32."""
    return images.reshape(len(images), -1).numpy().astype(np.float32) / 255


_DATA_VECTORS: dict[str, dict] = {}


def data_p_vectors(data: ImageData) -> dict[DataName, measure.PVector]:
    """Data P-vectors of the anchor, layers `pixels` and `pixels_standardised`."""
    if data.checksum not in _DATA_VECTORS:
        chosen, found = anchor(data), {}
        pixels = data.shape[1] * data.shape[2]
        mean = np.repeat(np.asarray(data.mean, dtype=np.float32), pixels)
        std = np.repeat(np.asarray(data.std, dtype=np.float32), pixels)
        for split, images in (
            ("train", data.train.images[chosen.train_ids]),
            ("test", data.test.images[chosen.test_ids]),
        ):
            raw = flat(images)
            for layer, matrix in (("pixels", raw), ("pixels_standardised", (raw - mean) / std)):
                for convention in ALONG:
                    found[DataName(layer, split, convention)] = p_vector(matrix, convention)
        _DATA_VECTORS[data.checksum] = found
    return _DATA_VECTORS[data.checksum]


def _pearson(u: np.ndarray, v: np.ndarray) -> float:
    return float(abs(np.corrcoef(u, v)[0, 1])) if u.std() > 0 and v.std() > 0 else math.nan
