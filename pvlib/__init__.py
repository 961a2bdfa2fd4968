"""P-vectors of deep features: measure, train, publish. (This `pvlib` is not the photovoltaics package of that name.)

The names below are what a user needs to measure a model; the rooms are `pvlib.measure` (numerics), `pvlib.experiment`
(data, models, training), `pvlib.study` (runs and their store) and `pvlib.report` (tables, claims, figures).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same names as below, for editors and type checkers
    from .experiment.features import extract as extract
    from .experiment.features import layers as layers
    from .measure import Comparison as Comparison
    from .measure import LayerComparison as LayerComparison
    from .measure import PVector as PVector
    from .measure import angle as angle
    from .measure import compare as compare
    from .measure import cosine as cosine
    from .measure import mean_direction as mean_direction
    from .measure import p_vector as p_vector
    from .measure import pairwise_angles as pairwise_angles
    from .measure import pairwise_cosines as pairwise_cosines
    from .measure import principal_angles as principal_angles
    from .report.place import place as place

__version__ = "0.1.0"


_HOME = {
    "measure": (
        "Comparison", "LayerComparison", "PVector", "angle", "compare", "cosine", "mean_direction", "p_vector",
        "pairwise_angles", "pairwise_cosines", "principal_angles",
    ),
    "experiment.features": ("extract", "layers"),
    "report.place": ("place",),
}  # fmt: skip
_MODULE = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE)


def __getattr__(name: str) -> object:
    # Lazily: the command line's `--help` should not wait for torch.
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
