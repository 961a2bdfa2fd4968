"""Comma-separated numbers, with a header or without."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from ..memory import afford
from .refused import COPY, Refused, nameless

LONGEST_LINE = 100_000_000  # characters


def comma_separated(path: Path, name: str | None) -> np.ndarray:
    """A line for each sample, its numbers separated by commas; a first line without any number is a header."""
    nameless(name)
    afford(4 * path.stat().st_size)  # 8 bytes for a digit and a comma, at the worst
    entries, width = array("d"), None
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(_lines(file), strict=True)
        for cells in filter(None, lines):
            if width is None:
                width = len(cells)
                if _is_header(cells):
                    continue
            if len(cells) != width:
                raise Refused(
                    f"line {lines.line_num} has {len(cells)} cells and the lines before it {width}; fix the line"
                )
            try:
                entries.extend(map(_number, cells))
            except ValueError:
                column, cell = next((i, cell) for i, cell in enumerate(cells, 1) if not _is_number(cell))
                raise Refused(
                    f"line {lines.line_num}, column {column}: {cell[:40]!r} is not a number; fix it or leave the line out"
                ) from None
    if width is None:
        raise Refused(f"it holds no line; {COPY}")
    return np.frombuffer(entries, np.float64).reshape(-1, width) if entries else np.empty((0, width))


def _lines(file: TextIO) -> Iterator[str]:
    for line in iter(lambda: file.readline(LONGEST_LINE), ""):
        if len(line) == LONGEST_LINE:
            raise Refused("a line is longer than 100 million characters; write a line for each sample")
        yield line


def _number(cell: str) -> float:
    if "_" in cell:  # which Python reads as 1_000
        raise ValueError(cell)
    return float(cell)


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True


def _is_header(cells: list[str]) -> bool:
    if cells == [str(place) for place in range(len(cells))]:
        raise Refused("line 1 counts 0, 1, 2, ...: columns, or a sample? delete it, or write the numbers as 0.0, 1.0")
    if any(map(_is_number, cells)):
        return False
    if not all(cell.strip() for cell in cells):
        raise Refused("a column has no name in line 1: row numbers? leave them out (pandas: to_csv(index=False))")
    return True
