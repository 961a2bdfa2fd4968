"""Sentences of the book stand on guards: one that is no longer true stops the build and is named."""

from __future__ import annotations


class UntrueSentence(AssertionError):
    """A sentence that the results no longer bear out."""


def guard(holds: object, sentence: str) -> None:
    """Stop where `holds` is not true; `sentence` is what the page says.

    `holds` must be a truth value or a collection of them: a number, or nothing at all, would be no check.

    Raises
    ------
    UntrueSentence
        Some of it is false.
    TypeError
        It is no truth value, or empty.
    """
    values = [holds] if isinstance(holds, bool) or not hasattr(holds, "__iter__") else list(holds)
    if not values or any(type(value).__name__ not in ("bool", "bool_") for value in values):
        raise TypeError(f"a guard takes truth values, got {holds!r} for {sentence!r}")
    if not all(values):
        raise UntrueSentence(f"no longer true: {sentence}")
