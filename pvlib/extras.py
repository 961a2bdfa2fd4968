"""What the library needs besides NumPy and SciPy, each with the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

# Package as it is imported -> the extra of pyproject.toml that brings it.
EXTRAS = {
    **dict.fromkeys(("pandas", "pyarrow", "safetensors"), "files"),
    **dict.fromkeys(
        ("PIL", "msgspec", "platformdirs", "sklearn", "threadpoolctl", "torch", "torchvision", "tqdm", "yaml"), "train"
    ),
    **dict.fromkeys(("matplotlib", "plotly", "seaborn"), "book"),
    **dict.fromkeys(("dask", "distributed"), "dask"),
}


def need(*packages: str) -> None:
    """Stop at the first package that is not installed.

    Raises
    ------
    ModuleNotFoundError
        It says how to install the package.
    """
    for package in packages:
        if not installed(package):
            raise ModuleNotFoundError(advice(package), name=package)


def installed(package: str) -> bool:
    """Whether it can be imported here."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # of a finder that refuses instead of finding nothing
        return False


def advice(package: str) -> str:
    """The sentence for a package that is not installed."""
    return f"{package} is not installed; install it with: pip install 'pvector-book[{EXTRAS[package]}]'"
