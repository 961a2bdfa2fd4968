"""Augmentation of whole batches on their own device, each image with its own draw.

Images come in as uint8 `(B, C, H, W)`. Random numbers come from the given generator alone and are drawn on its
device, so a CPU generator gives the same augmentation on every device.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

# Rec. 601 luma, and YIQ: hue turns the plane of I and Q.
_LUMA = (0.299, 0.587, 0.114)
_YIQ = (_LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """`(x / 255 - mean) / std` per channel, as float32, of uint8 images; floats are taken to be in [0, 1]."""
    unit = to_unit(images)
    mean, std = (to_device(v.float(), images.device)[:, None, None] for v in (mean, std))
    # In place wherever the memory is ours: input of small images costs memory traffic and nothing else.
    shifted = unit - mean if unit is images else unit.sub_(mean)
    return shifted.div_(std)


def to_unit(images: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1]; float images unchanged."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def to_device(drawn: Tensor, device: torch.device | str) -> Tensor:
    """A small tensor from the CPU on the device, without a halt there.

    A plain copy waits until the GPU has done all that was asked of it, which would empty its queue at every batch.
    """
    if torch.device(device).type != "cuda" or drawn.is_cuda:
        return drawn.to(device)
    return drawn.pin_memory().to(device, non_blocking=True)


def crop(images: Tensor, pad: int, generator: Generator, *, flip: bool = False) -> Tensor:
    """Random crop of the original size out of the image padded with zeros by `pad` on each side: any dtype, one gather.

    Parameters
    ----------
    flip : mirror each image left to right with probability 1/2, in the same gather.
    """
    batch, channels, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad))
    tops, lefts = _integers(2 * pad + 1, (2, batch), generator, images.device)
    rows = tops[:, None] + torch.arange(height, device=images.device)
    columns = lefts[:, None] + torch.arange(width, device=images.device)
    if flip:
        mirrored = _uniform((batch, 1), generator, images.device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    index = (rows[:, :, None] * padded.shape[3] + columns[:, None, :]).flatten(1)
    index = index[:, None].expand(batch, channels, height * width)
    return padded.flatten(2).gather(2, index).view(batch, channels, height, width)


def views(
    images: Tensor, generator: Generator, *, scale: tuple[float, float] = (0.2, 1.0), strength: float = 0.5
) -> Tensor:
    """One SimCLR view of each colour image, float32 in [0, 1]: resized crop, flip, colour jitter, grey.

    Parameters
    ----------
    scale : smallest and largest share of the area that a crop keeps; its aspect ratio is within 3/4 and 4/3.
    strength : of the colour jitter: brightness, contrast and saturation by factors within 1 -+ 0.8 strength, hue by
        at most 0.2 strength of a turn, all on 80 % of the images; 20 % lose their colour.

    Notes
    -----
    After Chen et al. 2020, "A simple framework for contrastive learning", with the strength 0.5 that they use on
    CIFAR-10, and without blur, as there. The jitters are linear maps of colour that commute, so their order does not
    matter; values are cut to [0, 1] once, at the end. Hue turns in YIQ, which
    keeps luma; torchvision turns it in HSV, which does not.
    """
    if images.shape[1] != 3:
        raise ValueError(f"views: three channels expected, got {images.shape[1]}; for one channel: views_grey")
    boxes = _boxes(images.shape, scale, generator)
    mirror = torch.where(_uniform((len(images),), generator, "cpu") < 0.5, -1.0, 1.0)
    boxes[:, :, 0] *= mirror[:, None]
    matrix, contrast = _colour(len(images), strength, generator)
    return _recolour(_sample(images, boxes, "border"), matrix, contrast)


def views_grey(
    images: Tensor,
    generator: Generator,
    *,
    scale: tuple[float, float] = (0.4, 1.0),
    degrees: float = 15.0,
    brightness: float = 0.3,
) -> Tensor:
    """One view of each one-channel image, float32 in [0, 1]: resized crop, small rotation, brightness.

    Neither flip nor colour: a mirrored digit is another sign. What lies outside the image is 0.

    Parameters
    ----------
    scale : smallest and largest share of the area that a crop keeps.
    degrees : largest rotation, either way.
    brightness : factors within 1 -+ this.
    """
    if images.shape[1] != 1:
        raise ValueError(f"views_grey: one channel expected, got {images.shape[1]}; for three: views")
    boxes = _boxes(images.shape, scale, generator)
    turn = (2 * _uniform((len(images),), generator, "cpu") - 1) * math.radians(degrees)
    cos, sin, ratio = turn.cos(), turn.sin(), images.shape[3] / images.shape[2]
    # Grid coordinates run over [-1, 1] on both axes, so a rotation of pixels carries the ratio of the sides.
    rotation = torch.stack([cos, -sin / ratio, sin * ratio, cos], 1).view(-1, 2, 2)
    boxes[:, :, :2] = rotation @ boxes[:, :, :2]
    factors = 1 + brightness * (2 * _uniform((len(images), 1, 1, 1), generator, images.device) - 1)
    return _sample(images, boxes, "zeros").mul_(factors).clamp_(0, 1)


def _boxes(shape, scale: tuple[float, float], generator: Generator) -> Tensor:
    """Affine maps (B, 2, 3), in grid coordinates, from an output to a random box of whole pixels in the image.

    Area uniform in `scale`, aspect ratio log-uniform; of ten tries the first box that fits inside, else the
    whole image (as torchvision's RandomResizedCrop, for images whose own ratio is allowed).
    """
    batch, _, height, width = shape
    tries = 10
    area = _uniform((batch, tries), generator, "cpu") * (scale[1] - scale[0]) + scale[0]
    ratio = torch.exp((2 * _uniform((batch, tries), generator, "cpu") - 1) * math.log(4 / 3))
    widths = (area * ratio * height * width).sqrt().round()
    heights = (area / ratio * height * width).sqrt().round()
    fits = (widths <= width) & (heights <= height) & (widths > 0) & (heights > 0)
    first = fits.float().argmax(1, keepdim=True)
    fits = fits.gather(1, first)[:, 0]
    w = torch.where(fits, widths.gather(1, first)[:, 0], float(width))
    h = torch.where(fits, heights.gather(1, first)[:, 0], float(height))
    left = (_uniform((batch,), generator, "cpu") * (width - w + 1)).floor()
    top = (_uniform((batch,), generator, "cpu") * (height - h + 1)).floor()
    zero = torch.zeros(batch)
    horizontal = torch.stack([w / width, zero, (2 * left + w) / width - 1], 1)
    vertical = torch.stack([zero, h / height, (2 * top + h) / height - 1], 1)
    return torch.stack([horizontal, vertical], 1)


def _sample(images: Tensor, maps: Tensor, outside: str) -> Tensor:
    """Bilinear samples of the images, in [0, 1], through affine maps (B, 2, 3) of grid coordinates."""
    rows, columns = ((2 * torch.arange(side, device=images.device) + 1) / side - 1 for side in images.shape[2:])
    maps = to_device(maps, images.device)
    # What torch's affine_grid computes, 20 times as fast on a CPU: a row's part and a column's part, added.
    across = maps[:, :, 0, None, None] * columns
    down = maps[:, :, 1, None] * rows + maps[:, :, 2, None]
    grid = (across + down[..., None]).movedim(1, -1)
    return F.grid_sample(to_unit(images), grid, mode="bilinear", padding_mode=outside, align_corners=False)


def _colour(batch: int, strength: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """Per image a colour matrix (B, 3, 3) of hue, saturation and brightness, and a contrast factor (B,)."""
    luma = torch.tensor(_LUMA)
    jitter = (_uniform((batch,), generator, "cpu") < 0.8).float()
    spread = 2 * _uniform((4, batch), generator, "cpu") - 1
    brightness, contrast, saturation = 1 + 0.8 * strength * spread[:3] * jitter
    turn = 2 * math.pi * 0.2 * strength * spread[3] * jitter
    grey = _uniform((batch,), generator, "cpu") < 0.2
    saturation = saturation.masked_fill(grey, 0.0)
    yiq = torch.tensor(_YIQ, dtype=torch.float64)
    rotation = torch.zeros(batch, 3, 3)
    rotation[:, 0, 0] = 1
    rotation[:, 1, 1] = rotation[:, 2, 2] = turn.cos()
    rotation[:, 1, 2], rotation[:, 2, 1] = -turn.sin(), turn.sin()
    hue = yiq.inverse().float() @ rotation @ yiq.float()
    faded = saturation[:, None, None] * hue + (1 - saturation)[:, None, None] * luma.expand(3, 3)
    return brightness[:, None, None] * faded, contrast


def _recolour(images: Tensor, matrix: Tensor, contrast: Tensor) -> Tensor:
    """`c M x + (1 - c) m`, where m is the mean luma of M x: contrast pulls towards the image's own mean grey."""
    batch, _, height, width = images.shape
    pixels = images.flatten(2)
    matrix, contrast, luma = (to_device(v, images.device) for v in (matrix, contrast, torch.tensor(_LUMA)))
    contrast = contrast[:, None, None]
    mean = luma @ (matrix @ pixels.mean(2, keepdim=True))
    offset = ((1 - contrast) * mean[:, :, None]).expand(batch, 3, 1)
    return torch.baddbmm(offset, contrast * matrix, pixels).clamp_(0, 1).view(batch, 3, height, width)


def _uniform(shape, generator: Generator, device) -> Tensor:
    return to_device(torch.rand(shape, generator=generator, device=generator.device), device)


def _integers(below: int, shape, generator: Generator, device) -> Tensor:
    return to_device(torch.randint(below, shape, generator=generator, device=generator.device), device)
