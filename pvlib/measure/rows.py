"""A matrix read block by block, as often as needed, and what can be asked of its entries. Not the forms of input (`inputs`).

Arrays are sliced, never copied whole; half precision, integers and booleans are upcast one block at a time;
batches are read in order, again for every pass, and must be the same in each.
"""

import mmap
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BLOCK = 1 << 18  # entries in one block of a resident matrix: 1 MB of float32
SAME = 1e-5  # relative difference of the prints of a batch in two readings: more than the rounding of a network


@dataclass
class Rows:
    """A matrix of samples x features that can be read several times, block by block.

    `matrix` is the resident array (NumPy or torch, two-dimensional), or None where only `batches` are given.
    """

    matrix: Any = None
    batches: Iterable | None = None
    n: int = None  # type: ignore[assignment]  # unknown for batches until they have been read once
    d: int = None  # type: ignore[assignment]
    progress: bool = False  # show a bar of the rows read
    bar: Any = None  # while one is shown
    prints: list = field(default_factory=list)  # of every batch, from the first reading

    distributed = False  # whether parts of the rows are measured by other processes, and the whole is never here

    @property
    def resident(self) -> bool:
        return self.matrix is not None

    @property
    def is_double(self) -> bool:
        """Whether the blocks of a resident matrix are float64 (float32 otherwise)."""
        return to_float(self.matrix[:1, :1]).dtype == np.float64

    @property
    def on_host(self) -> bool:
        """Whether a resident matrix can be read chunk by chunk without moving it from another device."""
        return not is_tensor(self.matrix) or self.matrix.device.type == "cpu"

    @property
    def on_gpu(self) -> bool:
        """Whether a resident matrix is multiplied where it is: on a CUDA (or ROCm) device, which has float64."""
        return is_tensor(self.matrix) and self.matrix.device.type == "cuda"

    @property
    def mapped(self) -> bool:
        """Whether a resident matrix is a memory map of a file, or a view of one."""
        matrix = self.matrix
        while isinstance(matrix, np.ndarray):
            matrix = matrix.base
        return isinstance(matrix, mmap.mmap)

    def parts(self, function: Callable[["Rows"], Any]) -> list[tuple[int, Any]]:
        """First row and function of every part of the rows, computed where the part is: here, all rows are one part."""
        return [(0, function(self))]

    def merged(self, function: Callable[["Rows"], object], merge: Callable[[list], object]):
        """What `merge` makes of the function of every part."""
        return function(self)

    @contextmanager
    def reading(self, what: str):
        """Around one reading of the rows: a bar on stderr, where `progress` asks for it."""
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

    def blocks(self, size: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """First row number and float32 or float64 block, in order.

        `size`: rows per block of a resident matrix.
        """
        return self._slices(size) if self.resident else self._read_batches()

    def columns(self, first: int, last: int) -> np.ndarray:
        """All rows of the columns first to last of a resident matrix, as float32 or float64."""
        return to_float(self.matrix[:, first:last])

    def _slices(self, size):
        size = size or max(256, BLOCK // self.d)
        for start in range(0, self.n, size):
            block = to_float(self.matrix[start : start + size])
            yield start, block
            self.advance(len(block))

    def _read_batches(self):
        start = number = 0
        for number, batch in enumerate(self.batches, 1):
            block = to_float(checked(batch, f"batch {number}"))
            if self.d is None:
                self.d = block.shape[1]
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

    def read_again(self) -> None:
        """ValueError where batches that were read once are not the same when they are read again."""
        for _ in () if self.resident or self.distributed else self.blocks():
            pass

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


def is_tensor(value) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_dask(value) -> bool:
    dask_array = sys.modules.get("dask.array")
    return dask_array is not None and isinstance(value, dask_array.Array)


def is_sparse(value) -> bool:
    """Whether it is a sparse matrix or array of SciPy (or one with its methods)."""
    return hasattr(value, "toarray") and hasattr(value, "nnz")


def checked(array, name: str):
    """The array itself (a tensor detached; lists made an array; Dask not computed) if it is a real, two-dimensional,
    non-empty matrix.
    """
    array = real(array, name)
    if array.ndim != 2:
        hint = (
            "average feature maps over positions or flatten them first"
            if array.ndim > 2
            else "use x[:, None] for one feature"
        )
        raise ValueError(
            f"{name} has shape {tuple(array.shape)}: samples x features, two dimensions, are needed; {hint}"
        )
    if array.shape[0] == 0:
        raise ValueError(f"{name} is empty (shape {tuple(array.shape)}): there is not one row to measure")
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no columns (shape {tuple(array.shape)})")
    return array


def real(array, name: str):
    """The array itself, as in `checked`, of any shape: real numbers, all of them there.

    TypeError for sparse matrices, for tensors that hold no plain numbers and for other types; ValueError for masks.
    """
    if is_sparse(array):
        raise TypeError(f"{name} is a sparse {type(array).__name__}: call toarray() on it (or on blocks of its rows)")
    if is_tensor(array):
        array = array.detach()
        numeric, kind = not array.is_complex(), str(array.dtype)
    else:
        parts = array if isinstance(array, list | tuple) else [array]
        if any(np.ma.is_masked(part) for part in parts):
            raise ValueError(f"{name} is a masked array with masked entries: fill them, or drop their rows or columns")
        try:
            array = array if is_dask(array) else np.asanyarray(array)
        except (RuntimeError, TypeError) as error:  # a list of tensors on a GPU, or of nested ones
            raise TypeError(
                f"{name} cannot be read as an array: pass one tensor, or batches of two dimensions"
            ) from error
        array = array.data if isinstance(array, np.ma.MaskedArray) else array
        numeric, kind = array.dtype.kind in "fiub", str(array.dtype)
    if not numeric:
        raise TypeError(
            f"{name} has dtype {kind}: real numbers are needed (convert it, or drop its non-numeric columns)"
        )
    if is_tensor(array):
        try:
            to_float(array[(slice(0, 1),) * array.ndim])
        except (RuntimeError, TypeError, IndexError) as error:
            raise TypeError(
                f"{name} is a {type(array).__name__} of {kind} ({array.layout}, on {array.device}) that cannot be read "
                "as plain numbers: make it a float32 tensor first, by to_dense(), dequantize() or to()"
            ) from error
    return array


def float_tensor(block):
    """The tensor as float32, or float64 where float32 does not hold it; itself where it is one of these."""
    import torch

    if block.dtype in (torch.float32, torch.float64):
        return block
    narrow = block.dtype.is_floating_point or block.dtype in (torch.bool, torch.uint8, torch.int8, torch.int16)
    return block.to(torch.float32 if narrow else torch.float64)


def to_float(block) -> np.ndarray:
    """float32 or float64 on the host; a view where the block is already that."""
    if is_tensor(block):
        return float_tensor(block).numpy(force=True)
    block = np.asarray(block)
    if block.dtype in (np.float32, np.float64):
        return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))
    narrow = block.dtype == np.float16 or (block.dtype.kind in "iub" and block.dtype.itemsize <= 2)
    return block.astype(np.float32 if narrow else np.float64)


def raise_bad_entry(rows: Rows) -> None:
    """Raise ValueError naming the first entry that is not finite, if there is one (reads the rows once more)."""
    for first, bad in rows.parts(bad_entry):
        if bad is not None:
            value, row, column, place = bad
            raise ValueError(
                f"features hold {value} at row {first + row}, column {column}{place}: finite "
                "numbers are needed; remove the row or mend the network that made it"
            )


def bad_entry(rows: Rows) -> tuple[float, int, int, str] | None:
    """Value, row, column and batch of the first entry that is not finite."""
    for number, (start, block) in enumerate(rows.blocks(), 1):
        finite = np.isfinite(block)
        if not finite.all():
            row, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
            place = "" if rows.resident else f" (batch {number}, its row {row})"
            return float(block[row, column]), start + int(row), int(column), place
    return None


def largest_entry(rows: Rows) -> float:
    return max(largest for _, largest in rows.parts(largest_of))


def largest_of(rows: Rows) -> float:
    return max(float(np.abs(block).max()) for _, block in rows.blocks())


def rows_all_equal(rows: Rows) -> bool:
    (_, first), *others = rows.parts(common_row)
    return first is not None and all(row is not None and (row == first).all() for _, row in others)


def common_row(rows: Rows) -> np.ndarray | None:
    """(1, d) the row that all rows are equal to, if they are."""
    first = None
    for _, block in rows.blocks():
        first = block[:1].copy() if first is None else first
        if not (block == first).all():
            return None
    return first
