"""Claims, thresholds and verdicts: `claims.yml` read, and judged against published studies (protocol 14, 15).

`ledger` is the answer; the other tables show what it rests on. Not for figures.
"""

from __future__ import annotations

from .along import along_table
from .cells import cell_table
from .cosines import pair_table, span_table
from .file import Claim, Claims, load_claims
from .ledger import ledger
from .markdown import verdict_markdown
from .pool import generalization_table, predictor_ranking
from .verdict import VERDICTS

__all__ = [
    "VERDICTS",
    "Claim",
    "Claims",
    "along_table",
    "cell_table",
    "generalization_table",
    "ledger",
    "load_claims",
    "pair_table",
    "predictor_ranking",
    "span_table",
    "verdict_markdown",
]
