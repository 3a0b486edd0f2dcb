"""YAML text as plain values, or one message that says why it cannot be read."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from .errors import ConfigError

READ_AS = {bool: "true or false", type(None): "null", int: "a number", float: "a number"}
EXPONENT = re.compile(r"([-+]?\d+)(\.\d*)?[eE]([-+]?)(\d+)")


def parse(text: str):
    """Parse a YAML document.

    Raises:
        ConfigError: the text is not YAML, a tag or a date in it has no value, it is nested too deep or contains itself, or a key is not
            text (``on:`` reads as true, ``2024-01-01:`` as a date).
    """
    try:
        document = yaml.safe_load(text)
        _refuse_keys(document, "")
    except yaml.YAMLError as error:
        raise ConfigError(str(error)) from error
    except RecursionError as error:
        raise ConfigError("nested too deep, or an alias inside its own anchor") from error
    except ConfigError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # 2024-02-31, !!int x
        raise ConfigError(f"a value cannot be read as the type that it looks like or is tagged with ({error})") from error
    return document


def _refuse_keys(value, where: str) -> None:
    """Refuse keys that are not text."""
    if isinstance(value, list):
        for i, inner in enumerate(value):
            _refuse_keys(inner, f"{where}[{i}]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            at = f"{where}.{key}".lstrip(".")
            if not isinstance(key, str):
                read_as = READ_AS.get(type(key), f"a {type(key).__name__}")
                raise ConfigError(f"{at}: this key is read as {read_as}, not as text; put it in quotes")
            _refuse_keys(inner, at)


class Slip(NamedTuple):
    """A slip in a YAML text: the dotted key, the message, and whether the value is read as text that was not meant as text."""

    key: str
    message: str
    is_text: bool = True


def find_slips(text: str) -> list[Slip]:
    """Find what YAML reads without a warning and otherwise than its author meant it.

    Args:
        text: a readable YAML document.

    Returns:
        One entry, with line numbers, for each key that a mapping has twice (YAML keeps the last), and for each unquoted ``1e-4``
        (YAML 1.1 reads it as text: a number needs a dot and a signed exponent), ``None``, or value with a comma at its end.
    """
    slips, seen = [], set()

    def walk(node, at):
        if id(node) in seen:  # an alias
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for name, value in node.value:
                key, line = f"{at}.{name.value}".lstrip("."), name.start_mark.line + 1
                if name.value in lines and name.value != "<<":
                    slips.append(Slip(key, f"{key}: given twice, in line {lines[name.value]} and line {line}; keep one", False))
                lines[name.value] = line
                walk(value, key)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                walk(value, f"{at}[{i}]")
        elif node.style is None and node.tag == "tag:yaml.org,2002:str":
            meant = _meant(node.value)
            if meant:
                line = node.start_mark.line + 1
                slips.append(Slip(at, f"{at} = {node.value!r} in line {line}; YAML reads this as text: write {meant}"))

    walk(yaml.compose(text, Loader=yaml.SafeLoader), "")
    return slips


def _meant(text: str) -> str:
    """How to write what an unquoted text was meant to be; empty for a text."""
    if text == "None":
        return "null"
    if text.endswith(","):
        return _meant(text.rstrip(",")) or text.rstrip(",")
    parts = EXPONENT.fullmatch(text)
    if not parts:
        return ""
    whole, fraction, sign, power = parts.groups()
    return f"{whole}{fraction if fraction and fraction != '.' else '.0'}e{sign or '+'}{power}"
