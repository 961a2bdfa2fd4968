"""Data sets as whole uint8 tensors, and the fixed anchor that is measured."""

from .anchor import Anchor, anchor
from .images import DataError, ImageData, Split
from .load import NAMES, load

__all__ = ["NAMES", "Anchor", "DataError", "ImageData", "Split", "anchor", "load"]
