"""What a reader refuses, and which of several arrays is meant."""

from __future__ import annotations

from ...safetensors_format import COPY, Refused

__all__ = ["COPY", "Refused", "chosen", "nameless"]


def nameless(name: str | None) -> None:
    if name is not None:
        raise Refused(f"it holds one matrix, which has no name; leave out ':{name}'")


def chosen(names: list[str], wanted: str | None) -> int:
    """The place of the array that is meant; of several, it must be named."""
    places = [place for place, name in enumerate(names) if wanted in (None, name)]
    if len(places) == 1:
        return places[0]
    some = ", ".join(name[:60] for name in names[:8]) + (", ..." if len(names) > 8 else "")
    if not names:
        raise Refused(f"it holds no array; {COPY}")
    if wanted is None:
        raise Refused(
            f"expected one array in the file, found {len(names)}: {some}; name one, as in FILE:{names[0][:60]}"
        )
    raise Refused(f"it holds {len(places)} arrays of the name {wanted!r}; there are: {some}")
