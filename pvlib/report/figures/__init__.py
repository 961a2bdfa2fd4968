"""Figures of the book, one subject a file: each turns tables into a `BookFigure` (picture, table, caption, alternative text).

No answer is computed here (`pvlib.report.answers`), and nothing is trained or measured.
"""

from __future__ import annotations

from .book_figure import BookFigure, Missing
from .chapter import Chapter

__all__ = ["BookFigure", "Chapter", "Missing"]
