"""Networks against the P-vector of the raw data (chapter 6)."""

from __future__ import annotations

from . import forms, style
from .book_figure import BookFigure, Missing
from .view import View

_AGAINST = {"cos_data": "pixels in [0, 1]", "cos_data_standardised": "standardised pixels"}
_LOOKS = {
    "trained, pixels in [0, 1]": (style.BLUE, "o"),
    "untrained, pixels in [0, 1]": (style.ORANGE, "o"),
    "trained, standardised pixels": (style.GREEN, "s"),
    "untrained, standardised pixels": (style.PURPLE, "s"),
}


@style.styled
def before_and_after(view: View) -> BookFigure | Missing:
    """Angle between each network's P-vector and the data's, before and after training."""
    rows = view.of_runs(
        view.study.finals, layer="penultimate", split="train", convention=list(forms.BOTH), state=list(style.STATES),
        role=["primary", "exploratory"],
    )  # fmt: skip
    if rows.empty:
        return Missing("no final P-vectors")
    long = rows.melt(["convention", "rank", "label", "state", "seed"], list(_AGAINST), "against", "cos")
    long = long.assign(
        angle=style.degrees_from_cosine(long["cos"]), against=long["state"] + ", " + long["against"].map(_AGAINST)
    )
    table = forms.over_seeds(long.sort_values("rank", kind="stable"), ["convention", "label", "against"], "angle")
    fig = forms.rows(
        table, row="label", hue="against", looks=_LOOKS, xlabel="angle to the data P-vector (degrees)", xlim=(-2, 92),
        line_height=0.36,
    )  # fmt: skip
    for ax in fig.axes:
        ax.set_xticks([0, 30, 60, 90])
    return BookFigure(
        fig,
        table.rename(columns={"lo": "least", "hi": "most"}),
        "Angle between the P-vector of a network and that of the data. Dot, mean over seeds; bar, range. Compare blue with orange: "
        "before and after training.",
        f"Dot-and-range plots for {view.title}, uncentred and centred: angle in degrees between the P-vector of each architecture and "
        "that of the data, trained and untrained, for pixels in [0, 1] and standardised pixels.",
    )
