"""Seeds on a command line."""

from __future__ import annotations

import re

from .errors import ConfigError


def read_seeds(given: str, option: str = "--seeds") -> list[int]:
    """Whole numbers and ranges, each seed once, in the order given.

    Args:
        given: for example ``0``, ``0-9`` or ``0,3,5-7``.
        option: its name, for messages.

    Raises:
        ConfigError: anything else, or a range from high to low.

    Example:
        >>> read_seeds("0-2,7,1")
        [0, 1, 2, 7]
    """
    seeds = []
    for part in given.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not found:
            raise ConfigError(f"{option} {given}: expected whole numbers and ranges, such as 0, 0-2 or 0,3")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise ConfigError(f"{option} {given}: the range {part.strip()} goes from high to low and holds nothing")
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))
