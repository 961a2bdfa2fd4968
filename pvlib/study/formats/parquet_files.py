"""Parquet tables of numeric columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..memory import afford
from .refused import COPY, Refused, nameless


def parquet(path: Path, name: str | None) -> np.ndarray:
    """A table of numeric columns, each a feature; an index that pandas stored among them is left out."""
    import pyarrow.parquet
    from pyarrow import types

    nameless(name)
    with open(path, "rb") as file:
        source = pyarrow.parquet.ParquetFile(file, page_checksum_verification=True)
        schema, count = source.schema_arrow, source.metadata.num_rows
        index = (schema.pandas_metadata or {}).get("index_columns", [])
        places = [place for place, column in enumerate(schema) if column.name not in index]
        for column in (schema[place] for place in places):
            kind = column.type
            if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
                raise Refused(
                    f"the column {column.name!r} is not numeric ({kind}); keep one numeric column for each feature"
                )
        afford(2 * count * sum(max(8, schema[place].type.bit_width) // 8 for place in places))
        table = source.read()
    if table.num_rows != count:
        raise Refused(f"it holds {table.num_rows} rows and promises {count}; {COPY}")
    for place in places:
        if table.column(place).null_count:
            row = int(np.argmax(table.column(place).is_null().to_numpy()))
            raise Refused(f"row {row} has no value in the column {schema[place].name!r}; fill it or leave the row out")
    columns = [table.column(place).to_numpy() for place in places]
    return np.column_stack(columns) if columns else np.empty((count, 0))
