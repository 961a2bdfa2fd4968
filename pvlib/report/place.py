"""Where a network stands among the published ones: |cos| of its P-vector with theirs, over the same images."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..nearest import nearest
from ..vector_names import DataName, VectorName
from .tables import Study, available, load, results_folder

COLUMNS = ("label", "objective", "role", "seed", "state", "convention", "cos")
FAMILIES = {"classification": "classifiers", "reconstruction": "autoencoders", "contrastive": "contrastive networks"}


@dataclass(frozen=True, repr=False, eq=False)
class Standing:
    """What `place` finds.

    Attributes
    ----------
    dataset, convention, layer : str
        What was compared.
    table : DataFrame
        A row for each published network, trained and untrained, and for the data: study, label, objective, role, seed, state,
        convention, cos.
    """

    dataset: str
    convention: str
    layer: str
    table: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Mean absolute cosines over seeds: a row for each kind of network, nearest first, columns for trained, untrained and data."""
        means = self.table.pivot_table(index="label", columns="state", values="cos", aggfunc="mean", sort=False)
        return means.sort_values(next(s for s in ("trained", "untrained", "data") if s in means), ascending=False)

    def families(self) -> pd.DataFrame:
        """Mean absolute cosines with primary networks: a row for each family, nearest first, columns trained and untrained."""
        primary = self.table[self.table["role"] == "primary"]
        means = primary.assign(family=primary["objective"].map(FAMILIES)).pivot_table(
            index="family", columns="state", values="cos", aggfunc="mean"
        )
        return means.sort_values(next(s for s in ("trained", "untrained") if s in means), ascending=False)

    @property
    def nearest(self) -> str:
        """The kind of trained network that is nearest on average."""
        trained = self.table[self.table["state"] == "trained"]
        return str((trained if len(trained) else self.table).groupby("label")["cos"].mean().idxmax())

    def plot(self, name: str = "this network"):
        """A Matplotlib figure: mean and range over the seeds of each kind of published network."""
        from .figures.against_published import draw

        return draw(self.table, name)

    @property
    def _title(self) -> str:
        return f"{self.dataset}, {self.layer}, {self.convention}: mean |cos| with the published networks"

    def __str__(self) -> str:
        tables = (self.families(), self.to_frame())
        return "\n\n".join([self._title, *(t.to_string(float_format="{:.3f}".format, na_rep="") for t in tables)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._title)}</p>" + self.to_frame().to_html(float_format="{:.3f}".format, na_rep="")


def place(
    vector,
    dataset: str,
    *,
    center: bool | None = None,
    layer: str = "penultimate",
    split: str = "train",
    leave_out: str | None = None,
    results: str | Path | None = None,
) -> Standing:
    """Where a network stands among the published ones.

    Parameters
    ----------
    vector : PVector or array (n,)
        Over the anchor of the data set, the sample of images that published P-vectors were measured on:
        `anchor(load(dataset))` of `pvlib.experiment.data`, in its order.
    dataset : str
        "digits", "mnist", "cifar10", "cifar100": what is published.
    center : bool, optional
        Whether an array is of centred features; a PVector knows.
    layer, split : str
        Of the published networks, as in the tables: "penultimate", "earlier", "output"; "train", "test".
    leave_out : str, optional
        A run whose trained network is not compared with: the network itself, if it is a published one.
    results : path, optional
        Where published studies are; by default what PVLIB_RESULTS names, or `results` of the checkout.

    Returns
    -------
    Standing

    Raises
    ------
    ValueError
        Nothing is published of this data set; the vector is over another number of samples, or an array without `center`.

    Notes
    -----
    A large cosine does not make a network good, and a small one does not make it bad. Compare trained with untrained
    networks: uncentred, even these are near.

    Examples
    --------
    >>> from pvlib import p_vector, place
    >>> from pvlib.experiment.data import anchor, load
    >>> data = load("digits")
    >>> images = data.train.images[anchor(data).train_ids].flatten(1)
    >>> place(p_vector(images, center=True), "digits").to_frame().loc["the data (pixels)", "data"].round(3)
    np.float64(1.0)
    """
    if center is None:
        center = getattr(vector, "centred", None)
        if center is None:
            raise ValueError("is the vector of centred features? Pass a PVector, or center=True or center=False")
    convention = "centred" if center else "uncentred"
    unit = np.asarray(getattr(vector, "vector", vector), dtype=np.float64)
    if unit.ndim != 1:
        raise ValueError(f"vector has shape {unit.shape}: a PVector or a one-dimensional array is needed")
    studies = [load(name, results) for name in available(results)]
    tables = []
    for study in studies:
        runs = study.runs
        runs = runs[(runs["dataset"] == dataset) & (runs["status"] == "done") & (runs["role"] != "pool")]
        if len(runs):
            runs = runs.set_index("run")
            found = cosines(
                study, runs, dataset, unit, convention=convention, layer=layer, split=split, leave_out=leave_out
            )
            tables.append(found.assign(study=study.name))
    if not tables:
        known = sorted({name for study in studies for name in study.runs["dataset"]})
        raise ValueError(
            f"nothing is published of {dataset!r} in {results or results_folder()}; {nearest(dataset, known)}"
        )
    table = pd.concat(tables, ignore_index=True)
    if not (table["state"] != "data").any():
        raise ValueError(f"no P-vectors of layer {layer!r}, split {split!r} are published of {dataset!r}")
    return Standing(dataset, convention, layer, table)


def cosines(
    study: Study,
    runs: pd.DataFrame,
    dataset: str,
    vector: np.ndarray,
    *,
    convention: str,
    layer: str = "penultimate",
    split: str = "train",
    leave_out: str | None = None,
) -> pd.DataFrame:
    """|cos| of a vector with that of the given runs of one study (rows indexed by run), and of the data.

    Raises
    ------
    ValueError
        The vector has another number of entries than the published ones: other samples, or another order.
    """
    rows = []
    for run, row in runs.iterrows():
        published = study.vectors(str(run))
        for state in ("trained", "untrained"):
            found = published.get(str(VectorName(state, split, layer, convention)))
            if found is not None and (run, state) != (leave_out, "trained"):
                known = (row["label"], row["objective"], row["role"], row["seed"])
                rows.append((*known, state, convention, _cosine(vector, found)))
    base = study.vectors(f"data-{dataset}").get(str(DataName("pixels", split, convention)))
    if base is not None:
        rows.append(("the data (pixels)", "data", "data", 0, "data", convention, _cosine(vector, base)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def ends(vector, labels, names=None, *, count: int = 20) -> pd.DataFrame:
    """The classes of the samples with the smallest and with the largest entries of a P-vector.

    Parameters
    ----------
    vector : array (n,)
    labels : array (n,)
        Class of each sample, a whole number.
    names : sequence of str, optional
        Of the classes.
    count : int
        How many samples of each end are looked at.

    Returns
    -------
    DataFrame
        A row for each class at an end: columns smallest and largest, how many of `count` samples are of it.

    Examples
    --------
    >>> ends([-2, -1, 1, 2], [0, 0, 1, 1], ["cat", "ship"], count=2).loc["ship", "largest"]
    np.int64(2)
    """
    order, labels = np.argsort(np.asarray(vector), kind="stable"), np.asarray(labels)
    sides = {"smallest": labels[order[:count]], "largest": labels[order[::-1][:count]]}
    found = pd.DataFrame({side: pd.Series(which).value_counts() for side, which in sides.items()}).fillna(0).astype(int)
    found = found.sort_values(["largest", "smallest"], ascending=[False, True])
    return found.rename(index=dict(enumerate(names))) if names is not None else found


def _cosine(vector: np.ndarray, published: np.ndarray) -> float:
    other = published[0]
    if len(other) != len(vector):
        raise ValueError(
            f"the P-vector has {len(vector)} entries, the published ones {len(other)}: measure it on the anchor, "
            "`anchor(load(dataset))` of pvlib.experiment.data, or the images that `pvlib anchor` writes"
        )
    return float(min(1.0, abs(vector @ other) / (np.linalg.norm(vector) * np.linalg.norm(other))))
