""" "did you mean ...?" for the error messages of all rooms."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: object, known: Iterable[object]) -> str:
    """The known words that are nearest to `word`, or all of them where none is near."""
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(word), names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(names)}" if names else "none are known"
