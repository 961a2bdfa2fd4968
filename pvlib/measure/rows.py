"""A matrix of samples x features that is read as often as needed: what the engines ask of it, and two of its kinds.

`ArrayRows` is an array or tensor, read in slices and never copied whole; `BatchRows` reads batches in order, which must be
the same each time. Tensors on a GPU (`device`) and Dask arrays (`dask_rows`) are the other kinds.
"""

import mmap
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .bounds import EPS32, EPS64
from .entries import checked, is_tensor, to_float
from .moments import Applied, Moments, Right, accumulated, block_rows, joined, merged, multiplied
from .threads import shares, workers

UNCOPIED = 8192  # rows of float64 that are multiplied at once where that takes no copy of them
SMALL = 1 << 20  # a matrix of fewer entries is multiplied in float64 from the start: it costs nothing
NARROW = 512  # features up to which workers with a Gram matrix each are faster than BLAS threads
SAME = 1e-5  # relative difference of the prints of a batch in two readings: more than the rounding of a network
PAIRS = 64  # of rows that follow each other are looked at
MEMORY = 8 << 30  # bytes of physical memory, where the system does not tell
MAPPED = 0.5  # of physical memory: a larger memory map may be read from the disk each time

Blocks = Iterator[tuple[int, np.ndarray]]  # first row number and float32 or float64 block, in order


class Rows:
    """What an engine may ask of a matrix. A kind of matrix says how its `blocks` are read and in which `parts`, and may
    know a better way for the rest.
    """

    n: int = None  # type: ignore[assignment]  # unknown for batches until they have been read once
    d: int = None  # type: ignore[assignment]
    passes = 0  # readings of all rows so far
    progress = False  # show a bar of the rows read
    bar: Any = None  # while one is shown

    def blocks(self) -> Blocks:
        """All rows, in order."""
        raise NotImplementedError

    def parts(self, what: str, function: Callable[[Blocks], Any]) -> list:
        """The function of the blocks of every part of the rows, in order, computed where the part is: one reading."""
        with self.reading(what):
            return [function(self.blocks())]

    def moments(self, *, shifted: bool, exact: bool, scale: float = 1.0) -> Moments:
        """Second moments, by one reading.

        shifted : subtract the first block's mean (needed for centring). exact : multiply float32 in float64 too.
        """
        return merged(self.parts("second moments", partial(accumulated, shifted=shifted, exact=exact, scale=scale)))

    def apply(self, right: Right) -> Applied:
        """Right vectors times the scaled (centred) rows, in float64, by one reading."""
        return joined(self.parts("left vectors", partial(multiplied, right=right)))

    def survey(self) -> "Survey":
        """What entries are there, by one reading."""
        first, *others = self.parts("entries", partial(surveyed, place=self.place))
        return sum(others, first)

    def whole(self) -> "ArrayRows":
        """All rows as one array on this machine."""
        with self.reading("rows"):
            return ArrayRows(np.concatenate([block for _, block in self.blocks()]), self)

    def check_method(self, method: str) -> None:
        """ValueError for an engine that cannot be had for such rows."""

    def place(self, number: int, row: int) -> str:
        """How a user finds a row of the numbered block."""
        return ""

    def read_again(self) -> None:
        """ValueError where rows that were read are not the same when they are read again."""

    @contextmanager
    def reading(self, what: str):
        """Around one reading of all rows: counted, and with a bar on stderr where `progress` asks for it."""
        self.passes += 1
        if not self.progress:
            yield
            return
        try:
            from tqdm import tqdm
        except ImportError as error:
            raise ImportError("progress=True needs tqdm: pip install tqdm") from error
        with tqdm(total=self.n, desc=what, unit="row", unit_scale=True, file=sys.stderr) as self.bar:
            try:
                yield
            finally:
                self.bar = None

    def advance(self, count: int) -> None:
        """So many rows more are done; worker threads may say so, too."""
        if self.bar is not None:
            with self.bar.get_lock():
                self.bar.update(count)


@dataclass
class Survey:
    """What entries rows hold; of two parts the sum."""

    largest: float  # absolute value; NaN where an entry is
    bad: tuple[float, int, int, str] | None  # value, row, column and batch of the first entry that is not finite
    common: np.ndarray | None  # (1, d) the row that all rows are equal to, if they are

    def __add__(self, other: "Survey") -> "Survey":
        same = self.common is not None and other.common is not None and (self.common == other.common).all()
        return Survey(
            float(np.max([self.largest, other.largest])), self.bad or other.bad, self.common if same else None
        )

    def refuse_bad(self) -> None:
        """ValueError naming the first entry that is not finite, if there is one."""
        if self.bad is not None:
            value, row, column, place = self.bad
            raise ValueError(
                f"features hold {value} at row {row}, column {column}{place}: finite "
                "numbers are needed; remove the row, or fix the network that made it"
            )


def surveyed(blocks: Blocks, place: Callable[[int, int], str]) -> Survey:
    found = None
    for number, (start, block) in enumerate(blocks, 1):
        largest, bad = float(np.max([block.max(), -block.min()])), None
        if not np.isfinite(largest):
            row, column = map(int, np.argwhere(~np.isfinite(block))[0])
            bad = float(block[row, column]), start + row, column, place(number, row)
        same = (block[-1] == block[0]).all() and (block == block[0]).all()
        here = Survey(largest, bad, block[:1].copy() if same else None)
        found = here if found is None else found + here
    return found  # type: ignore[return-value]  # there is at least one block


class ArrayRows(Rows):
    """A two-dimensional array or tensor; that of another device comes here block by block."""

    moderate = False  # whether the entries are known to be far inside the range of floats

    def __init__(self, matrix, origin: Rows | None = None):
        self.matrix = matrix
        self.n, self.d = map(int, matrix.shape)
        self.dtype = to_float(matrix[:1, :1]).dtype  # float32 or float64, of the blocks
        if origin is not None:
            self.passes, self.progress = origin.passes, origin.progress

    def block(self, start: int, stop: int) -> np.ndarray:
        return to_float(self.matrix[start:stop])

    def columns(self, first: int, last: int) -> np.ndarray:
        """All rows of the columns first to last."""
        return to_float(self.matrix[:, first:last])

    @property
    def size(self) -> int:
        """Rows of a block."""
        return block_rows(self.d, self.dtype.itemsize)

    @property
    def short(self) -> int:
        """Rows of a block of which float64 copies are made."""
        return max(16, SMALL // self.d)

    def blocks(self) -> Blocks:
        return self._blocks(range(0, self.n, self.size))

    def _blocks(self, part: range) -> Blocks:
        for start in part:
            block = self.block(start, min(start + part.step, part.stop))
            yield start, block
            self.advance(len(block))

    def shared(self, size: int, function: Callable[[range], Any]) -> list:
        """The function of a range of block starts for each worker."""
        with workers() as (run, count):
            return run(function, shares(self.n, count, size))

    def parts(self, what: str, function: Callable[[Blocks], Any], size: int | None = None) -> list:
        with self.reading(what):
            return self.shared(size or self.size, lambda part: function(self._blocks(part)))

    def moments(self, *, shifted: bool, exact: bool, scale: float = 1.0) -> Moments:
        exact = exact or self.n * self.d <= SMALL
        uncopied = self.dtype == np.float64 and not shifted and scale == 1.0
        size = UNCOPIED if uncopied else block_rows(self.d, 8 if exact else self.dtype.itemsize)
        sums = partial(accumulated, shifted=shifted, exact=exact, scale=scale, size=size)
        if self.d <= NARROW:
            return merged(self.parts("second moments", sums, size))
        with self.reading("second moments"):
            return sums(self._blocks(range(0, self.n, size)))

    def apply(self, right: Right) -> Applied:
        """Where the Gram matrix was made in the precision of the entries, F'F V is known from it, and F V is multiplied
        in that precision too; not where scaling or subtracting the mean afterwards would lose digits, nor where the
        errors of float32 do not cancel.
        """
        double = self.dtype == np.float64
        small = self.n * self.d <= SMALL
        lossy = right.scale != 1.0 or right.raw > 100 * right.total or (not double and self.repeated)
        if small or right.exact != double or lossy:
            return joined(self.parts("left vectors", partial(multiplied, right=right), self.short))
        left = self.project(right.vectors.astype(self.dtype)).astype(np.float64)
        left = left - left.mean(axis=0) if right.centre else left
        rounding = right.weyl if right.exact else EPS32 * right.values[0]
        return Applied(left, right.image, right.raw, rounding, EPS64 if double else EPS32)

    def project(self, columns: np.ndarray) -> np.ndarray:
        """The rows times columns (d, k), in the precision of the entries."""
        left = np.empty((self.n, columns.shape[1]), self.dtype)
        # BLAS multiplies by a vector faster than by a matrix of one column.
        out, columns = (left[:, 0], columns[:, 0]) if columns.shape[1] == 1 else (left, columns)

        def share(part: range) -> None:
            for start, block in self._blocks(part):
                np.matmul(block, columns, out=out[start : start + len(block)])

        with self.reading("left vectors"):
            self.shared(self.short, share)
        return left

    def whole(self) -> "ArrayRows":
        return self

    @property
    def pickable(self) -> bool:
        """Whether rows can be picked here and there at little cost, and all be read many times."""
        elsewhere = is_tensor(self.matrix) and self.matrix.device.type != "cpu"
        return not elsewhere and not (mapped(self.matrix) and self.matrix.nbytes > MAPPED * physical_memory())

    @property
    def repeated(self) -> bool:
        """Whether one of some rows is equal to the next. In long runs of them rounding errors add up: 25 `EPS32` seen."""
        rows = np.linspace(0, self.n - 2, PAIRS).astype(int)
        return bool((to_float(self.matrix[rows]) == to_float(self.matrix[rows + 1])).all(axis=1).any())

    def sample(self, count: int) -> np.ndarray:
        """So many rows (all where there are fewer), a random one of each stretch: rows may alternate."""
        edges = np.linspace(0, self.n, min(count, self.n) + 1).astype(int)
        return to_float(self.matrix[np.random.default_rng(0).integers(edges[:-1], edges[1:])])


def mapped(matrix) -> bool:
    """Whether it is a memory map of a file, or a view of one."""
    while isinstance(matrix, np.ndarray):
        matrix = matrix.base
    return isinstance(matrix, mmap.mmap)


def physical_memory() -> int:
    """Bytes; the assumption MEMORY where the system does not tell (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return MEMORY


class BatchRows(Rows):
    """Batches of rows that can be read several times; every reading is checked against the first one."""

    def __init__(self, batches: Iterable):
        self.batches = batches
        self.prints: list[Print] = []  # of every batch, from the first reading

    def blocks(self) -> Blocks:
        start = number = 0
        for number, batch in enumerate(self.batches, 1):
            block = to_float(checked(batch, f"batch {number}"))
            self.d = block.shape[1] if self.d is None else self.d
            if block.shape[1] != self.d:
                raise ValueError(
                    f"batch {number} has {block.shape[1]} columns, the batches before it have {self.d}: "
                    "every batch needs the same features in the same order"
                )
            if self.n is not None and start + len(block) > self.n:
                raise changed_batches(self.n, start + len(block))
            self._recognise(number, block)
            yield start, block
            self.advance(len(block))
            start += len(block)
        if number == 0:
            raise ValueError("the batches are empty: there is not one row to measure")
        if self.n is not None and self.n != start:
            raise changed_batches(self.n, start)
        self.n = start

    def _recognise(self, number: int, block: np.ndarray) -> None:
        """ValueError where a batch is not the one of the first reading."""
        found = Print.of(block)
        if number > len(self.prints):
            self.prints.append(found)
        elif found.differs(self.prints[number - 1]):
            raise ValueError(
                f"batch {number} holds other rows than at first, or in another order: batches must be the same each time "
                "they are read (no shuffling, no random augmentation, a network in eval mode)"
            )

    def whole(self) -> ArrayRows:
        """Joined, and read once more: they might come in another order each time."""
        found = super().whole()
        self.read_again()
        found.passes = self.passes
        return found

    def place(self, number: int, row: int) -> str:
        return f" (batch {number}, its row {row})"

    def read_again(self) -> None:
        with self.reading("the same rows"):
            for _ in self.blocks():
                pass


@dataclass(frozen=True)
class Print:
    """What tells a batch from one of other rows, or of the same rows in another order: random combinations of the
    entries of its first row, and of all differences from it.
    """

    rows: int
    first: float
    rest: float
    scales: tuple[float, float]  # what the two are large beside

    @classmethod
    def of(cls, block: np.ndarray) -> "Print":
        n, d = block.shape
        weights = np.random.default_rng(0).standard_normal(n + d)
        columns, head = weights[n:], block[0].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            rest = (block - block[0]) @ columns.astype(block.dtype)
            if not np.isfinite(rest).all():
                rest = (block.astype(np.float64) - head) @ columns
            rest = rest.astype(np.float64)
            scales = float(np.abs(head) @ np.abs(columns)), float(np.linalg.norm(rest))
            return cls(n, float(head @ columns), float(weights[:n] @ rest), scales)

    def differs(self, other: "Print") -> bool:
        """False where an entry is not finite: that is found and named elsewhere."""
        pairs = zip((self.first, self.rest), (other.first, other.rest), other.scales, strict=True)
        return self.rows != other.rows or any(abs(one - two) > SAME * scale for one, two, scale in pairs)


def changed_batches(before: int, now: int) -> ValueError:
    more = " or more" if now > before else ""
    return ValueError(
        f"the batches held {before} rows at first and {now}{more} when read again: they must not change between passes"
    )
