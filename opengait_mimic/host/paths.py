"""Where the files are that a configuration names, and the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from ..config import merge
from .bound import current
from .find import HostError

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
    raise HostError(f"{key}: {path} not found; tried " + ", ".join(str(t) for t in tried))


def load_cfgs(path: str | os.PathLike, key: str = "--cfgs") -> dict:
    """A complete configuration: the YAML over the host's ``configs/default.yaml``.

    Raises:
        HostError: no such file, not YAML, or not a mapping.
    """
    file = resolve(str(path), key)
    loaded = []
    for source in (file, current().root / "configs" / "default.yaml"):
        try:
            loaded.append(yaml.safe_load(source.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise HostError(f"{key}: cannot read {source}: {error}") from error
        if not isinstance(loaded[-1], dict):
            raise HostError(f"{key}: {source} is not a configuration (expected a YAML mapping)")
    return merge(*loaded)
