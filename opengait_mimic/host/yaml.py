"""Find, read and merge configurations. `opengait_mimic.host.yaml_check` checks them."""

from __future__ import annotations

import sys
from pathlib import Path

from ..base.errors import ConfigError, HostError
from ..base.files import read_text
from ..base.yaml_text import parse
from .bound_host import current

CONFIGS = next(folder for folder in (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs") if folder.is_dir())
"""Our configurations: inside an installed package, or at the top of our repository."""

search: list[Path] = []
"""Further folders for relative paths in a configuration. The launcher adds the folder of the configuration."""


def resolve(path: str, key: str) -> Path:
    """Find the file or folder that a configuration names.

    Args:
        path: an absolute path, or one relative to the working folder, the configuration's folder, our shipped configurations or the
            host's root; they are tried in this order.
        key: the YAML key or option, for messages.

    Raises:
        HostError: it is in none of them; lists the places tried.
    """
    places = [Path.cwd(), *search, CONFIGS.parent, current().root]
    tried = [Path(path).expanduser()] if Path(path).expanduser().is_absolute() else [place / path for place in places]
    for candidate in tried:
        if candidate.exists():
            return candidate
    hint = "" if current().name == "opengait" else "; a file of OpenGait's needs a checkout (--host)"
    if not path.isascii() and (coding := sys.getfilesystemencoding()) != "utf-8":
        hint += f"; this console's encoding is {coding}, in which names are read otherwise: set PYTHONUTF8=1"
    raise HostError(
        f"{key}: {path} not found; tried {', '.join(dict.fromkeys(map(str, tried)))}{hint}. Correct the path; an absolute one is looked up"
        " as it is"
    )


def default_cfgs() -> dict:
    """The host's ``configs/default.yaml``."""
    return read_yaml(current().root / "configs" / "default.yaml", "the host's defaults")[1]


def read_yaml(file: Path, key: str) -> tuple[str, dict]:
    """Read a YAML file.

    Returns:
        Its text, and its mapping.

    Raises:
        HostError: it cannot be read, is not YAML, or not a mapping.
    """
    try:
        text = read_text(file)
        mapping = parse(text)
    except (OSError, ConfigError) as error:
        raise HostError(f"{key}: cannot read {file} as YAML text: {error}. Correct that place, or name another file") from error
    if not isinstance(mapping, dict):
        raise HostError(
            f"{key}: {file} is not a configuration: expected a YAML mapping with data_cfg, model_cfg, ..., got"
            f" {'nothing' if mapping is None else f'a {type(mapping).__name__}'}. `opengait-mimic list` names the shipped ones"
        )
    return text, mapping
