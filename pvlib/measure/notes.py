"""What a comparison says of its two matrices: what looks wrong in features, samples in another order."""

from ..doctor import Findings, examine
from .calibration import ALPHA
from .rows import ArrayRows as Rows


def diagnosis(rows: Rows, name: str) -> Findings:
    return examine((block for _, block in rows.blocks()), name)


def width_notes(rows: Rows, name: str) -> list[str]:
    if rows.n >= rows.d:
        return []
    return [
        f"{name} has fewer samples ({rows.n}) than features ({rows.d}): linear CKA, SVCCA and Procrustes are high "
        "whatever the features are; read the debiased row and the calibrated column"
    ]


def order_notes(p_values: list[float], first: Findings, second: Findings) -> list[str]:
    both = f"{first.name} and {second.name}"
    if first.same_rows_in_another_order(second):
        return [f"{both} hold the same rows in another order: a comparison needs the same samples in the same order"]
    if min(p_values) <= ALPHA:
        return []
    return [f"nothing exceeds its permutation null: are the samples of {both} in the same order?"]


def all_lines(findings: list[Findings]) -> list[str]:
    return [line for one in findings for line in one.lines]
