"""What every result can do: be compared with another, be saved and loaded, and be shown as a small table."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..atomic import write_atomic
from ..safetensors_format import Refused, decoded, encoded


class Record:
    """A dataclass of arrays, numbers and words, equal to another where all of these are."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(
            _same(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]  # as of arrays


class Result(Record):
    """A record that can be saved and loaded, and is shown as a table with a title and notes."""

    def _shown(self) -> tuple[str, Sequence[str], Iterable[Sequence[str]], Iterable[str]]:
        """Title, header, rows (the first cell is a name), and notes."""
        raise NotImplementedError

    def __str__(self) -> str:
        title, header, rows, notes = self._shown()
        lines = [*filter(None, [header]), *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        cells = ([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])] for name, *numbers in lines)
        return "\n".join([title, *("  ".join(line).rstrip() for line in cells), *(f"! {note}" for note in notes)])

    def _repr_html_(self) -> str:
        title, header, rows, notes = self._shown()

        def line(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        head, body = line(header, "th") if header else "", "".join(line(row, "td") for row in rows)
        below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
        return f"<table><caption>{html.escape(title)}</caption>{head}{body}</table>{below}"

    def save(self, path: str | Path) -> None:
        """Write a safetensors file that `load` reads; what the file held before stays until all is written."""
        write_atomic(Path(path), as_file({type(self).__name__: self}, {}))

    @classmethod
    def load(cls, path: str | Path, name: str | None = None) -> Self:
        """Read what `save` wrote; of a file with several results, the one called `name`.

        Raises
        ------
        ValueError
            The file is damaged, or holds no such result.
        """
        arrays, note = decoded(Path(path))
        saved: dict[str, dict] = json.loads(note.get("results", "{}"))
        ours = [key for key, (kind, _) in saved.items() if kind == cls.__name__ and name in (None, key)]
        if len(ours) != 1:
            held = ", ".join(f"{key!r} ({kind})" for key, (kind, _) in saved.items()) or "no result of pvlib"
            wanted = f"no {cls.__name__} {name!r}" if name is not None else f"not one {cls.__name__}"
            raise Refused(f"{path}: it holds {wanted} but {held}")
        return cls._from(_unpacked(saved[ours[0]][1], arrays))

    @classmethod
    def _from(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields)


def as_file(results: Mapping[str, Result], note: Mapping[str, str]) -> bytes:
    """A safetensors file of named results; arrays are called NAME.FIELD."""
    arrays: dict[str, np.ndarray] = {}
    saved = {name: (type(one).__name__, _packed(one, name, arrays)) for name, one in results.items()}
    return encoded(arrays, {**note, "results": json.dumps(saved)})


def _packed(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        return {f.name: _packed(getattr(value, f.name), f"{name}.{f.name}", arrays) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_packed(each, f"{name}.{place}", arrays) for place, each in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


def _unpacked(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        return (
            arrays[value["array"]] if set(value) == {"array"} else {k: _unpacked(v, arrays) for k, v in value.items()}
        )
    return tuple(_unpacked(each, arrays) for each in value) if isinstance(value, list) else value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    return bool(a == b) or (a != a and b != b)
