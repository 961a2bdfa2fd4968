"""SHA256SUMS, which names the files of a published study with their checksums: written, read and compared."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from .atomic import write_atomic

SUMS = "SHA256SUMS"
# All names that a publication may have: another SHA256SUMS is somebody else's, and so are the files that it names.
_OURS = re.compile(r"[a-z_]+\.parquet|provenance\.json|(vectors|networks)/[A-Za-z0-9][A-Za-z0-9._+-]*\.safetensors")


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path) -> None:
    """List all files below `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    lines = (f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    write_atomic(folder / SUMS, "".join(lines).encode())


def listed(folder: Path) -> dict[str, str]:
    """The files that SHA256SUMS names (relative, with forward slashes), with their digests; none where there is no such file.

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
