"""P-vectors of deep features: measure, train, publish. (This `pvlib` is not the photovoltaics package of that name.)

The names below are what a user needs to measure a model; the rooms are `pvlib.measure` (numerics), `pvlib.experiment`
(data, models, training), `pvlib.study` (runs and their store) and `pvlib.report` (tables, claims, figures).
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "measure": (
        "PVector", "angle", "compare", "cosine", "mean_direction", "p_vector", "pairwise_angles", "pairwise_cosines",
        "principal_angles",
    ),
    "experiment.features": ("extract",),
}  # fmt: skip
_MODULE = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE)


def __getattr__(name: str):
    # Lazily: the command line's `--help` should not wait for torch.
    if name in _MODULE:
        return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
