"""What the published tables hold is what the schema says, and the page about them leaves no column out and invents none."""

import re
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from pvlib.published_tables import FOREIGN, LATER, TABLES

ROOT = Path(__file__).parents[2]
COLUMNS = TABLES | FOREIGN


def described() -> dict[str, set[str]]:
    """Table -> columns that its section names; of sections with two tables, each has the columns of both."""
    head, *sections = re.split(r"^## ", (ROOT / "book/tables.md").read_text(), flags=re.M)
    found = {}
    for section in sections:
        title, body = section.split("\n", 1)
        for table in title.split(" and "):
            found[table] = columns(body) | columns(head)
    return found


def columns(text: str) -> set[str]:
    rows = re.findall(r"^\| (`[^|]+) \|", text, flags=re.M)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_described(table):
    known, shared = described()[table], {"run", "layer", "convention", "split", "run_a", "run_b", "cos", "cos_anchor"}
    assert set(COLUMNS[table]) - known - shared == set()
    assert known - shared - set(COLUMNS[table]) == set(), "described, but in no table"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "results").glob("*/*.parquet")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_what_is_published_has_the_columns_of_the_schema(path):
    found, stated = parquet.read_metadata(path), set(COLUMNS[path.stem])
    seen = set(found.schema.to_arrow_schema().names)
    assert seen <= stated
    if found.num_rows:
        assert stated - seen <= set(LATER.get(path.stem, ()))
