"""A folder of which SHA256SUMS names the files that are ours. They are replaced as a whole; all others are left alone.

A publication is written into FOLDER/.publication.partial. Once complete it is renamed to .publication.complete, and from
then on it counts: its files are moved in one by one, SHA256SUMS last. Killed before the renaming, the old publication
stands as it was; killed after it, whoever comes next (`recover`) moves what is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..experiment.data.locks import hold
from .files import sha256, write_atomic

SUMS = "SHA256SUMS"
PARTIAL, COMPLETE = ".publication.partial", ".publication.complete"
# All names that a publication may have: another SHA256SUMS is somebody else's, and so are the files that it names.
_OURS = re.compile(r"[a-z_]+\.parquet|provenance\.json|(vectors|networks)/[A-Za-z0-9][A-Za-z0-9._+-]*\.safetensors")


def listed(folder: Path) -> dict[str, str]:
    """The files that SHA256SUMS names, with their digests; none where there is no such file.

    Raises
    ------
    ValueError
        It is not one that a publication wrote.
    """
    path = folder / SUMS
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for line in path.read_text(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not _OURS.fullmatch(name):
            raise ValueError(
                f"{path} is not of a publication, or was damaged (line {len(found) + 1}: {line[:100]!r}): restore it "
                "(git restore), or name another folder"
            )
        found[name] = digest
    return found


def damaged(folder: Path) -> list[str]:
    """Files that SHA256SUMS names and that are missing or not as they were written."""
    return [n for n, digest in listed(folder).items() if not (folder / n).is_file() or sha256(folder / n) != digest]


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
        files = sorted(path for path in partial.rglob("*") if path.is_file())
        for path in files:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        sums = "".join(f"{sha256(path)}  {path.relative_to(partial).as_posix()}\n" for path in files)
        write_atomic(partial / SUMS, sums.encode())
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


def interrupted(folder: Path) -> bool:
    """Whether a publication is complete and not yet in place: `recover`, when alone, ends it."""
    return (folder / COMPLETE).is_dir()


def recover(folder: Path) -> None:
    """Put a complete publication in place, from wherever a kill stopped that."""
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
