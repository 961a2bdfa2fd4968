"""A study cut down to a rehearsal: every cell as it is, with fewer seeds, epochs and samples. YAML on stdout.

    python scripts/shrink_study.py pvlib/studies/paper-core.yml --epochs 1 --train-size 256 > build/small.yml
    pvlib run build/small.yml --store build/rehearsal

What fails in hours on a large machine (a name, a shape, a missing data set, the tables) fails here in minutes. The
numbers mean nothing, so the runs are kept in a store of their own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="YAML file of the study")
    parser.add_argument("--epochs", type=int, default=1, help="of every run (1)")
    parser.add_argument("--train-size", type=int, default=256, help="training samples of every run (256)")
    parser.add_argument("--seeds", type=int, default=1, help="most seeds of a cell (1)")
    arguments = parser.parse_args(argv)
    study = yaml.safe_load(arguments.study.read_text())
    small = shrink(study, epochs=arguments.epochs, train_size=arguments.train_size, seeds=arguments.seeds)
    yaml.safe_dump(small, sys.stdout, sort_keys=False, width=120)
    return 0


def shrink(study: dict, *, epochs: int, train_size: int, seeds: int) -> dict:
    """A copy of a parsed study under the name `STUDY-rehearsal`; grids keep their other fields whole."""
    recipe = {"epochs": epochs, "train_size": train_size}
    return {
        **study,
        "study": f"{study['study']}-rehearsal",
        "cells": [_shrink_cell(cell, recipe, seeds) for cell in study["cells"]],
    }


def _shrink_cell(cell: dict, recipe: dict, seeds: int) -> dict:
    small = {**cell, "seeds": min(cell["seeds"], seeds), "recipe": {**cell["recipe"], **recipe}}
    if "grid" in cell:
        small["grid"] = {name: values for name, values in cell["grid"].items() if name not in recipe}
    return small


if __name__ == "__main__":
    sys.exit(main())
