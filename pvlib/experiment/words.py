"""'did you mean ...?' for the error messages of this package."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[str]) -> str:
    """The known words that are nearest to `word`, or all of them where none is near."""
    known = [str(name) for name in known]
    close = difflib.get_close_matches(str(word), known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
