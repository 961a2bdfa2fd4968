"""The numerical ground floor: P-vectors, angles, controls, and other measures of similarity.

Knows nothing of networks.
"""

from .angles import (
    MeanDirection,
    angle,
    cosine,
    mean_direction,
    pairwise_angles,
    pairwise_cosines,
    principal_angles,
    unit_rows,
)
from .cautions import ConventionWarning, NoDirection, PrecisionWarning, TieWarning
from .compare import Comparison, compare
from .inference import (
    Stability,
    angle_to_span,
    between_class_share,
    class_residual,
    class_span_rotation,
    span_overlap,
    stability,
    within_class_permutation,
)
from .layers import LayerComparison
from .pvector import p_vector
from .result import PVector
from .similarity import INVARIANCES, linear_cka, mutual_knn, procrustes, svcca, top_span
from .streaming import Directions, Stream

__all__ = [
    "INVARIANCES",
    "Comparison",
    "ConventionWarning",
    "Directions",
    "LayerComparison",
    "MeanDirection",
    "NoDirection",
    "PVector",
    "PrecisionWarning",
    "Stability",
    "Stream",
    "TieWarning",
    "angle",
    "angle_to_span",
    "between_class_share",
    "class_residual",
    "class_span_rotation",
    "compare",
    "cosine",
    "linear_cka",
    "mean_direction",
    "mutual_knn",
    "p_vector",
    "pairwise_angles",
    "pairwise_cosines",
    "principal_angles",
    "procrustes",
    "span_overlap",
    "stability",
    "svcca",
    "top_span",
    "unit_rows",
    "within_class_permutation",
]
