"""YAML text as plain values, or one message why not."""

from __future__ import annotations

import yaml

from .config import shown
from .errors import ConfigError

MISREAD = {bool: "true or false", type(None): "null", int: "a number", float: "a number"}


def parse(text: str):
    """What a YAML document says.

    Raises:
        ConfigError: it is not YAML, a tag or a date in it has no value, it refers to itself, is nested too deep, or has a key that is no
            text (``on:`` reads as true, ``2024-01-01:`` as a date).
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(str(error)) from error
    except RecursionError as error:
        raise ConfigError("nested too deep") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # of a constructor: 2024-02-31, !!int x
        raise ConfigError(f"a value cannot be read as what it looks like or is tagged as ({error})") from error
    _refuse_keys(found, "", ())
    return found


def _refuse_keys(value, where: str, above: tuple) -> None:
    if not isinstance(value, (dict, list, set)):
        return
    if id(value) in above:
        raise ConfigError(f"{where or 'the document'}: refers to itself (an alias inside its own anchor)")
    if isinstance(value, set):
        raise ConfigError(f"{where or 'the document'} = {shown(value)}: a set, which no key takes; write a list")
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict) and not isinstance(key, str):
            read_as = MISREAD.get(type(key), f"a {type(key).__name__}")
            raise ConfigError(
                f"{f'{where}.{key}'.lstrip('.')}: this key is read as {read_as}, not as text; put it in quotes, or name it so"
            )
        _refuse_keys(inner, f"{where}.{key}".lstrip(".") if isinstance(value, dict) else f"{where}[{key}]", (*above, id(value)))
