"""Text and tables that show themselves as MyST in the book and as HTML in Jupyter."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..text import cell, plain


@dataclass(frozen=True)
class Markup:
    """The same thing twice: what the book's builder reads, and what Jupyter shows."""

    myst: str
    html: str

    @classmethod
    def of_text(cls, text: str) -> Markup:
        """From Markdown with no more than `code`, **strong** and *emphasis* in it."""
        escaped = shown = plain(text)
        for mark, tag in (("`", "code"), (r"\*\*", "strong"), (r"\*", "em")):
            shown = re.sub(f"{mark}(.+?){mark}", rf"<{tag}>\1</{tag}>", shown)
        return cls(escaped, shown)

    def __add__(self, other: Markup) -> Markup:
        return Markup(self.myst + other.myst, self.html + other.html)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/markdown": self.myst, "text/html": self.html, "text/plain": "(shown in the book or a notebook)"}


class Words(str):
    """Text for `glue`: its representation is itself, in Markdown too."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return str(self)


def link(words: str, path: Path) -> Markup:
    """A table to download: copied beside the pages by the book's builder."""
    return Markup(
        f"\n{{download}}`{words} <../_generated/tables/{path.name}>`",
        f'<br><a href="{html.escape(path.as_posix())}">{html.escape(words)}</a>',
    )


def tabs(labels: list[str], parts: list[Markup], note: str) -> Markup:
    """One part as it is, several as tabs, and a note under them."""
    if len(parts) > 1:
        items = "".join(
            f"````{{tab-item}} {plain(label)}\n:sync: {plain(label)}\n\n{part.myst}\n````\n"
            for label, part in zip(labels, parts, strict=True)
        )
        both = Markup(
            f"`````{{tab-set}}\n{items}`````\n",
            "".join(f"<h4>{html.escape(label)}</h4>{part.html}" for label, part in zip(labels, parts, strict=True)),
        )
    else:
        both = Markup("".join(part.myst for part in parts), "".join(part.html for part in parts))
    return both + Markup(f"\n\n*{plain(note)}*\n", f"<p><em>{html.escape(note)}</em></p>") if note else both


def scrolling(table: str) -> str:
    """A Markdown table in a box of its own that scrolls sideways (with the keyboard too: book/_static/scrolling.js)."""
    return f'<div class="pv-scroll">\n\n{table}\n\n</div>\n'


def pipe_table(frame: pd.DataFrame) -> Markup:
    """A table that scrolls sideways where the page is narrow."""
    return Markup(scrolling(pipes(frame)), frame.to_html(index=False, border=0))


def pipes(frame: pd.DataFrame) -> str:
    """The table in Markdown."""
    texts = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    head = [_cell(str(name)) for name in frame.columns]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * frame.shape[1], *texts))


def _cell(value) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:g}"
    return cell(str(value))
