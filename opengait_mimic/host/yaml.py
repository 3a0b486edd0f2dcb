"""Where the files are that a configuration names, and the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path

from ..base.config import merge
from ..base.errors import ConfigError, HostError
from ..base.yaml_text import parse
from .binding import current

CONFIGS = next(folder for folder in (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs") if folder.is_dir())
"""Our configurations: inside an installed package, or at the top of a checkout of ours."""

search: list[Path] = []
"""Folders that relative paths in a configuration are looked up in as well (the launcher adds the configuration's own)."""


def resolve(path: str, key: str) -> Path:
    """The file or folder a configuration names: absolute, or relative to the working folder, the configuration's folder,
    our shipped configurations, or the host's root, in this order.

    Raises:
        HostError: it is in none of them; lists the places tried.
    """
    places = [Path.cwd(), *search, CONFIGS.parent, current().root]
    tried = [Path(path).expanduser()] if Path(path).expanduser().is_absolute() else [place / path for place in places]
    for candidate in tried:
        if candidate.exists():
            return candidate
    hint = "" if current().name == "opengait" else "; a file of OpenGait's needs a checkout (--host)"
    raise HostError(
        f"{key}: {path} not found; tried {', '.join(dict.fromkeys(map(str, tried)))}{hint}. Correct the path; an absolute one is looked up"
        " as it is"
    )


def load_cfgs(path: str | os.PathLike, key: str = "--cfgs") -> dict:
    """A complete configuration: the YAML over the host's ``configs/default.yaml``.

    Raises:
        HostError: no such file, not YAML, or not a mapping.
        ConfigError: a file that uses something of ours has wrong keys or values (see `opengait_mimic.host.yaml_check`).
    """
    from .yaml_check import check_file  # needs the host's registry, which this package is still importing

    file, default = resolve(str(path), key), default_cfgs()
    text, user = _read(file, key)
    check_file(file, text, user, default)
    return merge(user, default)


def default_cfgs() -> dict:
    """The host's ``configs/default.yaml``."""
    return _read(current().root / "configs" / "default.yaml", "the host's defaults")[1]


def _read(file: Path, key: str) -> tuple[str, dict]:
    """A YAML's text and its mapping."""
    try:
        text = file.read_text(encoding="utf-8")
        loaded = parse(text)
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise HostError(f"{key}: cannot read {file} as YAML text: {error}. Correct that place, or name another file") from error
    if not isinstance(loaded, dict):
        raise HostError(
            f"{key}: {file} is not a configuration: expected a YAML mapping with data_cfg, model_cfg, ..., got"
            f" {'nothing' if loaded is None else f'a {type(loaded).__name__}'}. `opengait-mimic list` names the shipped ones"
        )
    return text, loaded
