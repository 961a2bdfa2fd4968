"""YAML files that people write: read safely, checked against types, and their mistakes told in one line each.

What a value means is checked where it is used (`pvlib.study.config`, `pvlib.report.answers.file`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from .nearest import nearest

LARGEST_FILE = 256 * 1024  # bytes; the largest study of the project has 10 kB
MOST_NODES = 50_000  # values and keys, aliases counted wherever they are used
_WORDS = {"object": "a mapping", "array": "a list", "str": "text", "int": "a whole number", "float": "a number",
          "bool": "true or false", "null": "nothing"}  # fmt: skip
T = TypeVar("T")


def read_yaml(path: Path) -> object:
    """The content of a YAML file, as mappings, lists and plain values.

    Raises
    ------
    ValueError
        Not valid YAML, a key that comes twice, too large, or too large once its aliases are followed.
    OSError
        The file is not there or cannot be read.
    """
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(2, "no such file", str(path))
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise ValueError(f"{path} has {size} bytes; at most {LARGEST_FILE} are read of such a file")
    try:
        loader = yaml.SafeLoader(path.read_bytes())
        node = loader.get_single_node()
        if node is None:
            return None
        _check_nodes(node, {})
        return loader.construct_document(node)
    except RecursionError:
        raise ValueError(f"{path} is not valid YAML: nested too deeply") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None


def _check_nodes(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """How many values `node` stands for. Counted before they are built: nine lines of aliases can stand for a billion."""
    if id(node) in sizes:
        known = sizes[id(node)]
        if known is None:
            raise ValueError(f"line {node.start_mark.line + 1}: an alias inside its own anchor")
        return known
    sizes[id(node)] = None
    children = []
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ValueError(f"line {key.start_mark.line + 1}: the key {key.value!r} comes twice")
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
            children += [key, value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    else:
        node.value.encode()  # half a surrogate pair cannot be written to any table
    size = 1 + sum(_check_nodes(child, sizes) for child in children)
    if size > MOST_NODES:
        raise ValueError(f"more than {MOST_NODES} values once its aliases are followed")
    sizes[id(node)] = size
    return size


def check(content: object, kind: type[T], where: str) -> T:
    """`content` as `kind`, a `msgspec.Struct`.

    Raises
    ------
    ValueError
        One line: `where`, the path to the field, and what is wrong with it (the nearest right key is named).
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        path = path.replace("`", "").removeprefix("$")
        place = f"{where}, {path.removeprefix('.')}" if path else where
        raise ValueError(f"{place}: {_in_words(what, kind, path)}") from None
    except RecursionError:
        raise ValueError(f"{where}: nested too deeply") from None


def _in_words(what: str, kind: type, path: str) -> str:
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.S):
        return f"unknown key {found[1]!r}; {nearest(found[1], _known_at(kind, path))}"
    if found := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"the key {found[1]!r} is missing"
    if found := re.fullmatch(r"Invalid (?:enum )?value '(.*)'", what, re.S):
        return f"{found[1]!r} is unknown; {nearest(found[1], _known_at(kind, path))}"
    if not what.startswith("Expected `"):
        return what
    what = re.sub(r"`(\w+)`", lambda name: _WORDS.get(name[1], name[1]), what)
    return what[0].lower() + what[1:]


def _known_at(kind: type, path: str) -> list[str]:
    """The keys that the mapping at `path` (such as ".cells[0]") may have, or the words that the value there may be."""
    nodes: list[Any] = [msgspec.inspect.type_info(kind)]
    for step in re.findall(r"\.\w+|\[", path):
        if step == "[":
            nodes = [n.item_type if isinstance(n, msgspec.inspect.ListType) else n.value_type for n in nodes]
        elif any(getattr(node, "tag_field", None) == step[1:] for node in nodes):
            return [str(node.tag) for node in nodes]
        else:
            nodes = [field.type for node in nodes for field in node.fields if field.encode_name == step[1:]]
        # One of several mappings, or something or nothing.
        nodes = [
            part for node in nodes for part in (node.types if isinstance(node, msgspec.inspect.UnionType) else [node])
        ]
        nodes = [node for node in nodes if not isinstance(node, msgspec.inspect.NoneType)]
    literal = [node for node in nodes if isinstance(node, msgspec.inspect.LiteralType)]
    if literal:
        return [str(value) for node in literal for value in node.values]
    return list(dict.fromkeys(field.encode_name for node in nodes for field in node.fields))
