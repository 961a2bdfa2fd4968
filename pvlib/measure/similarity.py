"""Other measures of similarity between feature matrices of the same samples."""

import numpy as np


def linear_cka(a, b) -> float:
    """Linear CKA (Kornblith et al. 2019): |A'B|^2 / (|A'A| |B'B|) of the centred matrices; no n x n matrix."""
    a, b = (np.asarray(x, dtype=np.float64) - np.mean(x, axis=0, dtype=np.float64) for x in (a, b))
    return float(np.sum((a.T @ b) ** 2) / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b))
