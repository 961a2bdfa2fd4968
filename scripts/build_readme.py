"""Fill the generated parts of README.md from the published results: the table of answers and the figure.

python scripts/build_readme.py            write them
python scripts/build_readme.py --check    exit code 1 where they are out of date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pvlib.report.answers.summary import Summary
from pvlib.report.figures import answers
from pvlib.report.figures.markup import pipes
from pvlib.report.figures.style import svg
from pvlib.report.tables import available, load

ROOT = Path(__file__).resolve().parents[1]
FIGURE = ROOT / "results" / "pairs.svg"
STUDIES = ("quick", "pool", "trained")  # of the paper's data sets
INK = "#7d8590"  # legible on a light and on a dark page: an image cannot follow the colours of the page around it


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    arguments = parser.parse_args(argv)
    summary = Summary([load(name) for name in available() if name in STUDIES])
    readme = ROOT / "README.md"
    text = filled(readme.read_text(), "answers", pipes(answers.frame(summary)))
    if arguments.check:
        if text != readme.read_text():
            print("README.md does not say what results/ says; run `make readme`", file=sys.stderr)
            return 1
        return 0
    readme.write_text(text)
    found = answers.all_pairs(summary)
    FIGURE.write_text(svg(found.figure, name="pairs", alt=found.alt, ink=INK))
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
