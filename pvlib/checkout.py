"""The checkout that this package runs from, where it runs from one. A wheel has studies, but no results and no history."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def checkout() -> Path | None:
    """The top folder of the repository, or None where the package was installed without it."""
    # A Path, because pip unpacks what it installs: `resources.files` would give something else inside a zip file only.
    folder = Path(str(resources.files("pvlib"))).parent
    about = folder / "pyproject.toml"
    ours = about.is_file() and 'name = "pvector-book"' in about.read_text(encoding="utf-8")
    return folder if ours else None
