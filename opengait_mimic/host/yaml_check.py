"""Strict reading of a whole configuration, on the user's text, before it is merged over the host's defaults.

OpenGait builds losses, transforms, samplers and optimisers from the keys they take and drops the rest. A file that uses
anything of ours is refused for such a key, for a value of the wrong type or out of range; OpenGait's own files get one
warning line at most, and run. The same line tells the keys of an engine block that a model other than ours may read itself.
Needs a bound host: which keys a class takes is read off the host's own signatures.
"""

from __future__ import annotations

import logging
from pathlib import Path

from ..base.config import nearest
from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..base.yaml_slips import slips
from .register import REGISTERED
from .trainer_keys import FIELDS
from .yaml_problems import problems
from .yaml_tables import BLOCKS

MOST = 10  # problems told at once
MARKS = ("seed", "occlusion", "keep_last", "keep_best", *FIELDS)  # keys of ours in the host's blocks
NAMING = ("model", "type", "eval_func")  # keys whose value is a name of `REGISTERED`, where it is ours

_checked: set[tuple[Path, str]] = set()


def check_file(file: Path, text: str, user: dict, default: dict) -> None:
    """Check a configuration as its author wrote it; once for each file and text in a process.

    Args:
        file: the YAML, for messages.
        text: its text.
        user: the text read as YAML.
        default: the host's default configuration, which fills in the names that ``user`` leaves out.

    Raises:
        ConfigError: the file uses something of ours (see `uses_ours`) and has unknown or repeated keys, or values of the wrong
            type or out of range: each with its dotted key, the value, what is allowed and the nearest valid name. Of any file: a
            block that is no mapping, and a value that would stop the host or us (`tables.NEEDED`).
    """
    if (file, text) in _checked:
        return
    found = list(problems(user, default))
    if uses_ours(user):
        told = slips(text)
        better = tuple(f"{slip.key} = " for slip in told if slip.message.startswith(f"{slip.key} = "))
        messages = [slip.message for slip in told] + [f.message for f in found if not f.perhaps and not f.message.startswith(better)]
        if messages:
            head = f"{file}: " if len(messages) == 1 else f"{file}: {len(messages)} problems\n  "
            raise ConfigError(head + "\n  ".join(_first(messages)))
    broken = [f.message for f in found if f.broken]
    if broken:
        raise ConfigError(f"{file}: " + "\n  ".join(_first(broken)))
    dropped = [f.key for f in found if f.dropped]
    if dropped and rank_and_world()[0] == 0:
        message = "%s: keys the host does not read, without effect unless the model does: %s"
        logging.getLogger("opengait_mimic").warning(message, file, ", ".join(_first(dropped)))
    _checked.add((file, text))


def _first(lines: list[str]) -> list[str]:
    """The first `MOST`, and how many are left."""
    return lines[:MOST] + ([f"and {len(lines) - MOST} more"] if len(lines) > MOST else [])


def uses_ours(user: dict) -> bool:
    """Whether a configuration names a model, loss, transform or evaluation of ours, or gives one of `MARKS`; a little misspelt
    as well, since a key the host drops would change what the run means without a word.
    """
    names = {name for table in REGISTERED.values() for name in table}

    def named(value):
        if isinstance(value, dict):
            return any(named(v) or (isinstance(v, str) and v in names and bool(nearest(k, NAMING))) for k, v in value.items())
        return isinstance(value, list) and any(map(named, value))

    def marked(name, block):
        known = BLOCKS.get(name, {})
        engine = isinstance(block, dict) and (name not in BLOCKS or name in ("trainer_cfg", "evaluator_cfg"))
        return engine and any(key in MARKS or (key not in known and bool(nearest(key, MARKS))) for key in block)

    return named(user) or any(marked(name, block) for name, block in user.items())
