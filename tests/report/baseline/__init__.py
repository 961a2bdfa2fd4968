"""The four forms of figures, drawn from made-up tables; their pictures are beside. `python -m tests.report.baseline` draws them anew."""

from pathlib import Path

import numpy as np
import pandas as pd

from pvlib.report.figures import forms, style

FOLDER = Path(__file__).parent
LOOKS = {"one": (style.BLUE, "o"), "two": (style.VERMILLION, "s")}
X = np.arange(1, 9)


def draw(form: str, path: Path) -> None:
    """One of `FORMS`, as a small picture."""
    style.styled(lambda: FORMS[form]().savefig(path, dpi=50, facecolor="white"))()


def picture(form: str) -> Path:
    return FOLDER / f"{form}.png"


def _rows():
    table = pd.DataFrame([
        {"convention": c, "name": name, "kind": kind, "mean": 0.2 * i + 0.1 * j, "lo": 0.2 * i, "hi": 0.2 * i + 0.2 * j}
        for c in forms.BOTH for i, name in enumerate(("first", "second", "third"), 1) for j, kind in enumerate(LOOKS)
    ])  # fmt: skip
    return forms.rows(table, row="name", hue="kind", looks=LOOKS, xlabel="a number", lines=[0.5])


def _lines():
    table = pd.concat([
        pd.DataFrame({"convention": c, "kind": kind, "x": X, "mean": X * k, "lo": X * k - 1, "hi": X * k + 1})
        for c in forms.BOTH for k, kind in enumerate(LOOKS, 1)
    ])  # fmt: skip
    looks = {"one": (style.BLUE, "-"), "two": (style.VERMILLION, "--")}
    return forms.lines(table, x="x", line="kind", looks=looks, xlabel="step", ylabel="a number")[0]


def _scatter():
    table = pd.concat([
        pd.DataFrame({"convention": c, "kind": kind, "x": X / 9, "y": (X / 9) ** k}) for c in forms.BOTH for k, kind in enumerate(LOOKS, 1)
    ])  # fmt: skip
    return forms.scatter(table, x="x", y="y", hue="kind", looks=LOOKS, xlabel="x", ylabel="y", diagonal=True)[0]


def _heat():
    table = pd.DataFrame(
        np.tril(np.linspace(0.05, 1, 9).reshape(3, 3)), index=list("abc"), columns=list("abc")
    ).replace(0, np.nan)
    return forms.heat({(0, 0): ("first", table), (0, 1): ("second", 1 - table)}, label="a share")


FORMS = {"rows": _rows, "lines": _lines, "scatter": _scatter, "heat": _heat}
