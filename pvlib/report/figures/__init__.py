"""Figures of the book, one subject a file: each turns tables into a `Plate` (picture, table, caption, alternative text).

Nothing is computed here that a verdict rests on (statistics, claims), and nothing is trained or measured.
"""

from __future__ import annotations

from .chapter import Chapter
from .plate import Missing, Plate

__all__ = ["Chapter", "Missing", "Plate"]
