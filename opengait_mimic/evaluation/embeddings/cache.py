"""The cache of embeddings: ``<output>/<dataset>/<model>/<save_name>/embeddings/``, one file per condition and seed."""

from __future__ import annotations

from pathlib import Path

from ...base.errors import HostError
from ...host.run_paths import save_folder
from .cache_key import file_stem
from .embedding_file import Pass, Unfit, load, remove_stale, save


def cache_folder(cfgs: dict) -> Path:
    """The folder of a configuration's cached passes. It may be deleted at any time."""
    return save_folder(cfgs, "evaluator_cfg") / "embeddings"


def cache_file(cfgs: dict, key: dict) -> Path:
    """The file of a pass with this key."""
    return cache_folder(cfgs) / f"{file_stem(key)}.npz"


def read_cached(cfgs: dict, key: dict) -> Pass | None:
    """The cached pass with this key; None if there is none. A file that does not fit is reported and not used."""
    file = cache_file(cfgs, key)
    remove_stale(file)
    if not file.is_file():
        return None
    try:
        return load(file, key)
    except Unfit as error:
        from utils import get_msg_mgr

        get_msg_mgr().log_warning(f"{file} is not used, the test set is embedded again: {error}")
        return None


def write_cached(cfgs: dict, done: Pass) -> None:
    """Write a pass to the cache. The file appears complete or not at all. Raises: HostError, see `embedding_file.write`."""
    save(cache_file(cfgs, done.meta["key"]), done)


def reload_pass(cfgs: dict, done: Pass) -> Pass:
    """Read again a pass that this run has cached.

    Raises:
        HostError: the file was removed or changed since.
    """
    file = cache_file(cfgs, done.meta["key"])
    try:
        return load(file, done.meta["key"])
    except Unfit as error:
        raise HostError(f"{file} was written by this run and is needed again: {error}. Run the same command again") from error
