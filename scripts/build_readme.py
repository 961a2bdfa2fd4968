"""Fill the generated parts of README.md from the published results: the verdict table and the figure.

python scripts/build_readme.py            write them
python scripts/build_readme.py --check    exit code 1 where they are out of date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pvlib.report.claims import ledger, load_claims, verdict_markdown
from pvlib.report.figures import verdicts
from pvlib.report.figures.style import svg
from pvlib.report.tables import available, load

ROOT = Path(__file__).resolve().parents[1]
FIGURE = ROOT / "results" / "claims.svg"
INK = "#7d8590"  # legible on a light and on a dark page: an image cannot follow the colours of the page around it


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    arguments = parser.parse_args(argv)
    rows = ledger([load(name) for name in available()], load_claims())
    readme = ROOT / "README.md"
    text = filled(readme.read_text(), "verdicts", verdict_markdown(rows))
    if arguments.check:
        if text != readme.read_text():
            print("README.md does not say what results/ says; run `make readme`", file=sys.stderr)
            return 1
        return 0
    readme.write_text(text)
    plate = verdicts.overview(rows)
    FIGURE.write_text(svg(plate.figure, name="claims", alt=plate.alt, ink=INK))
    return 0


def filled(text: str, name: str, content: str) -> str:
    """`text` with the block between its two markers replaced.

    Raises
    ------
    ValueError
        The markers are not there.
    """
    begin, end = f"<!-- begin {name} (generated) -->", f"<!-- end {name} -->"
    if begin not in text or end not in text:
        raise ValueError(f"README.md lacks the markers {begin} and {end}")
    before, rest = text.split(begin, 1)
    return f"{before}{begin}\n{content.strip()}\n{end}{rest.split(end, 1)[1]}"


if __name__ == "__main__":
    sys.exit(main())
