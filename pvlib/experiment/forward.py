"""Forward passes of a model, in pieces that suit the processor and the memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from .hooks import listening
from .inputs import Batch, call, cut, moved, size

LARGEST = 512
SMALLEST = 8
CACHE = 2 << 20  # bytes, of a processor core


class Forward:
    """Runs batches, in pieces of `limit` samples or as small as memory demands."""

    def __init__(self, model: nn.Module, device, transform: Callable | None, limit: int | None, clear: Callable):
        self.model, self.device, self.transform, self.limit, self.clear = model, device, transform, limit, clear
        self.dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)

    def pieces(self, batch: Batch) -> Iterator[int]:
        """The number of samples in each piece, after it went through the model."""
        if self.limit is None:
            self.limit = self.suited(batch)
        start, stop = 0, size(batch)
        while start < stop:
            piece = cut(batch, start, start + self.limit)
            try:
                self.run(piece)
            except RuntimeError as error:
                if not is_out_of_memory(error) or size(piece) == 1:
                    raise
                self.limit = size(piece) // 2
                print(f"pvlib: out of memory at {size(piece)} samples; going on with {self.limit}", file=sys.stderr)
            else:
                start += size(piece)
                yield size(piece)
                continue
            if self.device.type == "cuda":  # after the error, whose traceback keeps the batch alive, is gone
                torch.cuda.empty_cache()

    def suited(self, batch: Batch) -> int:
        """On a CPU as many as keep the largest activation in the cache, or as large as the largest matrix of weights,
        which is read for every piece: a power of two. Elsewhere LARGEST.

        A rule and not a stopwatch, so that two calls compute the same digits. On one core, images a second with 512 and
        by the rule: a small CNN 1,150 and 1,520, ResNet-20 260 and 730, a Transformer 5,000 and 5,500; an MLP gets 512.
        """
        if self.device.type != "cpu":
            return LARGEST
        largest = [1]

        def weigh(module, arguments, output):
            if isinstance(output, Tensor):
                largest.append(output.nbytes)

        sample = cut(batch, 0, 2)  # two, because BatchNorm without running statistics refuses one
        try:
            with listening([(module, weigh) for module in self.model.modules()]):
                self.run(sample)
        except RuntimeError as error:
            if is_out_of_memory(error):
                return 1
            raise
        room = max([CACHE, *(parameter.nbytes for parameter in self.model.parameters())])
        return min(LARGEST, max(SMALLEST, 1 << (size(sample) * room // max(largest)).bit_length() - 1))

    def run(self, piece: Batch) -> object:
        """What the model returns for a piece; what an earlier piece left behind is cleared first."""
        self.clear()
        if isinstance(piece, Tensor) and piece.dtype == torch.uint8 and self.transform is None:
            raise ValueError("inputs are uint8 images: give a transform that makes the model's input of them")
        try:
            if self.transform is not None:
                return call(self.model, self.transform(moved(piece, self.device, None)))
            return call(self.model, moved(piece, self.device, self.dtype))
        except RuntimeError as error:
            if is_out_of_memory(error) and size(piece) == 1:
                raise torch.OutOfMemoryError(self._too_large(piece, error)) from error
            raise

    def _too_large(self, piece: Batch, error: RuntimeError) -> str:
        held = sum(t.nbytes for group in (self.model.parameters(), self.model.buffers()) for t in group)
        shape = f" of shape {tuple(piece.shape[1:])}" if isinstance(piece, Tensor) else ""
        return f"out of memory on {self.device} with one sample{shape}, beside a model of {held / 1e6:.1f} MB: {error}"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the error is a lack of memory: other devices, the CPU and CUDA's libraries raise a RuntimeError."""
    words = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)
