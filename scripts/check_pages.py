"""Check built pages: nothing is asked of another host, local links and anchors hold, figures can be heard.

    python scripts/check_pages.py _build/html

Reads the files only: it starts no browser.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes whose address a browser fetches without being asked. `a href` is not among them: a link may leave the host.
FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "form": ("action",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
FETCHING_LINKS = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "manifest",
}
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
SCRIPT_ADDRESS = re.compile(r"""["'](?:https?:)?//[\w.-]+\.\w+[^"']*["']""")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
FILE_NAME = re.compile(r"(^|/)[\w-]+\.(png|svg|jpe?g|gif|webp)$|^_images/")
WORDS_OF_ALT = 4  # fewer say what kind of thing it is, not what it shows


@dataclass
class Page:
    """What one page asks for, links to, and shows."""

    path: Path
    fetched: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    pictures: list[tuple[str, str | None]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class Reader(HTMLParser):
    """Fills a `Page`. Pictures are looked at inside <article> only: the rest is the theme's."""

    def __init__(self, page: Page):
        super().__init__()
        self.page, self.open, self.named, self.text = page, [], 0, None

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        self.page.anchors.update(given[name] for name in ("id", "name") if given.get(name))
        for name in FETCHED.get(tag, ()):
            if given.get(name):
                parts = given[name].split(",") if name == "srcset" else [given[name]]
                self.page.fetched += [part.split()[0] for part in parts if part.split()]
        if tag == "link" and FETCHING_LINKS & set(given.get("rel", "").split()):
            self.page.fetched.append(given.get("href", ""))
        self.page.fetched += css_addresses(given.get("style", ""))
        if tag in ("a", "area") and given.get("href"):
            self.page.links.append(given["href"])
        classes = given.get("class", "").split()
        if "stderr" in classes or "traceback" in classes:
            self.page.complaints.append("shows an error or a warning of a cell")
        if self._inside("article"):
            self._picture(tag, given, classes)
        if tag not in VOID:
            self.open.append((tag, bool(given.get("aria-label"))))
        self.text = tag if tag in ("style", "script") else None

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        for position in range(len(self.open) - 1, -1, -1):
            if self.open[position][0] == tag:
                del self.open[position:]
                break
        self.text = None

    def handle_data(self, data):
        if self.text == "style":
            self.page.fetched += css_addresses(data)
        elif self.text == "script":
            self.page.fetched += [found.strip("\"'") for found in SCRIPT_ADDRESS.findall(data)]

    def _inside(self, tag) -> bool:
        return any(name == tag for name, _ in self.open)

    def _picture(self, tag, given, classes) -> None:
        if given.get("aria-hidden") == "true" or given.get("role") == "presentation":
            return
        if tag == "img":
            self.page.pictures.append((given.get("src", "image"), given.get("alt")))
        elif tag == "svg" and not self._inside("svg"):
            self.page.pictures.append((f"svg {given.get('id', '')}".strip(), given.get("aria-label")))
        elif "plotly-graph-div" in classes and not any(named for _, named in self.open):
            self.page.pictures.append((f"plotly figure {given.get('id', '')}", given.get("aria-label")))


def css_addresses(text: str) -> list[str]:
    """What a style sheet or attribute fetches."""
    return [address for pair in CSS_ADDRESS.findall(text) for address in pair if address]


def problems(root: Path) -> Iterator[str]:
    """Everything wrong with the pages under `root`, a line each."""
    pages = sorted(path for path in root.rglob("*.html") if "_static" not in path.relative_to(root).parts)
    if not pages:
        yield f"{root}: there are no pages"
    for path in pages:
        page = read(path)
        for text in (*requests(page), *dead_links(page, root), *silent_pictures(page), *page.complaints):
            yield f"{path.relative_to(root)}: {text}"
    for path in sorted(root.rglob("*.css")):
        for address in css_addresses(path.read_text(errors="replace")):
            if elsewhere(address):
                yield f"{path.relative_to(root)}: asks another host for {address}"


@cache
def read(path: Path) -> Page:
    page = Page(path)
    reader = Reader(page)
    reader.feed(path.read_text())
    reader.close()
    return page


def elsewhere(address: str) -> bool:
    """Whether an address leaves the host."""
    return bool(urlsplit(address).netloc)


def requests(page: Page) -> list[str]:
    return [f"asks another host for {address}" for address in page.fetched if elsewhere(address)]


def dead_links(page: Page, root: Path) -> Iterator[str]:
    """Local addresses, of links and of what is fetched, that lead to no file or to no anchor in it."""
    for address in dict.fromkeys(page.links + page.fetched):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = page.path
        if parts.path:
            base = root if parts.path.startswith("/") else page.path.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve()
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            yield f"links to {address}, which is not there"
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in read(target).anchors:
            yield f"links to {address}, but that page has no such anchor"


def silent_pictures(page: Page) -> Iterator[str]:
    """Pictures whose alternative text is missing, a file name, or too short to say what is shown."""
    for name, alt in page.pictures:
        if not (alt or "").strip():
            yield f"{name} has no alternative text"
        elif FILE_NAME.search(alt.strip()):
            yield f"{name} has a file name as alternative text: {alt}"
        elif len(alt.split()) < WORDS_OF_ALT:
            yield f"{name} has too short an alternative text: {alt!r}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of the built pages")
    root = parser.parse_args(argv).root
    found = list(problems(root))
    print(*found, sep="\n", end="\n" if found else "")
    count = sum(1 for _ in root.rglob("*.html"))
    print(f"check_pages: {count} pages in {root}, {len(found) or 'no'} problem{'s' * (len(found) != 1)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
