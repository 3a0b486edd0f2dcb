"""Load a configuration: read it, check it as its author wrote it, and merge it over the host's defaults.

OpenGait builds losses, transforms, samplers and optimisers from the keys that they take, and drops the others without a word. A file that
names a class or function of ours is refused for unknown keys and wrong values. Any other file, such as OpenGait's own, gets one warning at
most. It is refused only for values without which the host cannot run, wrong values of our own keys (``trainer_cfg.seed``), and misspelt
keys of the file itself, of ``data_cfg`` and of the two engines.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..base.config import merge
from ..base.errors import ConfigError
from ..base.nearest_name import nearest
from ..base.processes import rank_and_world
from ..base.yaml_text import find_slips
from .register import REGISTERED
from .yaml import default_cfgs, read_yaml, resolve
from .yaml_problems import ANY_FILE, OUR_FILES, find_problems

MOST = 10  # problems in one message
NAMING = ("model", "type", "eval_func")  # keys whose value is a name of `REGISTERED`, where it is ours

_checked: set[tuple[Path, str]] = set()


def load_cfgs(path: str | os.PathLike, key: str = "--cfgs") -> dict:
    """Load a complete configuration: the YAML over the host's ``configs/default.yaml``. A host must be bound.

    Args:
        path: the file, see `opengait_mimic.host.resolve`.
        key: the YAML key or option that names it, for messages.

    Raises:
        HostError: no such file, not YAML, or not a mapping.
        ConfigError: wrong keys or values, see this module.
    """
    file, default = resolve(str(path), key), default_cfgs()
    text, user = read_yaml(file, key)
    check_file(file, text, user, default)
    return merge(user, default)


def check_file(file: Path, text: str, user: dict, default: dict) -> None:
    """Check a configuration as its author wrote it, once for each file and text in a process.

    Args:
        file: the YAML, for messages.
        text: its text.
        user: its mapping.
        default: the host's default configuration, for the names (``type``, ``solver``, ...) that ``user`` leaves out.

    Raises:
        ConfigError: lists all problems (the first ten), each with its dotted key, the value, what is allowed and the nearest valid name.
    """
    if (file, text) in _checked:
        return
    problems, strict = list(find_problems(user, default)), uses_ours(user)
    found = find_slips(text)
    slips = [slip for slip in found if strict or slip.is_text]
    better = tuple(f"{slip.key} = " for slip in slips if slip.is_text)
    refused = [each for each in problems if each.refused_in == ANY_FILE or (strict and each.refused_in == OUR_FILES)]
    messages = [slip.message for slip in slips]
    messages += [each.message for each in refused if not (better and each.message.startswith(better))]
    if messages:
        head = f"{file}: " if len(messages) == 1 else f"{file}: {len(messages)} problems\n  "
        raise ConfigError(head + "\n  ".join(_shorten(messages)))
    dropped = [each.key + each.nearest for each in problems if each.is_unknown_key]
    notes = [f"keys the host does not read, without effect unless the model does: {', '.join(_shorten(dropped))}"] if dropped else []
    notes += [f"{slip.message} (YAML keeps the last)" for slip in found]  # of a stock configuration: in one of ours they are errors
    if notes and rank_and_world()[0] == 0:
        logging.getLogger("opengait_mimic").warning("%s: %s", file, "; ".join(notes))
    _checked.add((file, text))


def uses_ours(user) -> bool:
    """Whether a configuration names a model, loss, transform or evaluation of ours. The key that names it may be misspelt."""
    if isinstance(user, list):
        return any(map(uses_ours, user))
    if not isinstance(user, dict):
        return False
    names = {name for table in REGISTERED.values() for name in table}
    return any(uses_ours(v) or (isinstance(v, str) and v in names and bool(nearest(k, NAMING))) for k, v in user.items())


def _shorten(lines: list[str]) -> list[str]:
    """The first `MOST` lines, and the number of the others."""
    return lines[:MOST] + ([f"and {len(lines) - MOST} more"] if len(lines) > MOST else [])
