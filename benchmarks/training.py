"""Images per second of our training and input beside the ordinary way, in one run. `python benchmarks/training.py --help`.

Writes results/benchmarks/training-cpu.json, or training-cuda.json. Each case is a process of its own in which the ways
take turns, so that what else the machine does meets them alike; a ratio is the median over the turns. The ways:

    ordinary      a data set that makes a PIL image of each sample and transforms it with torchvision, a DataLoader with
                  as many workers as cores (started before the clock), eager float32
    ours_f32      `pvlib.experiment.train.train`, float32
    ours_default  the same in the precision that the study `paper` has for it
    prepared      as ours_default, with all batches augmented beforehand and lying on the device: the upper limit

Network, initial weights, batch size and optimiser are those of the study's recipe whatever the way. All threads for each.
"""

import argparse
import dataclasses
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from common import child, installed, machine, write
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from pvlib.experiment import augment
from pvlib.experiment.data import DataError, ImageData, Split, load
from pvlib.experiment.models import build
from pvlib.experiment.objectives import augmented, nt_xent
from pvlib.experiment.precision import autocast, has_bfloat16
from pvlib.experiment.recipe import Recipe
from pvlib.experiment.torchvision_shim import import_torchvision
from pvlib.experiment.train import batches, make_model, make_optimiser, make_transform, train
from pvlib.experiment.training_set import generator
from pvlib.study.config import load_study

WAYS = ("ordinary", "ours_f32", "ours_default", "prepared")
INPUT_WAYS = ("ordinary", "ours_f32")  # pixels are float32 whatever the network computes in
SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
SMALL = {"images": 64, "batch_size": 32}
SHARE = 0.8  # of the rate with prepared batches, aimed at on a GPU
Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Case:
    """What is measured: a cell of the study `paper`, images per turn and ratio aimed at, both by kind of device."""

    cell: str
    images: dict[str, int]
    target: dict[str, float]
    input_only: bool = False


CASES = {
    "mlp": Case("mnist/mlp", {"cpu": 30_720, "cuda": 60_000}, {"cpu": 4}),
    "resnet20": Case("cifar10/resnet20", {"cpu": 5_120, "cuda": 50_000}, {"cpu": 1.6, "cuda": 3}),
    "simclr_resnet20": Case("cifar10/simclr_resnet20", {"cpu": 3_072, "cuda": 50_000}, {"cpu": 2, "cuda": 5}),
    "simclr_lenet": Case("cifar10/simclr_lenet", {"cpu": 5_120, "cuda": 50_000}, {"cpu": 2, "cuda": 5}),
    "mnist_input": Case("mnist/mlp", {"cpu": 30_720, "cuda": 60_000}, {"cpu": 60}, input_only=True),
    "simclr_views": Case("cifar10/simclr_lenet", {"cpu": 5_120, "cuda": 50_000}, {"cpu": 11}, input_only=True),
}


class Samples(Dataset):
    """The ordinary data set, as torchvision's own: each sample a PIL image, transformed on its own."""

    def __init__(self, split: Split, transform: Callable, views: int):
        self.pixels = split.images.permute(0, 2, 3, 1).squeeze(3).contiguous().numpy()
        self.labels = split.labels.tolist()
        self.transform, self.views = transform, views

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        image = Image.fromarray(self.pixels[index])
        if self.views == 1:
            return self.transform(image), self.labels[index]
        return [self.transform(image) for _ in range(self.views)], self.labels[index]


def ordinary_transform(recipe: Recipe, data: ImageData) -> Callable:
    """What a recipe's augmentation is in torchvision's words."""
    T = import_torchvision().transforms
    ours = {"none": [], "crop_flip": [T.RandomCrop(32, padding=4), T.RandomHorizontalFlip()]}
    jitter = T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8)
    crop = T.RandomResizedCrop(32, scale=(0.2, 1.0))
    ours["views"] = [crop, T.RandomHorizontalFlip(), jitter, T.RandomGrayscale(p=0.2)]
    return T.Compose([*ours[recipe.augment], T.ToTensor(), T.Normalize(data.mean.tolist(), data.std.tolist())])


def ordinary_loader(recipe: Recipe, data: ImageData, device: torch.device) -> DataLoader:
    views = 2 if recipe.objective == "contrastive" else 1
    return DataLoader(
        Samples(data.train, ordinary_transform(recipe, data), views),
        batch_size=recipe.batch_size,
        shuffle=True,
        num_workers=cores(),
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )


def ordinary_batches(loader: DataLoader, device: torch.device) -> Iterator[Batch]:
    """Batches on the device, two views one after the other."""
    for images, labels in loader:
        images = torch.cat(images) if isinstance(images, list) else images
        yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def our_batches(recipe: Recipe, data: ImageData) -> Iterator[Batch]:
    """What the network is fed in an epoch of ours, where the images lie: by index, augmented as a batch, standardised."""
    images, labels = data.train.images, data.train.labels
    transform, draws = make_transform(recipe, data), generator(recipe.stream("augment", 0))
    for batch in batches(recipe, 0, len(images), -(-len(images) // recipe.batch_size), images.device):
        chosen = images.index_select(0, batch)
        if recipe.objective == "contrastive":
            pixels = torch.cat([augment.views(chosen, draws), augment.views(chosen, draws)])
        else:
            pixels = augmented(chosen, recipe.augment, draws)
        yield transform(pixels), labels[batch]


def moved(data: ImageData, device: torch.device) -> ImageData:
    """The same with its training images on the device, as training has them before its clock starts."""
    return dataclasses.replace(data, train=Split(data.train.images.to(device), data.train.labels.to(device)))


def fit(model, recipe: Recipe, given: Iterable[Batch], device: torch.device) -> None:
    """The plain loop over ready batches: one optimiser step for each."""
    optimiser = make_optimiser(recipe, model)
    for images, labels in given:
        with autocast(device, recipe.precision):
            output = model(images)
            contrastive = recipe.objective == "contrastive"
            loss = nt_xent(output, recipe.temperature) if contrastive else F.cross_entropy(output.float(), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()


def training_turns(recipe: Recipe, data: ImageData, device: torch.device) -> dict[str, Callable[[], float]]:
    """For each way, what trains once over the data and returns the seconds that it took."""
    plain = dataclasses.replace(recipe, precision="float32")
    loader = ordinary_loader(plain, data, device)
    ready = list(our_batches(recipe, moved(data, device)))

    def ordinary() -> float:
        seed = plain.stream("init")
        model = build(plain.architecture, data.shape, data.num_classes, width=plain.width, generator_seed=seed)
        model = model.to(device).train()
        return seconds(lambda: fit(model, plain, ordinary_batches(loader, device), device), device)

    def prepared() -> float:
        model = make_model(recipe, data, device).train()
        return seconds(lambda: fit(model, recipe, ready, device), device)

    return {
        "ordinary": ordinary,
        "ours_f32": lambda: train(plain, data, device=device).history[0]["seconds"],
        "ours_default": lambda: train(recipe, data, device=device).history[0]["seconds"],
        "prepared": prepared,
    }


def input_turns(recipe: Recipe, data: ImageData, device: torch.device) -> dict[str, Callable[[], float]]:
    """The same for batches that nothing is done with."""
    loader, lying = ordinary_loader(recipe, data, device), moved(data, device)

    def exhaust(given: Callable[[], Iterable[Batch]]) -> float:
        return seconds(lambda: [None for _ in given()], device)

    return {
        "ordinary": lambda: exhaust(lambda: ordinary_batches(loader, device)),
        "ours_f32": lambda: exhaust(lambda: our_batches(recipe, lying)),
    }


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Of one call, to the end of what it started on the device."""
    began = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def cores() -> int:
    return len(os.sched_getaffinity(0))


def case_recipe(case: Case, small: bool) -> Recipe:
    """The first run of the case's cell, for one epoch."""
    recipe = next(run.recipe for run in load_study("paper").runs if run.cell == case.cell)
    return dataclasses.replace(recipe, epochs=1, batch_size=SMALL["batch_size"] if small else recipe.batch_size)


def images_of(name: str, count: int, small: bool) -> tuple[ImageData, bool]:
    """The first `count` training images, and whether they are made up: without PVLIB_DATA nothing is downloaded."""
    try:
        data = None if small or "PVLIB_DATA" not in os.environ else load(name)
    except DataError:
        data = None
    made_up = data is None
    if made_up:
        draws = generator(0)
        images = torch.randint(0, 256, (count, *SHAPES[name]), dtype=torch.uint8, generator=draws)
        split = Split(images, torch.randint(10, (count,), generator=draws))
        data = ImageData.from_splits(name, split, split, [str(label) for label in range(10)])
    return dataclasses.replace(data, train=data.train[torch.arange(count)]), made_up


def measure(name: str, device: torch.device, rounds: int, small: bool) -> dict:
    """In a child: a turn of each way that does not count, then `rounds` turns each, one way after the other."""
    case = CASES[name]
    recipe = case_recipe(case, small)
    count = SMALL["images"] if small else case.images[device.type]
    data, made_up = images_of(recipe.dataset, count, small)
    turns = (input_turns if case.input_only else training_turns)(recipe, data, device)
    for turn in turns.values():
        turn()
    rows = [
        {"case": name, "round": number, "way": way, "images_per_s": count / turn()}
        for number in range(rounds)
        for way, turn in turns.items()
    ]
    facts = {
        "case": name,
        "cell": case.cell,
        "images": count,
        "batch_size": recipe.batch_size,
        "precision": "float32" if case.input_only else recipe.precision,
        "bfloat16": has_bfloat16(device),
        "made_up_images": made_up,
        "threads": torch.get_num_threads(),
        "workers": cores(),
    }
    return {"facts": facts, "rows": rows}


def summary(name: str, rows: list[dict], device: str) -> dict:
    """Median rates of a case's ways, and over the rounds the median, least and greatest of their ratios."""
    rates = {way: [row["images_per_s"] for row in rows if row["way"] == way] for way in WAYS}
    if CASES[name].input_only:
        rates["ours_default"] = rates["ours_f32"]

    def ratios(one: str, other: str, name: str) -> dict[str, float | None]:
        each = [a / b for a, b in zip(rates[one], rates[other], strict=False)]
        summed = (statistics.median(each), min(each), max(each)) if each else (None, None, None)
        return dict(zip((name, f"{name}_low", f"{name}_high"), summed, strict=True))

    return {
        "case": name,
        **{way: statistics.median(found) if found else None for way, found in rates.items()},
        **ratios("ours_f32", "ordinary", "ratio_f32"),
        **ratios("ours_default", "ordinary", "ratio_default"),
        **ratios("ours_default", "prepared", "share_of_prepared"),
        "target": CASES[name].target.get(device),
        "target_share": SHARE if device == "cuda" and not CASES[name].input_only else None,
    }


def run(cases: list[str], device: str, rounds: int, small: bool) -> dict:
    results, facts, sums, failed = [], [], [], []
    for name in cases:
        found = child(__file__, [name, device, str(rounds), str(int(small))], cores())
        if "failed" in found:
            failed.append({"case": name, **found})
            print(f"{name:16} failed: {found['failed']}", flush=True)
            continue
        results += found["rows"]
        facts.append(found["facts"])
        sums.append(summary(name, found["rows"], torch.device(device).type))
        print(line(sums[-1]), flush=True)
    where = machine()
    where["versions"]["torchvision"] = installed("torchvision")
    where["device"] = torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"
    command = f"python benchmarks/training.py --device {device}"
    return {
        "command": command,
        "machine": where,
        "cases": facts,
        "results": results,
        "summary": sums,
        "failed": failed,
    }


def line(row: dict) -> str:
    def shown(value, form):
        return "-" if value is None else format(value, form)

    rates = "  ".join(f"{way} {shown(row[way], ',.0f')}" for way in WAYS)
    return (
        f"{row['case']:16} {rates} images/s; float32 {row['ratio_f32']:.2f} x, default {row['ratio_default']:.2f} x "
        f"(aimed at {shown(row['target'], 'g')}), {shown(row['share_of_prepared'], '.0%')} of prepared"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1 ...")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a few made-up images: to see whether it runs")
    parser.add_argument("--output", type=Path, help="default: results/benchmarks/training-{cpu,cuda}.json")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, device, rounds, small = arguments.child
        torch.set_num_threads(cores())
        print(json.dumps(measure(name, torch.device(device), int(rounds), bool(int(small)))))
        return
    found = run(arguments.cases, arguments.device, arguments.rounds, arguments.small)
    kind = torch.device(arguments.device).type
    write(arguments.output or Path(f"results/benchmarks/training-{kind}.json"), found)
    if found["failed"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
