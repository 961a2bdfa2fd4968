"""What is trained and how, as one value, and the named random streams that follow from it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import MISSING, dataclass, fields

from ..nearest import nearest
from .models import ARCHITECTURES

CHOICES = {
    "objective": ("classification", "reconstruction", "contrastive"),
    "labels": ("true", "random"),
    "pixels": ("standardised", "unit"),
    "optimiser": ("sgd", "adamw"),
    "augment": ("none", "crop", "crop_flip", "views", "views_grey"),
    "precision": ("float32", "bfloat16"),
    "draw": ("seed", "shared"),
}
LARGEST_INT = 2**31 - 1
VIEWS = ("views", "views_grey")
# What a draw of training samples and labels depends on where all seeds (and architectures) share it.
_DRAW_FIELDS = ("dataset", "labels", "train_size", "label_noise", "draw")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training, complete: equal recipes on equal data give equal numbers (on the same kind of machine).

    Attributes
    ----------
    dataset, architecture, objective : names; the architecture has to be one for that objective.
    labels : "true", or "random" (uniform, independent of the image).
    pixels : what the network is fed: "standardised" per channel, or "unit" ([0, 1]).
    train_size : size of a stratified subset of the training split; None is all of it.
    label_noise : share of the training labels that are replaced by another class.
    width : main width of the architecture; None is its default.
    batch_size : largest batch; an epoch is cut into batches of equal size (to within one sample).
    optimiser, lr, weight_decay, warmup : SGD with Nesterov momentum 0.9, or AdamW; the rate rises linearly over
        the share `warmup` of all steps, then falls to zero as a cosine.
    augment : crops and flips, or for the contrastive objective two views ("views_grey": neither flip nor colour).
    precision : "bfloat16" runs the network under autocast; weights and losses stay float32.
    temperature : of the contrastive loss.
    draw : subset, noise and random labels drawn for each "seed" (and recipe), or one draw "shared" by all seeds
        and architectures.

    Raises
    ------
    ValueError
        A value that is unknown, out of range, or at odds with another one.
    """

    dataset: str
    architecture: str
    objective: str
    labels: str = "true"
    pixels: str = "standardised"
    train_size: int | None = None
    label_noise: float = 0.0
    width: int | None = None
    epochs: int
    batch_size: int
    optimiser: str
    lr: float
    weight_decay: float
    warmup: float = 0.05
    augment: str = "none"
    precision: str = "float32"
    temperature: float = 0.5
    seed: int = 0
    draw: str = "seed"

    def __post_init__(self):
        for name in ("dataset", "architecture"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be text, not {getattr(self, name)!r}")
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture {self.architecture!r}: {nearest(self.architecture, ARCHITECTURES)}")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} {getattr(self, name)!r}: {nearest(getattr(self, name), allowed)}")
        for name, low in (("epochs", 1), ("batch_size", 2), ("seed", 0)):
            self._check_int(name, low)
        for name in ("train_size", "width"):
            if getattr(self, name) is not None:
                self._check_int(name, 1)
        for name, low, high in _RANGES:
            self._check_float(name, low, high)
        self._check_fit()

    def _check_int(self, name: str, low: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f"{name} must be a whole number of at least {low}, not {value!r}")
        if value > LARGEST_INT:
            raise ValueError(f"{name} must be at most {LARGEST_INT}")

    def _check_float(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            hint = " (text: YAML reads 1e-3 so; write 1.0e-3)" if isinstance(value, str) else ""
            raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}{hint}")
        object.__setattr__(self, name, float(value))  # 1 and 1.0 are the same recipe

    def _check_fit(self) -> None:
        needed = ARCHITECTURES[self.architecture].objective
        if self.objective != needed:
            raise ValueError(f"architecture {self.architecture!r} is made for {needed}, not for {self.objective}")
        if (self.objective == "contrastive") != (self.augment in VIEWS):
            raise ValueError(
                f"objective {self.objective!r} with augment {self.augment!r}: the contrastive objective needs one of "
                f"{' or '.join(VIEWS)}, and only it does"
            )
        if self.objective != "classification" and (self.labels != "true" or self.label_noise):
            raise ValueError(f"labels and label_noise mean nothing to the objective {self.objective!r}: leave them out")
        if self.labels == "random" and self.label_noise:
            raise ValueError("label_noise adds nothing to random labels: leave one of them out")

    def to_dict(self) -> dict:
        """All fields, defaults included: JSON-able."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Recipe:
        """A recipe from a mapping such as `to_dict` gives; defaults may be left out.

        Raises
        ------
        ValueError
            An unknown key (the nearest right one is named), a missing one, or a bad value.
        """
        known = {field.name: field for field in fields(cls)}
        for key in values:
            if key not in known:
                raise ValueError(f"unknown recipe key {key!r}: {nearest(key, known)}")
        missing = [name for name, field in known.items() if field.default is MISSING and name not in values]
        if missing:
            raise ValueError(f"the recipe lacks {', '.join(missing)}")
        return cls(**values)

    def stream(self, name: str, *extra: object) -> int:
        """Seed (63 bits) of the random stream of that name, such as `stream("order", epoch)`.

        Everything random of a run comes from a generator of its own, seeded so: no two runs and no two purposes
        share one, and nothing depends on how many numbers were drawn before.
        """
        return _seed([self.to_dict(), name, *extra])

    def draw_stream(self, name: str) -> int:
        """Seed of what is drawn of the training split ("subset", "labels"), see the field `draw`."""
        if self.draw == "seed":
            return self.stream(name)
        return _seed([{field: getattr(self, field) for field in _DRAW_FIELDS}, name])


_RANGES = (
    ("label_noise", 0.0, 1.0),
    ("lr", 1e-9, 1e3),
    ("weight_decay", 0.0, 1e3),
    ("warmup", 0.0, 1.0),
    ("temperature", 1e-3, 1e3),
)


def _seed(identity: list) -> int:
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
