"""Numbers and names as pages and messages show them."""

from __future__ import annotations

import html
import math


def plain(text: str) -> str:
    """Text as a Markdown page shows it, tags and all: Markdown itself would hand `<script>` on to the browser."""
    return html.escape(text, quote=False)


def cell(text: str) -> str:
    """The same inside a table."""
    return plain(text).replace("|", r"\|")


def number(value: float, *, unit: str = "") -> str:
    """A cosine or tau with three decimals; degrees (`unit` "°") with one; nothing known: a dash."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.1f}{unit}" if unit else f"{value:.3f}"


def interval(estimate: float, lo: float, hi: float, *, unit: str = "") -> str:
    """ "0.912 [0.887, 0.937]", or the estimate alone where it has no interval."""
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return number(estimate, unit=unit)
    return f"{number(estimate, unit=unit)} [{number(lo, unit=unit)}, {number(hi, unit=unit)}]"


def listed(names, *, most: int = 4) -> str:
    """ "a, b and 3 more"."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}" if names else "none"
