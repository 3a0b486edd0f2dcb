"""The cache of embeddings: ``<output>/<dataset>/<model>/<save_name>/embeddings/``, one file per condition and seed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ...base.errors import HostError
from ...host.run_paths import save_folder
from .embedding_file import Pass, Unfit, load


def cache_folder(cfgs: dict) -> Path:
    """The folder of a configuration's cached passes. It may be deleted at any time."""
    return save_folder(cfgs, "evaluator_cfg") / "embeddings"


def cache_file(cfgs: dict, key: dict) -> Path:
    """The file of a pass with this key: the kinds that hide, their range, the seed, and 16 digits of the key's hash."""
    digits = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    name, hides = "whole", key["condition"]
    if hides is not None:
        kinds = "+".join(kind for kind, share in hides["kinds"].items() if share > 0 and kind != "none") or "none"
        name = "{}-{:g}-{:g}-seed{}".format(kinds, *hides["hidden"], hides["seed"])
    return cache_folder(cfgs) / f"{name}-{digits}.npz"


def read_cached(cfgs: dict, key: dict) -> Pass | None:
    """The cached pass with this key; None if there is none. A file that does not fit is reported and not used."""
    file = cache_file(cfgs, key)
    if not file.is_file():
        return None
    try:
        return load(file, key)
    except Unfit as error:
        from utils import get_msg_mgr

        get_msg_mgr().log_warning(f"{file} is not used, the test set is embedded again: {error}")
        return None


def reload_pass(cfgs: dict, key: dict) -> Pass:
    """Read again a pass that this run has cached.

    Raises:
        HostError: the file was removed or changed since.
    """
    done = read_cached(cfgs, key)
    if done is None:
        raise HostError(f"{cache_file(cfgs, key)} was removed or changed while it was needed. Run the same command again")
    return done
