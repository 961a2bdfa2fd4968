"""A folder of which SHA256SUMS names the files that are ours. They are replaced as a whole; all others are left alone.

A publication is written into FOLDER/.publication.partial. Once complete it is renamed to .publication.complete, and from
then on it counts: its files are moved in one by one, SHA256SUMS last. Killed before the renaming, the old publication
stands as it was; killed after it, whoever comes next (`recover`) moves what is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .. import checksums
from ..checksums import SUMS, listed
from ..experiment.data.locks import hold

PARTIAL, COMPLETE = ".publication.partial", ".publication.complete"


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time publishes there; the others wait."""
    with hold(folder.with_name(f".{folder.name}.lock"), wait=f"another process publishes {folder}: waiting for it"):
        yield


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder for the files of the next publication, which replaces the last one when the block ends well.

    Raises
    ------
    ValueError
        A file that is not of the last publication is in the way; nothing was changed.
    """
    partial = folder / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in (path for path in partial.rglob("*") if path.is_file()):
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        checksums.write(partial)
        _check_free(folder, listed(partial))
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(folder / COMPLETE)
    recover(folder)


def _check_free(folder: Path, names: dict[str, str]) -> None:
    """Refuse where a file, folder or link that no publication wrote has the name of one that is to come."""
    old = listed(folder)
    for name in names:
        path = folder / name
        above = [folder / part for part in Path(name).parents[:-1]]
        if (os.path.lexists(path) and (name not in old or path.is_dir())) or any(
            os.path.lexists(part) and not part.is_dir() for part in above
        ):
            raise ValueError(
                f"{path} is in the way and was not written by a publication: move it, or name another folder"
            )


def settle(folder: Path) -> None:
    """Before reading: put a publication in place that is complete and is not there yet."""
    if (folder / COMPLETE).is_dir():
        with alone(folder):
            recover(folder)


def recover(folder: Path) -> None:
    """The same for whoever is alone there already, from wherever a kill stopped it."""
    complete = folder / COMPLETE
    if not complete.is_dir():
        return
    if (complete / SUMS).exists():  # it is moved last
        new, old = listed(complete), listed(folder)
        for name in new:
            if (complete / name).exists():
                (folder / name).parent.mkdir(exist_ok=True)
                (complete / name).replace(folder / name)
        for name in old.keys() - new.keys():
            (folder / name).unlink(missing_ok=True)
        (complete / SUMS).replace(folder / SUMS)
    shutil.rmtree(complete)
