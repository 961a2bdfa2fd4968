"""Coarser classes: what a person would call alike, as a group for each label. Exploratory, and ours but for CIFAR-100's own."""

from __future__ import annotations

from .images import ImageData

# Krizhevsky (2009): the twenty superclasses of CIFAR-100, five classes each.
SUPERCLASSES = (
    "beaver dolphin otter seal whale",
    "aquarium_fish flatfish ray shark trout",
    "orchid poppy rose sunflower tulip",
    "bottle bowl can cup plate",
    "apple mushroom orange pear sweet_pepper",
    "clock keyboard lamp telephone television",
    "bed chair couch table wardrobe",
    "bee beetle butterfly caterpillar cockroach",
    "bear leopard lion tiger wolf",
    "bridge castle house road skyscraper",
    "cloud forest mountain plain sea",
    "camel cattle chimpanzee elephant kangaroo",
    "fox porcupine possum raccoon skunk",
    "crab lobster snail spider worm",
    "baby boy girl man woman",
    "crocodile dinosaur lizard snake turtle",
    "hamster mouse rabbit shrew squirrel",
    "maple_tree oak_tree palm_tree pine_tree willow_tree",
    "bicycle bus motorcycle pickup_truck train",
    "lawn_mower rocket streetcar tank tractor",
)
_ANIMALS = (0, 1, 7, 8, 11, 12, 13, 14, 15, 16)  # of the superclasses, people included
_VEHICLES = ("airplane", "automobile", "ship", "truck")
_STROKES = {"round": "0689", "curved": "235", "straight": "147"}


def partitions(data: ImageData) -> dict[str, list[int]]:
    """Name of a partition -> the group of every label, in label order; the data set's own classes are not among them."""
    if data.name in ("mnist", "digits"):
        groups = {digit: number for number, digits in enumerate(_STROKES.values()) for digit in digits}
        return {"strokes": [groups[str(label)] for label in range(10)]}
    if data.name == "cifar10":
        return {"animals or vehicles": [int(name in _VEHICLES) for name in data.class_names]}
    if data.name == "cifar100":
        groups = {name: number for number, names in enumerate(SUPERCLASSES) for name in names.split()}
        superclass = [groups[name] for name in data.class_names]
        return {"superclasses": superclass, "animals or things": [int(group not in _ANIMALS) for group in superclass]}
    return {}
