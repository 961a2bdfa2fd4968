"""The page that says what the published tables hold leaves no column out, and invents none."""

import re
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

ROOT = Path(__file__).parents[2]
TABLES = sorted(path.stem for path in (ROOT / "results/digits").glob("*.parquet"))


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


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described(table):
    seen = set()
    for path in (ROOT / "results").glob(f"*/{table}.parquet"):
        seen |= set(parquet.read_schema(path).names)
    known = described()[table] | {"run_a", "run_b"}
    assert seen - known == set()
    shared = {"run", "layer", "convention", "split", "run_a", "run_b", "cos", "cos_anchor"}
    later = {"failure"}  # in the tables of studies published after it was added
    assert known - shared - later - seen == set(), "described, but in no published table"
