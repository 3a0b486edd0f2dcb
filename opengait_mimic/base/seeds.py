"""Seeds on a command line."""

from __future__ import annotations

import re

from .errors import ConfigError


def read_seeds(given: str, option: str = "--seeds") -> list[int]:
    """Read whole numbers and ranges; each seed once, in the order given.

    Args:
        given: for example ``0``, ``0-9`` or ``0,3,5-7``.
        option: the name of the option, for messages.

    Raises:
        ConfigError: other text, or a range from high to low.

    Example:
        >>> read_seeds("0-2,7,1")
        [0, 1, 2, 7]
    """
    seeds = []
    for part in given.split(","):
        matched = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not matched:
            raise ConfigError(f"{option} {given}: expected whole numbers and ranges, such as 0, 0-2 or 0,3")
        low, high = int(matched[1]), int(matched[2] or matched[1])
        if high < low:
            raise ConfigError(f"{option} {given}: the range {part.strip()} goes from high to low")
        seeds += range(low, high + 1)
    return list(dict.fromkeys(seeds))
