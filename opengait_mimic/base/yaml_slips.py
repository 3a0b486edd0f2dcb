"""What a YAML's text says and its reader keeps quiet about: keys given twice, and numbers that YAML takes for text."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

EXPONENT = re.compile(r"([-+]?\d+)(\.\d*)?[eE]([-+]?)(\d+)")


class Slip(NamedTuple):
    """A slip: the dotted key, and the message."""

    key: str
    message: str


def slips(text: str) -> list[Slip]:
    """Look a YAML document over.

    Args:
        text: the document; it must be readable as YAML.

    Returns:
        One entry for each key that a mapping gives more than once (YAML's reader keeps the last without a word) and for each
        unquoted ``1e-4`` (YAML 1.1 wants a dot and a signed exponent in a number, else it is text), with line numbers.
    """
    found, seen = [], set()

    def walk(node, at):
        if id(node) in seen:  # an alias
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for name, value in node.value:
                key, line = f"{at}.{name.value}".lstrip("."), name.start_mark.line + 1
                if name.value in lines and name.value != "<<":
                    found.append(Slip(key, f"{key}: given twice, in line {lines[name.value]} and line {line}; keep one"))
                lines[name.value] = line
                walk(value, key)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                walk(value, f"{at}[{i}]")
        elif node.style is None and node.tag == "tag:yaml.org,2002:str":
            parts = EXPONENT.fullmatch(node.value)
            if parts:
                whole, fraction, sign, power = parts.groups()
                number = f"{whole}{fraction if fraction and fraction != '.' else '.0'}e{sign or '+'}{power}"
                line = node.start_mark.line + 1
                found.append(Slip(at, f"{at} = {node.value!r} in line {line}; YAML reads {node.value} as text: write {number}"))

    walk(yaml.compose(text, Loader=yaml.SafeLoader), "")
    return found
