"""The tables of a published study, `results/STUDY/TABLE.parquet`: the columns of each. What they mean: "Published tables" in the book."""

from __future__ import annotations

import pandas as pd

_PLACE = ("layer", "convention", "split")
_SPECTRUM = ("sigma1", "sigma2", "ratio", "explained", "cos_constant")
_PAIR = ("run_a", "run_b")
# Of studies that train networks.
TABLES = {
    "runs": ("run", "cell", "label", "role", "dataset", "architecture", "objective", "labels", "pixels", "width",
             "train_size", "label_noise", "lr", "epochs", "batch_size", "optimiser", "augment", "precision", "draw",
             "seed", "status", "failed_epoch", "failure", "parameters", "score_name", "score", "train_loss",
             "test_loss", "train_accuracy", "test_accuracy", "train_explained_variance", "test_explained_variance",
             "probe_accuracy", "weight_norm", "cka_data", "steps", "wall_s", "measure_s", "device", "processor",
             "threads", "load", "commit", "torch", "data_sha256", "numerics_version", "computed_precision",
             "finished_at", "config_json"),
    "history": ("run", "epoch", "train_loss", "lr", "seconds"),
    "snapshots": ("run", "step", "epoch", *_PLACE, "train_loss", *_SPECTRUM, "cos_data", "cos_data_standardised",
                  "angle_own", "angle_data"),
    "trajectory": ("run", "step", "epoch", *_PLACE, "target_run", "angle", "c_product"),
    "finals": ("run", "state", *_PLACE, "n", "d", *_SPECTRUM, "bound_deg", "defined", "cos_data",
               "cos_data_standardised", "r_brightness", "r_norm", "cos_mean_feature", "eta2", "stability"),
    "spectra": ("run", "state", "step", "layer", "convention", "sigmas"),
    "pairs": (*_PAIR, "state_a", "state_b", *_PLACE, "cos", "c_a", "c_b", "r"),
    "controls": (*_PAIR, *_PLACE, "free_permutation", "within_class", "within_class_hi", "span_rotation",
                 "residual_cos"),
    "spans": (*_PAIR, "state", "convention", "split", "k", "overlap", "overlap_null", "angle_to_span",
              "angle_to_span_null", "best_common", "best_common_null"),
    "alongside": (*_PAIR, "share", "convention", "cos", "c_product"),
    "across": (*_PAIR, "state", "anchor", "layer", "convention", "cos", "c_a", "c_b"),
    "correlates": ("run", "state", *_PLACE, "variable", "measure", "value"),
    "full": (*_PAIR, "convention", "split", "cos"),
    "anchor_shift": ("run", "convention", "split", "cos_anchor"),
    "data": ("dataset", *_PLACE, "n", "d", *_SPECTRUM, "bound_deg"),
    "pool": ("run", "dataset", "architecture", "width", "lr", "train_size", "label_noise", "seed", "convention",
             "angle_data_deg", "angle_data_other_deg", "stability", "cka_data", "train_loss", "weight_norm",
             "train_accuracy", "test_accuracy", "test_error", "generalization_gap"),
}  # fmt: skip
# Of the study of foreign networks, which has tables of final states, too.
FOREIGN = {
    "networks": ("run", "state", "network", "family", "package", "version", "licence", "weights_sha256", "seed",
                 "parameters", "trained_size", "size", "dataset", "data_sha256", "device", "processor", "threads",
                 "load", "torch", "commit", "numerics_version", "wall_s", "finished_at"),
    "agreement": ("dataset", "run_a", "state_a", "layer", "run_b", "state_b", "layer_b", "study_b", "family_b",
                  "convention", "split", "cos", "c_a", "c_b", "r", "within_class", "within_class_hi",
                  "span_rotation", "residual_cos"),
    **{name: TABLES[name] for name in ("finals", "spectra")},
}  # fmt: skip
# Columns that publications of before they were added lack.
LATER = {"runs": ("failure", "computed_precision"), "finals": ("r_norm", "cos_mean_feature")}
# What tells the rows of a table apart, where a publication adds to those of the last one.
KEYS = {
    "runs": ["run"],
    "history": ["run", "epoch"],
    "snapshots": ["run", "step", *_PLACE],
    "trajectory": ["run", "step", *_PLACE, "target_run"],
    "finals": ["run", "state", *_PLACE],
    "spectra": ["run", "state", "step", "layer", "convention"],
    "pairs": [*_PAIR, "state_a", "state_b", *_PLACE],
    "controls": [*_PAIR, *_PLACE],
    "spans": [*_PAIR, "state", "convention", "split", "k"],
    "alongside": [*_PAIR, "share", "convention"],
    "across": [*_PAIR, "state", "anchor", "layer", "convention"],
    "correlates": ["run", "state", *_PLACE, "variable", "measure"],
    "full": [*_PAIR, "convention", "split"],
    "anchor_shift": ["run", "convention", "split"],
    "data": ["dataset", *_PLACE],
    "pool": ["run", "convention"],
    "networks": ["run", "state"],
}


def lacking(table: str, frame: pd.DataFrame) -> list[str]:
    """The columns that a table should have and does not."""
    return [name for name in (TABLES | FOREIGN)[table] if name not in frame and name not in LATER.get(table, ())]


def complete(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its columns in their order, which one without rows gets here.

    Raises
    ------
    ValueError
        It has rows, and lacks a column or has one that is not stated here.

    Examples
    --------
    >>> list(complete("history", pd.DataFrame()))
    ['run', 'epoch', 'train_loss', 'lr', 'seconds']
    """
    columns = (TABLES | FOREIGN)[table]
    if frame.empty:
        return frame.reindex(columns=list(columns))
    if missing := lacking(table, frame):
        raise ValueError(f"the table {table!r} lacks the column {missing[0]!r}")
    if unknown := [name for name in frame if name not in columns]:
        raise ValueError(f"the table {table!r} has an unknown column {unknown[0]!r}: state it in {__name__}")
    return frame[[name for name in columns if name in frame]]
