"""What looks wrong in a matrix of features, said in one line each. Needs NumPy alone, so that every room can ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

BLOCK = 1 << 24  # bytes


class FeatureWarning(UserWarning):
    """Features that can be measured, and may not be what was meant: dead, random, of duplicated samples."""


@dataclass(frozen=True)
class Findings:
    """What `examine` saw: a sentence for each thing that looks wrong, and a code of every row."""

    name: str
    lines: tuple[str, ...]
    codes: tuple[int, ...]

    def same_rows_in_another_order(self, other: Findings) -> bool:
        return self.codes != other.codes and sorted(self.codes) == sorted(other.codes)


def blocks_of(matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Rows in blocks of some megabytes: looking at a matrix should not take a second one, nor read a memory map whole."""
    size = max(1, BLOCK // max(1, matrix[:1].nbytes))
    return (np.asarray(matrix[start : start + size]) for start in range(0, len(matrix), size))


def examine(blocks: Iterable[np.ndarray], name: str) -> Findings:
    """Look once at the rows of a matrix, which may come in blocks."""
    codes: list[int] = []
    low = high = np.array([])
    broken, first = 0, ""
    for block in blocks:
        finite = np.isfinite(block)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            first = first or f"{block[row, column]} at row {len(codes) + row}, column {column}"
            broken += int((~finite).sum())
        least, most = block.min(axis=0), block.max(axis=0)
        low, high = (np.minimum(low, least), np.maximum(high, most)) if len(low) else (least, most)
        codes += [hash(row.tobytes()) for row in np.ascontiguousarray(block + 0)]  # + 0: of -0.0 and 0.0 one code
    constant, dead = int((low == high).sum()), int(((low == 0) & (high == 0)).sum())
    repeated = len(codes) - len(set(codes))
    lines = []
    if broken:
        lines.append(f"{name} holds {first}; entries that are not finite: {broken}")
    if constant:
        lines.append(
            f"{constant} of {len(low)} features of {name} are constant" + (f", {dead} of them always 0" if dead else "")
        )
    if repeated and constant < len(low):
        lines.append(f"{repeated} of {len(codes)} rows of {name} repeat another row: were samples given twice?")
    return Findings(name, tuple(lines), tuple(codes))
