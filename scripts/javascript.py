"""Type-check the JavaScript of the book's pages: `python scripts/javascript.py`. Skipped, loudly, where its tools cannot be had.

The tools are those of `book/_try/package.json`, in exactly the versions of its lock file; npm installs them once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "book" / "_try"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OLDEST = 20  # of Node.js: its own test runner takes names of files


def missing() -> str | None:
    """Why the tools cannot be used, in one line; they are installed where that is possible."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "node and npm are not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0] or 0) < OLDEST:
        return f"node {version} is older than {OLDEST}"
    installed = FOLDER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= (FOLDER / "package-lock.json").stat().st_mtime:
        return None
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", FOLDER]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return f"npm could not install the tools ({(done.stderr.strip().splitlines() or ['it says nothing'])[-1]})"
    installed.touch()
    return None


def browser() -> str | None:
    """The Chromium of this machine, or the one that CHROMIUM names."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def main() -> int:
    why = missing()
    if why is not None:
        print(f"lint: JavaScript is NOT type-checked: {why}", file=sys.stderr)
        return 0
    return subprocess.run([FOLDER / "node_modules" / ".bin" / "tsc", "--project", FOLDER]).returncode


if __name__ == "__main__":
    sys.exit(main())
