"""Every page of the built book in a real browser: axe's findings, and pages wider than a phone. Skipped, loudly, without a browser.

python scripts/check_accessibility.py _build/html
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts.javascript import FOLDER, browser, missing


def main(book: str) -> int:
    chromium = browser()
    why = missing() if chromium else "there is no Chromium"
    if chromium is None or why is not None:
        print(f"check_accessibility: pages are NOT LOOKED AT in a browser: {why}", file=sys.stderr)
        return 0
    script = Path(__file__).with_name("accessibility.mjs")
    done = subprocess.run(["node", script, FOLDER, chromium, book], capture_output=True, text=True)
    *findings, views = done.stdout.splitlines() or [""]
    print(*findings, sep="\n", end="\n" if findings else "")
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return done.returncode
    print(f"check_accessibility: {views}, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]) if len(sys.argv) > 1 else __doc__)
