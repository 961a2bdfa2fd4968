"""Execute chapters with papermill, once each, so that the same inputs give the same bytes.

python scripts/execute_chapters.py notebooks/*.ipynb --to book/notebooks
python scripts/execute_chapters.py notebooks/03_architectures.ipynb --to /tmp/mine -p studies quick
"""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nbformat
import papermill
import yaml

CELL_TIMEOUT_S = 600


class BadChapter(ValueError):
    """A parameter that no chapter has, or a chapter that would not look right on a page."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="folder of the executed copies")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")
    arguments = parser.parse_args(argv)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        given = {name: yaml.safe_load(value) for name, value in arguments.p}
        for path, parameters in chosen_parameters(arguments.notebooks, given).items():
            start = time.monotonic()
            execute(path, arguments.to / path.name, parameters)
            print(f"chapter {path.stem}: executed in {time.monotonic() - start:.1f} s", file=sys.stderr)
    except (BadChapter, papermill.exceptions.PapermillExecutionError, OSError) as error:
        print(f"execute_chapters: {error}", file=sys.stderr)
        return 1
    return 0


def chosen_parameters(notebooks: Sequence[Path], given: Mapping) -> dict[Path, dict]:
    """The given parameters that each chapter has.

    Raises
    ------
    BadChapter
        A name that none of the chapters has (papermill itself would only log it).
    """
    for path in notebooks:
        if not path.exists():
            raise BadChapter(f"there is no chapter {path}")
    known = {path: set(papermill.inspect_notebook(str(path))) for path in notebooks}
    every = sorted(set().union(*known.values()))
    for name in given:
        if name not in every:
            near = difflib.get_close_matches(name, every, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(every) or 'none'}"
            raise BadChapter(f"no chapter has a parameter {name!r}; {hint}")
    return {path: {name: value for name, value in given.items() if name in known[path]} for path in notebooks}


def execute(source: Path, target: Path, parameters: Mapping) -> None:
    """Run one notebook in its own folder and write the copy without anything that differs between two runs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    working = target.with_name(f".{target.stem}.running.ipynb")
    os.environ["PYTHONHASHSEED"] = "0"  # of the kernel
    try:
        papermill.execute_notebook(
            str(source),
            str(working),
            parameters=dict(parameters),
            cwd=str(source.parent),
            progress_bar=False,
            execution_timeout=CELL_TIMEOUT_S,
            extra_arguments=["--log-level=ERROR"],  # the kernel's own remarks on its transport are no news
        )
        notebook = nbformat.read(working, as_version=4)
        refuse_noise(source, notebook.cells)
        nbformat.write(without_timestamps(notebook), working)
        working.replace(target)
    finally:
        working.unlink(missing_ok=True)


def refuse_noise(source: Path, cells: Iterable) -> None:
    """Warnings and progress bars do not belong on a page.

    Raises
    ------
    BadChapter
        A cell wrote to stderr.
    """
    for number, cell in enumerate(cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise BadChapter(
                    f"{source}, cell {number}, wrote to stderr, which a page must not show:\n{output.text}"
                )


def without_timestamps(notebook):
    """The same notebook without times, versions of papermill, and random ids."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
    return notebook


if __name__ == "__main__":
    sys.exit(main())
