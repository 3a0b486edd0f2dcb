"""What `opengait-mimic adapt` is asked for, and the mix of kinds that it trains on."""

from __future__ import annotations

import re
from typing import NamedTuple

from .config import ConfigError, integer, nearest, number, optional, text
from .occlusion import KINDS
from .protocol.cells import KIND_SETS


class Change(NamedTuple):
    """What is asked for, checked.

    ``new``: kind -> share of the new clips, adding up to 1; ``iters``; ``hidden``: lowest and highest hidden share, ``none``: share of
    whole clips, ``lr`` (each None: the YAML's); ``keep``: share of the hidden clips that hide what was hidden before; ``name``: appended to
    ``save_name``; ``ven``: the YAML of another VEN, or None.
    """

    new: dict[str, float]
    iters: int
    hidden: tuple[float, float] | None
    none: float | None
    keep: float
    lr: float | None
    name: str
    ven: str | None

    @classmethod
    def of(cls, given) -> Change:
        """From a parsed command line.

        Raises:
            ConfigError: a value out of range; names the option.
        """
        name = given.name or re.sub(r"[^\w.+-]", "_", given.kinds)
        if not re.fullmatch(r"[\w.+-]+", name):
            raise ConfigError(f"--name {name!r}: becomes part of a folder's name; use letters, digits and . _ + -")
        return cls(
            new=read_kinds(given.kinds),
            iters=integer(1)(given.iters, "--iters"),
            hidden=read_range(given.hidden),
            none=optional(number(0, 0.99))(given.none, "--none"),
            keep=number(0, 1)(given.keep, "--keep"),
            lr=optional(number(1e-12, 1e3))(given.lr, "--lr"),
            name=name,
            ven=optional(text)(given.ven, "--ven"),
        )


def read_kinds(given: str) -> dict[str, float]:
    """``middle``, ``dynamic``, ``middle,top+bottom`` (in equal parts) or ``top:0.3,pole:0.7``: kind -> share, adding up to 1.

    Raises:
        ConfigError: a name that is none of `KIND_SETS`, or a part that is not above 0.
    """
    parts = {}
    for entry in given.split(","):
        name, _, part = entry.strip().partition(":")
        if name not in KIND_SETS or name in parts:
            why = "stands there twice" if name in parts else f"unknown{nearest(name, KIND_SETS)}"
            raise ConfigError(
                f"--kinds {given}: {name!r} {why}; a comma-separated list of {', '.join(KIND_SETS)}, each with :PART or without"
            )
        try:
            share = float(part) if part else 1.0
        except ValueError:
            raise ConfigError(f"--kinds {given}: {part!r} is no number; write for example top:0.3,pole:0.7") from None
        parts[name] = number(1e-6, 1e6)(share, f"--kinds {name}")
    found: dict[str, float] = {}
    for name, part in parts.items():
        for kind, share in KIND_SETS[name].items():
            found[kind] = found.get(kind, 0.0) + part * share / sum(parts.values())
    return found


def read_range(given: str | None) -> tuple[float, float] | None:
    """``40-60``, in percent, as shares; None as it is.

    Raises:
        ConfigError: not two numbers from 1 to 95, the lower first.
    """
    if given is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", given)
    low, high = (float(end) / 100 for end in found.groups()) if found else (0, 0)
    if not 0.01 <= low <= high <= 0.95:
        raise ConfigError(f"--hidden {given}: expected a range in percent from 1 to 95, such as 40-60")
    return low, high


def mixed(old: dict[str, float], change: Change) -> dict[str, float]:
    """The kinds to train on, see `opengait_mimic.adapting`; probabilities in the order of `KINDS`.

    Args:
        old: those of the training so far, with ``none``.
    """
    before = {kind: share for kind, share in old.items() if kind != "none" and share > 0}
    none = old.get("none", 0.0) if change.none is None else change.none
    keep, hidden = change.keep if before else 0.0, 1 - none
    shares = {kind: keep * share / sum(before.values()) for kind, share in before.items()}
    for kind, share in change.new.items():
        shares[kind] = shares.get(kind, 0.0) + (1 - keep) * share
    shares = {"none": none, **{kind: hidden * share for kind, share in shares.items()}}
    return {kind: round(shares[kind], 6) for kind in KINDS if shares.get(kind)}
