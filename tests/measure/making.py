"""Feature matrices of known make, and the plain float64 SVD that results are checked against."""

import numpy as np

ACCURATE = 4.5e-6  # radians, 1 - cos = 1e-11


def relu_features(n, d, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) / np.sqrt(d)
    return np.maximum(mixed + 0.3, 0).astype(dtype)


def with_sigmas(n, d, sigmas, seed=0):
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((n, len(sigmas))))[0]
    right = np.linalg.qr(rng.standard_normal((d, len(sigmas))))[0]
    return (left * sigmas) @ right.T, left


def exact(F, center, k=1):
    X = np.asarray(F, dtype=np.float64)
    X = X - X[:1] if center else X
    X = X - X.mean(axis=0) if center else X
    left, sigmas, _ = np.linalg.svd(X, full_matrices=False)
    return left[:, :k], sigmas
