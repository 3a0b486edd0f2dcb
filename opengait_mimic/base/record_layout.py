"""What a training's record (``training.json``, and its copy in every checkpoint) holds: the types of its values, checked wherever one is
read, so that whoever reads on need not ask. Pure. What the keys mean says `opengait_mimic.training.record.Recorder`.
"""

from __future__ import annotations

from numbers import Real
from typing import Callable

from .config import anything, integer, optional, pair, shown, text
from .errors import ConfigError

DIGEST = "sha256:"


def whole(record) -> dict | None:
    """A record of this layout as it is; None for anything else, as of a version that wrote other keys.

    Raises:
        ConfigError: it has the keys, but values that no training writes; an argument for each, ``key = value; expected ...``.
    """
    if not isinstance(record, dict) or not FIELDS.keys() <= record.keys():
        return None
    mapping(FIELDS, LATER)(record, "")
    if record["losses"] is None and record["checkpoints"]:
        raise ConfigError("losses = None; expected two numbers, for there are checkpoints")
    return record


def mapping(fields: dict[str, Callable], more: dict[str, Callable] | None = None):
    """A check: a mapping whose keys ``fields``, and ``more`` where they are there, pass their checks; it may have others."""

    def check(value, where):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} = {shown(value)}; expected a mapping")
        found = []
        for key, part in {**fields, **(more or {})}.items():
            place = f"{where}.{key}".lstrip(".")
            try:
                if key in value:
                    part(value[key], place)
                elif key in fields:
                    raise ConfigError(f"{place}: missing")
            except ConfigError as error:
                found += error.args
        if found:
            raise ConfigError(*found)
        return value

    return check


def each(name: Callable, part: Callable):
    """A check: a mapping whose keys pass ``name`` and whose values pass ``part``."""

    def check(value, where):
        for key, one in mapping({})(value, where).items():
            name(key, where)
            part(one, f"{where}.{key}")
        return value

    return check


def listed(part: Callable):
    """A check: a list of what passes ``part``."""

    def check(value, where):
        if not isinstance(value, list):
            raise ConfigError(f"{where} = {shown(value)}; expected a list")
        return [part(one, f"{where}[{i}]") for i, one in enumerate(value)]

    return check


def real(value, where):
    """A check: a number, infinite ones and NaN too."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"{where} = {shown(value)}; expected a number")
    return value


def _iteration(key, where):
    if not isinstance(key, str) or not (key.isascii() and key.isdigit() and key == str(int(key))):
        raise ConfigError(f"{where}: the key {key!r}; expected an iteration, a whole number")


def _digest(value, where):
    if not isinstance(value, str) or not value.startswith(DIGEST):
        raise ConfigError(f"{where} = {shown(value)}; expected the file's hash, {DIGEST}...")


def _size(value, where):
    """Of a batch: P x K, or a number of clips."""
    return pair(integer(1))(value, where) if isinstance(value, list) else integer(1)(value, where)


def _step(value, where):
    step, _ = pair(anything)(value, where)
    integer(0)(step, f"{where}[0]")
    each(text, optional(real))(value[1], f"{where}[1]")


_FILES = each(_iteration, _digest)
_PHASE = {"kinds": each(text, real), "hidden": pair(real)}
_ANY = mapping({})
FIELDS = {
    "inputs": mapping(
        {
            "data_cfg": mapping({"dataset_name": text}),
            "model_cfg": mapping({"model": text}),
            "trainer_cfg": mapping({"seed": anything, "restore_hint": anything, "sampler": mapping({"batch_size": _size})}),
            "loss_cfg": listed(_ANY),
            "optimizer_cfg": _ANY,
            "scheduler_cfg": _ANY,
        }
    ),
    "checkpoints": _FILES,
    "losses": optional(pair(real)),
    "seconds": real,
    "version": text,
    "host": text,
    "commit": text,
    "world": integer(1),
}
"""Keys that every record has."""
LATER = {
    "trained_on": mapping(_PHASE, {"before": optional(listed(mapping(_PHASE)))}),
    "steps_per_second": real,
    "curves": listed(_step),
    "removed": _FILES,
    "tested": integer(0),
    "best": mapping({"name": text, "value": real, "iteration": integer(0)}),
}
"""Keys that a record may have."""
