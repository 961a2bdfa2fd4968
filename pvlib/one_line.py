"""Text that goes to a terminal as one line, whatever is in it: file names may hold line feeds and bytes that are no text."""

LONGEST = 1500


def one_line(text: object) -> str:
    """`text` on one line of printable characters; what cannot be printed is escaped, and lines are joined by a blank."""
    lines = str(text).splitlines() if isinstance(text, BaseException) else [str(text)]
    joined = " ".join(line.strip() for line in lines if line.strip())
    shown = "".join(c if c.isprintable() else _escaped(c) for c in joined)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + " ..."


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python carries the byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
